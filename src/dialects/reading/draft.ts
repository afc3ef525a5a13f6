import { type Delta, NOTHING } from "../../core/dialect/dialect.ts";

/** A delta under construction. */
export type Draft = { -readonly [Key in keyof Delta]: Delta[Key] };

/** The finished delta: `NOTHING` itself if the draft is empty, so that the relay can skip it by identity. */
export function deltaOf(draft: Draft): Delta {
  return Object.keys(draft).length > 0 ? draft : NOTHING;
}
