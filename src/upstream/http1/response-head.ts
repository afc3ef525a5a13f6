import type { ByteString } from "../../core/kernel/byte-string.ts";
import { GatewayError } from "../../core/kernel/errors.ts";
import type { ResponseHead } from "../policy/response.ts";

/** How the body is delimited (RFC 9112, section 6.3): by its length in bytes, by chunks, or by the end of the connection. */
export type Framing = number | "chunked" | "close";

/** The head of one response and the framing of its body. */
export interface FramedHead extends ResponseHead {
  readonly framing: Framing;
  /**
   * How long the connection may be reused after the body, in milliseconds: 0 if it must be closed, undefined if the upstream
   * does not say.
   */
  readonly idleMs: number | undefined;
}

const STATUS_LINE = /^HTTP\/1\.([01]) ([1-5]\d\d)(?: [\t\x20-\x7e\x80-\xff]*)?$/;
const FIELD_NAME = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;
const FIELD_VALUE = /^[\t\x20-\x7e\x80-\xff]*$/;

/** An idle connection is closed this much before the upstream's own limit, so that no request crosses the close. */
const IDLE_MARGIN_MS = 2_000;
const MAX_IDLE_MS = 600_000;

/** Invalid HTTP, or valid but ambiguous HTTP that we refuse to guess about. */
export const protocolError = (what: string): GatewayError =>
  new GatewayError("upstream_protocol", `the upstream sent ${what}`);

/** Whether a bare LF occurs at or after `from`. A head with one may never reach its CRLFCRLF. */
export function hasBareLineEnd(text: ByteString, from: number): boolean {
  for (let at = text.indexOf("\n", from); at >= 0; at = text.indexOf("\n", at + 1)) {
    if (text[at - 1] !== "\r") return true;
  }
  return false;
}

/** Parses a head without its empty line. Throws `upstream_protocol` for anything ambiguous. */
export function readHead(text: ByteString): FramedHead {
  const [first = "", ...lines] = text.split("\r\n");
  const [, minor, digits] = STATUS_LINE.exec(first) ?? [];
  if (digits === undefined) throw protocolError("no HTTP/1 status line");
  const status = Number(digits);
  // The request never asks to switch protocols.
  if (status === 101) throw protocolError("an upgrade");
  const headers = readFields(lines);
  const told = framingOf(headers);
  const framing = status < 200 || status === 204 || status === 304 ? 0 : told;
  const options = listOf(headers.connection);
  // HTTP/1.0 has no interim responses; they have no body and do not end the connection (RFC 9110, 8.6 and 15.2). Reading
  // a body for one would swallow the final response.
  if (status < 200 && (minor === "0" || hasLength(headers) || options.includes("close"))) {
    throw protocolError("an interim head that cannot be one");
  }
  const mayStay = minor === "1" && framing !== "close" && !options.includes("close");
  return { status, headers, framing, idleMs: mayStay ? idleMs(headers) : 0 };
}

/** Checks one trailer line. Throws `upstream_protocol` if it is malformed or tries to frame the body. */
export function checkTrailer(line: ByteString): void {
  if (hasLength(readFields([line]))) throw protocolError("a length behind its body");
}

function readFields(lines: readonly string[]): Record<string, string | string[]> {
  const fields: Record<string, string | string[]> = Object.create(null);
  for (const line of lines) {
    const colon = line.indexOf(":");
    const name = line.slice(0, Math.max(0, colon));
    const value = withoutBlanks(line.slice(colon + 1));
    // This refuses folded lines and a space before the colon, both known ways to smuggle.
    if (!FIELD_NAME.test(name) || !FIELD_VALUE.test(value)) throw protocolError("a malformed header");
    const key = name.toLowerCase();
    const earlier = fields[key];
    fields[key] = earlier === undefined ? value : [...(Array.isArray(earlier) ? earlier : [earlier]), value];
  }
  return fields;
}

function framingOf(headers: ResponseHead["headers"]): Framing {
  const codings = listOf(headers["transfer-encoding"]);
  const lengths = listOf(headers["content-length"]);
  const [length] = lengths;
  if (codings.length > 0) {
    if (length !== undefined) throw protocolError("a body with two lengths");
    if (codings.length > 1 || codings[0] !== "chunked") throw protocolError("an unknown transfer coding");
    return "chunked";
  }
  if (length === undefined) return "close";
  // Equal duplicates too: RFC 9112, 6.3 allows repairing them, but Node's own client refuses them.
  if (lengths.length > 1 || !/^\d{1,15}$/.test(length)) throw protocolError("a body of no certain length");
  return Number(length);
}

const hasLength = (headers: ResponseHead["headers"]) =>
  headers["content-length"] !== undefined || headers["transfer-encoding"] !== undefined;

function idleMs(headers: ResponseHead["headers"]): number | undefined {
  const seconds = /(?:^|[,;\s])timeout=(\d{1,9})/i.exec(String(headers["keep-alive"] ?? ""))?.[1];
  if (seconds === undefined) return undefined;
  return Math.min(Math.max(0, Number(seconds) * 1000 - IDLE_MARGIN_MS), MAX_IDLE_MS);
}

/** The members of a comma-separated field, in lower case. A field that is present has at least one, possibly empty. */
function listOf(value: string | readonly string[] | undefined): readonly string[] {
  if (value === undefined) return [];
  const members = String(value).split(",");
  return members.map((member) => withoutBlanks(member).toLowerCase());
}

/** Strips spaces and tabs. `trim` would also strip line ends and 0xA0, which is a byte of UTF-8. */
function withoutBlanks(text: ByteString): ByteString {
  let from = 0;
  let to = text.length;
  while (from < to && isBlank(text[from])) from++;
  while (from < to && isBlank(text[to - 1])) to--;
  return text.slice(from, to);
}

const isBlank = (character: string | undefined) => character === " " || character === "\t";
