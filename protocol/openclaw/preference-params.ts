/** Parameters of `users.prefs.*`, and the limits of the real gateway. */
import * as z from "zod";
import { closed, list } from "./closed.ts";

export const PREFERENCES = {
  maxEntriesPerRequest: 32,
  maxKeyCharacters: 256,
  maxValueBytes: 4_096,
  maxKeys: 128,
} as const;

const key = z.string().min(1).max(PREFERENCES.maxKeyCharacters);
const entries = z
  .record(key, z.json())
  .refine((value) => Object.keys(value).length <= PREFERENCES.maxEntriesPerRequest, {
    error: `must have at most ${PREFERENCES.maxEntriesPerRequest} entries`,
  });

export const UsersPrefsGetParams = closed({ keys: list(key, PREFERENCES.maxEntriesPerRequest).optional() });

/** null removes an entry; the expectation null means that there is none. */
export const UsersPrefsSetParams = closed({ entries, expectedEntries: entries.optional() });
