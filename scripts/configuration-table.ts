import type * as z from "zod";

type Schema = z.core.JSONSchema.BaseSchema;

/** Units by the suffix of a name. */
const UNITS: readonly (readonly [RegExp, string])[] = [
  [/Ms$/, "ms"],
  [/Bytes$/, "bytes"],
  [/PerMinute$/, "per minute"],
];

const isSchema = (value: unknown): value is Schema => typeof value === "object" && value !== null;
const code = (text: string) => `\`${text}\``;

function valuesOf(schema: Schema): string {
  // A reference with a description is wrapped, because draft-7 ignores siblings of $ref.
  const [only] = schema.allOf ?? [];
  if (isSchema(only)) return valuesOf(only);
  if (schema.$ref) return schema.$ref.endsWith("/secret") ? "secret" : "JSON";
  if (schema.anyOf) return schema.anyOf.filter(isSchema).map(valuesOf).join(" or ");
  if (schema.enum) return schema.enum.map((value) => code(String(value))).join(" ");
  if (schema.const !== undefined) return code(String(schema.const));
  if (schema.type === "boolean") return "true or false";
  if (schema.type === "array") return `list of ${valuesOf(schema.items as Schema)}`;
  if (schema.type === "object") return schema.properties ? "object" : "by name";
  if (schema.type === "string") return "text";
  const { minimum, maximum = Number.MAX_SAFE_INTEGER } = schema;
  return maximum < Number.MAX_SAFE_INTEGER ? `${minimum} to ${maximum}` : `from ${minimum}`;
}

function row(path: string, schema: Schema, required: boolean): string {
  const unit = UNITS.find(([suffix]) => suffix.test(path))?.[1];
  const initial = schema.default === undefined ? undefined : code(JSON.stringify(schema.default));
  const values = [valuesOf(schema), unit].filter(Boolean).join(" ");
  const cells = [code(path), values, required ? "required" : (initial ?? "–"), schema.description ?? ""];
  return `| ${cells.map((cell) => cell.replaceAll("|", "\\|")).join(" | ")} |`;
}

/** Groups of keys that most readers can skip get a table of their own, after their section's. */
const isGroup = (value: unknown): boolean => isSchema(value) && /^advanced\b/.test(value.description ?? "");

function rows(schema: Schema, path: string, required = false): string[] {
  if (schema.properties) {
    const inner = Object.entries(schema.properties).flatMap(([key, value]) =>
      isSchema(value) && !isGroup(value)
        ? rows(value, path ? `${path}.${key}` : key, schema.required?.includes(key) ?? false)
        : [],
    );
    // The keys of an optional object are required only if the object is present.
    const optional = schema.description !== undefined && schema.default === undefined;
    return optional ? [row(path, schema, required), ...inner] : inner;
  }
  const each = schema.additionalProperties;
  if (isSchema(each) && each.properties) return rows(each, `${path}.<name>`);
  return [row(path, schema, required)];
}

/** The configuration's keys as Markdown tables, one per section. */
export function configurationTable(schema: Schema): string {
  const sections: { title: string; rows: string[] }[] = [{ title: "At the top", rows: [] }];
  for (const [key, value] of Object.entries(schema.properties ?? {})) {
    if (!isSchema(value)) continue;
    const groups = Object.entries(value.properties ?? {}).filter(([, inner]) => isGroup(inner));
    const own = rows(value, key);
    if (own.length === 1 && !value.properties) sections[0]?.rows.push(...own);
    else sections.push({ title: `${code(key)}: ${value.description}`, rows: own });
    for (const [name, inner] of groups) {
      if (!isSchema(inner)) continue;
      const path = `${key}.${name}`;
      sections.push({ title: `${code(path)}, ${inner.description}`, rows: rows(inner, path) });
    }
  }
  return sections
    .map(({ title, rows: own }) =>
      [`### ${title}`, "", "| key | values | default | meaning |", "|---|---|---|---|", ...own, ""].join("\n"),
    )
    .join("\n");
}
