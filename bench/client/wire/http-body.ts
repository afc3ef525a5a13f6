/** Receives a body's bytes in place, and its end. */
export interface BodyListener {
  body(buffer: Buffer, start: number, end: number): void;
  ended(): void;
}

const LF = 10;
const MAX_SIZE_LINE = 64;

/** Decodes chunked transfer coding (RFC 9112, 7.1) without a copy. Skips trailers. */
export class ChunkedBody {
  readonly #listener: BodyListener;
  #left = 0;
  #line = "";
  #state: "size" | "data" | "gap" | "trailer" | "over" = "size";

  constructor(listener: BodyListener) {
    this.#listener = listener;
  }

  /** Reads up to the end of the body; returns the offset where it stopped. */
  read(buffer: Buffer, start: number, end: number): number {
    let at = start;
    while (at < end && this.#state !== "over") {
      if (this.#state === "data") at = this.#data(buffer, at, end);
      else at = this.#lineEnd(buffer, at, end);
    }
    return at;
  }

  #data(buffer: Buffer, at: number, end: number): number {
    const to = Math.min(end, at + this.#left);
    this.#left -= to - at;
    if (this.#left === 0) this.#state = "gap";
    this.#listener.body(buffer, at, to);
    return to;
  }

  #lineEnd(buffer: Buffer, at: number, end: number): number {
    const found = buffer.indexOf(LF, at);
    const to = found < 0 || found >= end ? end : found + 1;
    this.#line += buffer.toString("latin1", at, to);
    if (this.#line.length > MAX_SIZE_LINE) throw new Error("a chunk without a size");
    if (this.#line.endsWith("\n")) {
      const line = this.#line.trim();
      this.#line = "";
      this.#lineRead(line);
    }
    return to;
  }

  #lineRead(line: string): void {
    if (this.#state === "gap") this.#state = "size";
    else if (this.#state === "size") {
      this.#left = Number.parseInt(line, 16);
      if (Number.isNaN(this.#left)) throw new Error("a chunk without a size");
      this.#state = this.#left === 0 ? "trailer" : "data";
    } else if (line === "") {
      this.#state = "over";
      this.#listener.ended();
    }
  }
}

/** A body of known length, or one that lasts until the connection closes (`length` is infinite). */
export class PlainBody {
  readonly #listener: BodyListener;
  #left: number;

  constructor(listener: BodyListener, length: number) {
    this.#listener = listener;
    this.#left = length;
  }

  read(buffer: Buffer, start: number, end: number): number {
    const to = Math.min(end, start + this.#left);
    this.#left -= to - start;
    this.#listener.body(buffer, start, to);
    if (this.#left === 0) this.#listener.ended();
    return to;
  }
}
