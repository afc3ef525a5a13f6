/** Parameters of `sessions.groups.*`. */
import * as z from "zod";
import { closed, list } from "./closed.ts";

/** The real gateway has no limit on their number; every list of sessions carries them all. */
export const SESSION_GROUPS = { maxGroups: 256, maxNameCharacters: 512 } as const;

const name = z.string().min(1).max(SESSION_GROUPS.maxNameCharacters);

export const SessionsGroupsPutParams = closed({
  names: list(name, SESSION_GROUPS.maxGroups),
  // Beside a section for each group there are a few more.
  sectionOrder: list(name, 2 * SESSION_GROUPS.maxGroups).optional(),
});
export const SessionsGroupsRenameParams = closed({ name, to: name });
export const SessionsGroupsDeleteParams = closed({ name });
