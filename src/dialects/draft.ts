import { type Delta, NOTHING } from "../core/dialect/dialect.ts";

/** A delta being put together. */
export type Draft = { -readonly [Key in keyof Delta]: Delta[Key] };

/** The draft as it stands; an empty one is NOTHING itself, which the relay need not look into. */
export function deltaOf(draft: Draft): Delta {
  return Object.keys(draft).length > 0 ? draft : NOTHING;
}
