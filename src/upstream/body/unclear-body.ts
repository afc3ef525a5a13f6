import type { ByteString } from "../../core/kernel/byte-string.ts";
import type { ResponseBody } from "./response-body.ts";

/** What a body turned out to be: an event stream, a JSON object or list, or anything else. */
export type Found = "events" | "json" | "other";

/** A byte order mark, one character per byte. */
const BOM = "\xef\xbb\xbf";
/** How a line of an event stream may begin (WHATWG HTML, section 9.2.6). */
const FIELD = /^(?::|(?:data|event|id|retry)[:\r\n])/;
/** The names of the fields above: a prefix of one may still become a field. */
const FIELDS = ["data", "event", "id", "retry"];
/** Limit for blanks before anything else. */
const MAX_BLANK_BYTES = 4_096;

/**
 * A body whose content type does not tell what it is. Servers send event streams as text/plain or without a type, and vendors'
 * own clients do not look. Once the first bytes are clear, `choose` is called with what they begin and returns the receiver
 * of the whole body; only those bytes are buffered.
 */
export class UnclearBody implements ResponseBody {
  readonly #choose: (found: Found) => ResponseBody;
  #body: ResponseBody | undefined;
  #start: ByteString = "";

  constructor(choose: (found: Found) => ResponseBody) {
    this.#choose = choose;
  }

  data(bytes: ByteString): void {
    if (this.#body) this.#body.data(bytes);
    else {
      this.#start += bytes;
      const found = kindOf(this.#start);
      if (found) this.#become(found);
    }
  }

  end(): void {
    if (!this.#body) this.#become("other");
    this.#body?.end();
  }

  #become(found: Found): void {
    const start = this.#start;
    this.#start = "";
    this.#body = this.#choose(found);
    if (start !== "") this.#body.data(start);
  }
}

/** What the bytes begin; undefined if more are needed. */
function kindOf(start: ByteString): Found | undefined {
  if (BOM.startsWith(start)) return undefined;
  const text = start.startsWith(BOM) ? start.slice(BOM.length) : start;
  const from = text.search(/[^\r\n\t ]/);
  if (from < 0) return text.length > MAX_BLANK_BYTES ? "other" : undefined;
  const first = text.slice(from, from + 16);
  if (/^[[{]/.test(first)) return "json";
  // Blank lines may precede the first event, but its lines are never indented.
  if (/[\t ]$/.test(text.slice(0, from))) return "other";
  if (FIELD.test(first)) return "events";
  return FIELDS.some((field) => field.startsWith(first)) ? undefined : "other";
}
