import type { JsonObject } from "../../../core/kernel/json.ts";

/** Google's versions. A base URL may have a `/v1` too many. */
export const GOOGLE_VERSION = /^(?:\/v1)?\/v1(?:beta|alpha)?\//;

/** A model's name, which may contain colons and slashes, and a method. */
const CALL = /^(models|tunedModels)\/(.+):(\w+)$/;

/**
 * Reads the paths of some of Google's methods: the fields of each one, and the `model` that the path names. Tuned models keep
 * their collection.
 */
export const askedOf =
  (methods: Readonly<Record<string, JsonObject>>) =>
  (path: string): JsonObject | undefined => {
    const [, collection, name = "", method = ""] = CALL.exec(path.replace(GOOGLE_VERSION, "")) ?? [];
    const fields = Object.hasOwn(methods, method) ? methods[method] : undefined;
    if (!fields || !GOOGLE_VERSION.test(path)) return undefined;
    const model = decoded(name);
    return { ...fields, model: collection === "models" ? model : `${collection}/${model}` };
  };

/** A name with invalid escapes is taken as it stands: it is no model's. */
function decoded(name: string): string {
  try {
    return decodeURIComponent(name);
  } catch {
    return name;
  }
}
