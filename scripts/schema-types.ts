/** The parts of a JSON Schema that say a value's type. */
interface Schema {
  readonly type?: string;
  readonly description?: string;
  readonly default?: unknown;
  readonly const?: unknown;
  readonly enum?: readonly unknown[];
  readonly anyOf?: readonly Schema[];
  readonly allOf?: readonly Schema[];
  readonly items?: Schema;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly required?: readonly string[];
  readonly additionalProperties?: Schema | boolean;
  readonly definitions?: Readonly<Record<string, Schema>>;
  readonly $ref?: string;
}

/** TypeScript declarations of a JSON Schema: `name` for the whole, and a type for each definition. Keys keep their descriptions. */
export function typesOf(name: string, schema: Schema): string {
  const definitions = Object.entries(schema.definitions ?? {});
  return [
    `/** ${schema.description ?? name} */`,
    `export interface ${name} ${typeOf(schema, "")}`,
    ...definitions.map(([key, value]) => `type ${typeName(key)} = ${typeOf(value, "")};`),
    "",
  ].join("\n");
}

/** `secret` → `Secret`, `__schema0` → `Schema0`. */
const typeName = (key: string): string => key.replace(/^_*(.)/, (_, first: string) => first.toUpperCase());

function typeOf(schema: Schema, indent: string): string {
  const { $ref, anyOf, enum: values, items, type } = schema;
  // A reference with a description is wrapped, because draft-7 ignores siblings of $ref.
  const [only] = schema.allOf ?? [];
  if (only) return typeOf(only, indent);
  if ($ref) return typeName($ref.replace(/^.*\//, ""));
  // Of alternatives that only say which keys belong together, the object itself is the type.
  const kinds = anyOf?.filter((each) => each.type ?? each.$ref ?? each.enum ?? each.const);
  if (kinds?.length) return kinds.map((each) => typeOf(each, indent)).join(" | ");
  if (values) return values.map((value) => JSON.stringify(value)).join(" | ");
  if (schema.const !== undefined) return JSON.stringify(schema.const);
  if (type === "array") return `ReadonlyArray<${items ? typeOf(items, indent) : "unknown"}>`;
  if (type === "object") return objectOf(schema, indent);
  if (type === "integer") return "number";
  return type ?? "unknown";
}

function objectOf({ properties, required = [], additionalProperties }: Schema, indent: string): string {
  const inner = `${indent}  `;
  if (!properties) {
    const each = typeof additionalProperties === "object" ? typeOf(additionalProperties, indent) : "unknown";
    return `{ readonly [name: string]: ${each} }`;
  }
  const lines = Object.entries(properties).flatMap(([key, value]) => [
    ...documentationOf(value, inner),
    `${inner}readonly ${/^[\w$]+$/.test(key) ? key : JSON.stringify(key)}${required.includes(key) ? "" : "?"}: ${typeOf(value, inner)};`,
  ]);
  return ["{", ...lines, `${indent}}`].join("\n");
}

function documentationOf({ description, default: initial }: Schema, indent: string): string[] {
  const isPlain = initial !== undefined && (typeof initial !== "object" || initial === null);
  const text = [description, isPlain && `default: ${JSON.stringify(initial)}`].filter(Boolean).join("; ");
  return text === "" ? [] : [`${indent}/** ${text.replaceAll("*/", "*\\/")} */`];
}
