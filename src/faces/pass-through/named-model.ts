import { GatewayError } from "../../core/kernel/errors.ts";

/** The model that a JSON body names, and where its string stands in the text. */
export interface NamedModel {
  readonly name: string;
  readonly from: number;
  readonly to: number;
}

/** What may stand between two tokens (RFC 8259, 2). */
const BLANKS = /[\t\n\r ]*/y;
/** A number or literal. */
const PLAIN = /[-+.\w]+/y;
/** What a nested value is skipped by. */
const BRACKETS = /["[\]{}]/g;

/**
 * Finds the string `model` among a body's own fields, without parsing the rest: batches of embeddings are large, and go on
 * as they came. Undefined if there is none. Throws `bad_request` for a body that is no JSON object, or names two: a provider
 * might take the other one than was checked here.
 */
export function namedModel(text: string): NamedModel | undefined {
  let found: NamedModel | undefined;
  let at = expect(text, blanks(text, 0), "{");
  if (text[blanks(text, at)] === "}") return undefined;
  for (;;) {
    const from = blanks(text, at);
    const keyEnd = stringEnd(text, from);
    const value = blanks(text, expect(text, blanks(text, keyEnd), ":"));
    const to = valueEnd(text, value);
    if (decoded(text.slice(from, keyEnd)) === "model") {
      if (found) throw new GatewayError("bad_request", "the body names model twice");
      if (text[value] !== '"') throw new GatewayError("bad_request", "model is not a string");
      found = { name: decoded(text.slice(value, to)), from: value, to };
    }
    at = blanks(text, to);
    if (text[at] === "}" && blanks(text, at + 1) === text.length) return found;
    at = expect(text, at, ",");
  }
}

/** The text with another model in the same place. */
export const withModel = (text: string, { from, to }: NamedModel, model: string): string =>
  text.slice(0, from) + JSON.stringify(model) + text.slice(to);

const unfit = () => new GatewayError("bad_request", "the body is not a JSON object");

function blanks(text: string, at: number): number {
  BLANKS.lastIndex = at;
  BLANKS.test(text);
  return BLANKS.lastIndex;
}

function expect(text: string, at: number, token: string): number {
  if (text[at] !== token) throw unfit();
  return at + 1;
}

function valueEnd(text: string, at: number): number {
  const first = text[at];
  if (first === '"') return stringEnd(text, at);
  if (first === "{" || first === "[") return nestedEnd(text, at);
  PLAIN.lastIndex = at;
  if (!PLAIN.test(text)) throw unfit();
  return PLAIN.lastIndex;
}

function nestedEnd(text: string, from: number): number {
  let depth = 0;
  BRACKETS.lastIndex = from;
  for (;;) {
    const bracket = BRACKETS.exec(text)?.[0];
    if (bracket === undefined) throw unfit();
    if (bracket === '"') BRACKETS.lastIndex = stringEnd(text, BRACKETS.lastIndex - 1);
    else depth += bracket === "{" || bracket === "[" ? 1 : -1;
    if (depth === 0) return BRACKETS.lastIndex;
  }
}

/** The end of a string that begins here, behind its quote. */
function stringEnd(text: string, from: number): number {
  if (text[from] !== '"') throw unfit();
  for (let quote = text.indexOf('"', from + 1); quote >= 0; quote = text.indexOf('"', quote + 1)) {
    let slashes = 0;
    while (text[quote - 1 - slashes] === "\\") slashes++;
    if (slashes % 2 === 0) return quote + 1;
  }
  throw unfit();
}

/** A JSON string's text. Throws `bad_request` if it is none. */
function decoded(string: string): string {
  try {
    return String(JSON.parse(string));
  } catch {
    throw unfit();
  }
}
