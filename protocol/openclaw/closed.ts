import * as z from "zod";

/**
 * A closed object: `fields` are read, the names in `ignored` are accepted and not looked at, anything else is an error.
 * Real clients send more than this gateway needs, and a field of the protocol must never make a request fail.
 */
export function closed<Fields extends z.ZodRawShape>(
  fields: Fields,
  ignored = "",
): z.ZodObject<Fields, z.core.$strict> {
  const names = ignored.split(" ").filter((name) => name !== "");
  const rest = Object.fromEntries(names.map((name) => [name, z.unknown().optional()]));
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
