import type { ByteString } from "../../core/kernel/byte-string.ts";
import type { ResponseBody } from "./response-body.ts";

/** What a body turned out to be: an event stream, a JSON value, or anything else. */
export type Found = "events" | "json" | "other";

/** A byte order mark, as a character a byte and then what may stand between it and the first line or value. */
const BOM = "\xef\xbb\xbf";
/** How a line of an event stream may begin (WHATWG HTML, 9.2.6); nothing else of the web does. */
const FIELD = /^(?::|(?:data|event|id|retry)[:\r\n])/;
/** The longest beginning that could still become a field: `event` and `retry`, without the character behind them. */
const FIELDS = ["data", "event", "id", "retry"];
/** Blank lines before anything else; more than that is no stream and no JSON. */
const MAX_BLANK_BYTES = 4_096;

/**
 * A body whose content type does not say what it is: servers send event streams as text/plain, or with no type at all,
 * and vendors' own clients do not look. Nothing is kept beyond the first bytes, from which `choose` is told once what the
 * body is, and gives whoever takes it from its beginning.
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

/** What begins like this; undefined when more bytes are needed to tell. */
function kindOf(start: ByteString): Found | undefined {
  if (BOM.startsWith(start)) return undefined;
  const text = start.startsWith(BOM) ? start.slice(BOM.length) : start;
  const from = text.search(/[^\r\n\t ]/);
  if (from < 0) return text.length > MAX_BLANK_BYTES ? "other" : undefined;
  const first = text.slice(from, from + 16);
  if (/^[[{]/.test(first)) return "json";
  // Blank lines may stand before the first event, but no line of one is indented.
  if (/[\t ]$/.test(text.slice(0, from))) return "other";
  if (FIELD.test(first)) return "events";
  return FIELDS.some((field) => field.startsWith(first)) ? undefined : "other";
}
