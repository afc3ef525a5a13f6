import { isDeepStrictEqual } from "node:util";
import { PREFERENCES } from "../../../../protocol/openclaw/preference-params.ts";
import { GatewayError } from "../../../core/kernel/errors.ts";
import { isObject, type JsonObject, type JsonValue } from "../../../core/kernel/json.ts";
import type { Documents } from "../../../core/ports/documents.ts";
import { DurableMap } from "./durable-map.ts";

/** Where preferences are stored, and who is told of them. */
export interface PreferencesParts {
  readonly documents: Documents;
  /** Reports a failed write. */
  readonly fault: (error: unknown) => void;
  /** Called with the names that another process has changed in a profile. */
  readonly told?: (profile: string, names: readonly string[]) => void;
}

/** What users have chosen (theme, pins, language …), by profile and name. Its limits are the real gateway's. */
export class Preferences {
  readonly #profiles: DurableMap<JsonObject>;

  private constructor(profiles: DurableMap<JsonObject>) {
    this.#profiles = profiles;
  }

  /** Loads what is stored. Rejects with `store_unavailable`. */
  static async load({ told, ...parts }: PreferencesParts): Promise<Preferences> {
    const read = (value: JsonValue) => (isObject(value) ? value : undefined);
    const changed = (profile: string, before: JsonObject = {}, after: JsonObject = {}) => {
      const names = Object.keys({ ...before, ...after });
      told?.(
        profile,
        names.filter((name) => !isDeepStrictEqual(before[name], after[name])),
      );
    };
    return new Preferences(await DurableMap.load({ ...parts, kind: "openclaw.preferences", read, changed }));
  }

  /** The entries of a profile, all or those named. */
  get(profile: string, keys?: readonly string[]): JsonObject {
    const entries = Object.entries(this.#profiles.get(profile) ?? {});
    const wanted = keys && new Set(keys);
    return Object.fromEntries(entries.filter(([key]) => wanted?.has(key) ?? true));
  }

  /**
   * Changes all entries or none; null removes one. Returns false, having changed nothing, when an entry is not as
   * `expected`. Throws `bad_request` for a value that is too large or one entry too many.
   */
  set(profile: string, changes: JsonObject, expected: JsonObject = {}): boolean {
    for (const [key, value] of [...Object.entries(changes), ...Object.entries(expected)]) checkSize(key, value);
    const known = new Map(Object.entries(this.#profiles.get(profile) ?? {}));
    const differs = ([key, value]: [string, JsonValue | undefined]) =>
      !isDeepStrictEqual(known.get(key) ?? null, value ?? null);
    if (Object.entries(expected).some(differs)) return false;
    const count = known.size;
    for (const [key, value] of Object.entries(changes)) {
      if (value === null) known.delete(key);
      else known.set(key, value);
    }
    if (known.size > Math.max(count, PREFERENCES.maxKeys)) throw tooMany(count);
    this.#profiles.set(profile, Object.fromEntries(known));
    return true;
  }

  /** Resolves when all changes so far are stored or reported as failed. */
  close(): Promise<void> {
    return this.#profiles.close();
  }
}

function checkSize(key: string, value: JsonValue | undefined): void {
  if (Buffer.byteLength(JSON.stringify(value) ?? "") <= PREFERENCES.maxValueBytes) return;
  throw new GatewayError("bad_request", `invalid users.prefs.set entry for ${key}: value-too-large`);
}

/** The real gateway's words and details. */
function tooMany(currentCount: number): GatewayError {
  const { maxKeys: limit } = PREFERENCES;
  const details = { code: "USER_PREFS_LIMIT_EXCEEDED", limit, currentCount };
  const message = `users.prefs.set exceeds the ${limit}-key profile limit (current count: ${currentCount})`;
  return new GatewayError("bad_request", message, { details });
}
