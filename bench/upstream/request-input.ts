export interface ReceivedRequest {
  readonly method: string;
  readonly path: string;
  /** Head and body as they came; both may contain a plan. */
  readonly text: string;
}

/** Collects HTTP/1.1 requests from a socket's bytes: just enough HTTP for a benchmark's clients. */
export class RequestInput {
  readonly #received: (request: ReceivedRequest) => void;
  #text = "";

  constructor(received: (request: ReceivedRequest) => void) {
    this.#received = received;
  }

  read(chunk: Buffer): void {
    this.#text += chunk.toString("latin1");
    for (;;) {
      const end = requestEnd(this.#text);
      if (end === undefined) return;
      const text = this.#text.slice(0, end);
      this.#text = this.#text.slice(end);
      const [method = "", path = ""] = text.slice(0, text.indexOf("\r\n")).split(" ");
      this.#received({ method, path, text });
    }
  }
}

/** The end of the first complete request. */
function requestEnd(text: string): number | undefined {
  const headEnd = text.indexOf("\r\n\r\n");
  if (headEnd < 0) return undefined;
  const bodyAt = headEnd + 4;
  const head = text.slice(0, bodyAt).toLowerCase();
  if (/\r\ntransfer-encoding:[^\r]*chunked/.test(head)) {
    // The zero chunk; no prompt has a line that is only "0".
    const last = text.indexOf("\r\n0\r\n\r\n", bodyAt - 2);
    return last < 0 ? undefined : last + 7;
  }
  const length = Number(/\r\ncontent-length: *(\d+)/.exec(head)?.[1] ?? 0);
  return text.length < bodyAt + length ? undefined : bodyAt + length;
}
