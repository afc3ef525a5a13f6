const DATA = "data: ";
const NEXT_DATA = `\n${DATA}`;

/** Told of each event's data, as latin1 text: the bytes as they came. */
export type DataListener = (data: string) => void;

/**
 * Reads an HTTP/1.1 answer in chunked coding whose body is SSE with one data line an event, and at most a name before it. Bytes are
 * carried as latin1 strings: no decoder, and no copy that V8 does not need.
 */
export class EventScanner {
  readonly #data: DataListener;
  readonly #ended: () => void;
  #text = "";
  #body = "";
  #left = -1;
  #inBody = false;

  constructor(data: DataListener, ended: () => void) {
    this.#data = data;
    this.#ended = ended;
  }

  read(chunk: Buffer): void {
    this.#text += chunk.toString("latin1");
    if (!this.#inBody) {
      const end = this.#text.indexOf("\r\n\r\n");
      if (end < 0) return;
      this.#inBody = true;
      this.#text = this.#text.slice(end + 4);
    }
    const last = this.#chunks();
    this.#events();
    if (last) this.#ended();
  }

  /** Takes the chunks' bytes out of their coding; true after the last one. */
  #chunks(): boolean {
    let at = 0;
    for (;;) {
      if (this.#left < 0) {
        const lineEnd = this.#text.indexOf("\r\n", at);
        if (lineEnd < 0) break;
        const size = Number.parseInt(this.#text.slice(at, lineEnd), 16);
        if (size === 0) {
          // Over only with the empty line behind it, which would be read as the next answer's otherwise.
          if (this.#text.length >= lineEnd + 4) return true;
          break;
        }
        this.#left = size;
        at = lineEnd + 2;
      }
      const part = this.#text.slice(at, at + this.#left);
      this.#body += part;
      this.#left -= part.length;
      at += part.length;
      // The line end behind the data belongs to the chunk.
      if (this.#left > 0 || this.#text.length < at + 2) break;
      at += 2;
      this.#left = -1;
    }
    this.#text = this.#text.slice(at);
    return false;
  }

  #events(): void {
    let at = 0;
    for (;;) {
      const end = this.#body.indexOf("\n\n", at);
      if (end < 0) break;
      // Some providers name each event in a line of its own before its data.
      const from = this.#body.startsWith(DATA, at) ? at : this.#body.indexOf(NEXT_DATA, at) + 1;
      this.#data(this.#body.slice(from + DATA.length, end));
      at = end + 2;
    }
    this.#body = this.#body.slice(at);
  }
}
