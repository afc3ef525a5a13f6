import { type Meaning, NOTHING } from "../core/dialect/dialect.ts";

/** A meaning being put together. */
export type Draft = { -readonly [Key in keyof Meaning]: Meaning[Key] };

/** The draft as it stands; an empty one is NOTHING itself, which the relay need not look into. */
export function meaningOf(draft: Draft): Meaning {
  return Object.keys(draft).length > 0 ? draft : NOTHING;
}
