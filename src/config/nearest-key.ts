import { asObject, type JsonObject } from "../core/kernel/json.ts";

/** Most typing errors in a name that is still recognised. */
const MAX_SLIPS = 2;

/**
 * The known key that an unknown one probably meant: a sibling with a similar name, or the same name elsewhere, first below `path`, such as
 * `limits.streams.opensBurst` for `limits.opensBurst`. `schema` is the configuration's JSON Schema, `path` the object
 * that holds the key.
 */
export function nearestKey(schema: JsonObject, path: readonly string[], key: string): string | undefined {
  const nearest = nearestName(keysOf(at(schema, path)), key);
  if (nearest !== undefined) return [...path, nearest].join(".");
  const named = everyPath(schema, "").filter((known) => known.split(".").at(-1)?.toLowerCase() === key.toLowerCase());
  // Prefer one below the same object.
  return named.find((known) => known.startsWith(`${path.join(".")}.`)) ?? named[0];
}

/** The one of these names that was probably meant by `name`, if any is similar. */
export function nearestName(names: readonly string[], name: string): string | undefined {
  const slips = names.map((known) => ({ known, count: slipsBetween(known.toLowerCase(), name.toLowerCase()) }));
  const [nearest] = slips.filter(({ count }) => count <= MAX_SLIPS).sort((one, other) => one.count - other.count);
  return nearest && nearest.count < name.length / 2 ? nearest.known : undefined;
}

/** The keys that the object at `path` may have. */
export const keysAt = (schema: JsonObject, path: readonly string[]): readonly string[] => keysOf(at(schema, path));

const keysOf = (schema: JsonObject | undefined): readonly string[] => Object.keys(asObject(schema?.properties) ?? {});

function at(schema: JsonObject, path: readonly string[]): JsonObject | undefined {
  let found: JsonObject | undefined = schema;
  for (const key of path) found = asObject(asObject(found?.properties)?.[key]) ?? asObject(found?.additionalProperties);
  return found;
}

function everyPath(schema: JsonObject | undefined, path: string): readonly string[] {
  const named = asObject(schema?.additionalProperties);
  const below = keysOf(schema).flatMap((key) => {
    const inner = path === "" ? key : `${path}.${key}`;
    return [inner, ...everyPath(asObject(asObject(schema?.properties)?.[key]), inner)];
  });
  return named ? [...below, ...everyPath(named, `${path}.<name>`)] : below;
}

/** Edit distance with swaps of neighbours (optimal string alignment). */
function slipsBetween(one: string, other: string): number {
  const rows: number[][] = [Array.from({ length: other.length + 1 }, (_, column) => column)];
  for (let row = 1; row <= one.length; row++) {
    const line = [row];
    for (let column = 1; column <= other.length; column++) {
      const same = one[row - 1] === other[column - 1];
      const steps = [
        (rows[row - 1]?.[column] ?? 0) + 1,
        (line[column - 1] ?? 0) + 1,
        (rows[row - 1]?.[column - 1] ?? 0) + (same ? 0 : 1),
      ];
      const swapped = row > 1 && column > 1 && one[row - 1] === other[column - 2] && one[row - 2] === other[column - 1];
      if (swapped) steps.push((rows[row - 2]?.[column - 2] ?? 0) + 1);
      line.push(Math.min(...steps));
    }
    rows.push(line);
  }
  return rows[one.length]?.[other.length] ?? 0;
}
