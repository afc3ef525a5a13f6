import { isObject } from "../core/kernel/json.ts";
import { Secret } from "./secret.ts";

/**
 * The paths at which two configurations differ, such as `models.gpt.price.input`; for an object that only one of them has,
 * its own path. Secrets are compared by their values and, like all values, never shown.
 */
export function differencesOf(before: unknown, after: unknown, path: readonly string[] = []): readonly string[] {
  if (!isRecord(before) || !isRecord(after)) return isSame(before, after) ? [] : [path.join(".")];
  const keys = new Set([...Object.keys(before), ...Object.keys(after)]);
  return [...keys].flatMap((key) => differencesOf(before[key], after[key], [...path, key]));
}

const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> =>
  isObject(value) && !(value instanceof Secret);

function isSame(a: unknown, b: unknown): boolean {
  if (a instanceof Secret && b instanceof Secret) return a.reveal() === b.reveal();
  return JSON.stringify(a) === JSON.stringify(b) && a instanceof Secret === b instanceof Secret;
}
