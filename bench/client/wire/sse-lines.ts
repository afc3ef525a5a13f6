const LF = 10;
const CR = 13;
const FIELD = Buffer.from("data:", "latin1");
const SPACE = 32;

/** Finds the `data` lines in a byte stream, in place if a line is complete in one read. One line is one event. */
export class SseLines {
  readonly #data: (buffer: Buffer, start: number, end: number) => void;
  #rest: Buffer | undefined;

  constructor(data: (buffer: Buffer, start: number, end: number) => void) {
    this.#data = data;
  }

  read(buffer: Buffer, start: number, end: number): void {
    if (this.#rest) {
      const joined = Buffer.concat([this.#rest, buffer.subarray(start, end)]);
      this.#rest = undefined;
      this.#lines(joined, 0, joined.length);
    } else {
      this.#lines(buffer, start, end);
    }
  }

  #lines(buffer: Buffer, start: number, end: number): void {
    let at = start;
    while (at < end) {
      const lineEnd = buffer.indexOf(LF, at);
      if (lineEnd < 0 || lineEnd >= end) {
        this.#rest = Buffer.from(buffer.subarray(at, end));
        return;
      }
      if (lineEnd - at > FIELD.length && isData(buffer, at)) {
        const from = at + FIELD.length + (buffer[at + FIELD.length] === SPACE ? 1 : 0);
        this.#data(buffer, from, buffer[lineEnd - 1] === CR ? lineEnd - 1 : lineEnd);
      }
      at = lineEnd + 1;
    }
  }
}

function isData(buffer: Buffer, at: number): boolean {
  for (let index = 0; index < FIELD.length; index++) {
    if (buffer[at + index] !== FIELD[index]) return false;
  }
  return true;
}
