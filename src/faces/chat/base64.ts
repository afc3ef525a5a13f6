/** Base64 as clients send it. */

const NOT_BASE64 = /[^A-Za-z0-9+/]/;
/** In characters. The head of a `data:` URL is its type with a few parameters. */
const MAX_HEAD = 1024;

/** How many bytes a base64 text stands for. */
export const decodedBytes = (base64: string): number =>
  Math.floor((base64.length * 3) / 4) - (base64.endsWith("==") ? 2 : Number(base64.endsWith("=")));

/** Searches for a wrong character: a pattern for the whole text would keep millions of positions to backtrack to. */
export function isBase64(text: string): boolean {
  const characters = text.replace(/={1,2}$/, "");
  return characters !== "" && !NOT_BASE64.test(characters);
}

/**
 * Whether a text is base64 without white space, in a tenth of the time: the decoder skips characters that are not base64
 * and then returns too few bytes. It also accepts `-` and `_` of base64url.
 */
export function isPlainBase64(text: string): boolean {
  const padding = text.endsWith("==") ? 2 : Number(text.endsWith("="));
  const characters = text.length - padding;
  if (characters === 0 || characters % 4 === 1 || text.includes("-") || text.includes("_")) return false;
  return Buffer.from(text, "base64").length === Math.floor((characters * 3) / 4);
}

/** A `data:` URL's content in base64 and the type it declares (RFC 2397); undefined for any other text. */
export function readDataUrl(url: string): { readonly content: string; readonly declared?: string } | undefined {
  const head = url.slice(0, MAX_HEAD);
  const comma = head.indexOf(",");
  const [scheme, ...parameters] = comma < 0 ? [] : head.slice(0, comma).split(";");
  if (!scheme || !/^data:/i.test(scheme)) return undefined;
  const declared = scheme.slice("data:".length);
  const content = url.slice(comma + 1);
  const isEncoded = parameters.at(-1)?.trim().toLowerCase() === "base64";
  return { content: isEncoded ? content : percentDecoded(content), ...(declared !== "" && { declared }) };
}

/** Percent-encoded bytes as base64. A `%` without its digits stands for itself. */
function percentDecoded(text: string): string {
  const bytes = Buffer.from(text).toString("latin1");
  const decoded = bytes.replace(/%([0-9a-f]{2})/gi, (_, digits: string) =>
    String.fromCharCode(Number.parseInt(digits, 16)),
  );
  return Buffer.from(decoded, "latin1").toString("base64");
}
