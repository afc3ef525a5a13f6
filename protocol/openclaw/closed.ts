import * as z from "zod";

/** A field that is accepted and not looked at. `without-meaning.ts` says why. */
export const IGNORED = z.unknown().optional();

/** A field whose wish cannot be met, with the sentence that says so. Values that wish for nothing are accepted. */
export const refused = (reason: string, ...harmless: readonly (string | boolean)[]) =>
  z
    .unknown()
    .refine((value) => value === undefined || value === null || harmless.some((one) => one === value), {
      error: reason,
      params: { refused: true },
    })
    .optional()
    .meta({ refused: true });

/**
 * A closed object: `fields` are read or refused, the names in `ignored` are accepted and not looked at, anything else is an
 * error. What would be a lie to accept (a condition, a place, a promise of privacy) is read or refused, never ignored.
 */
export function closed<Fields extends z.ZodRawShape>(
  fields: Fields,
  ignored = "",
): z.ZodObject<Fields, z.core.$strict> {
  const names = ignored.split(" ").filter((name) => name !== "");
  const rest = Object.fromEntries(names.map((name) => [name, IGNORED]));
  // The type shows only what handlers may read.
  return z.strictObject({ ...rest, ...fields }) as unknown as z.ZodObject<Fields, z.core.$strict>;
}

export const text = z.string().min(1);
/** The real gateway sets no limit; this one keeps a record for each. */
export const idempotencyKey = text.max(512);
export const count = z.int().nonnegative();

/** A list. zod looks at its members only when there are not more than `max` of them; a test holds that. */
export const list = <Member extends z.ZodType>(member: Member, max: number, min = 0) =>
  z.array(member).min(min).max(max);
