// @ts-check
/**
 * A small client of the stream face (protocol/README.md). It connects on demand and uses one socket for all streams.
 *
 * @typedef {{ code: string, message: string }} Failure
 * @typedef {{
 *   status: "completed" | "failed" | "cancelled",
 *   finish?: string,
 *   error?: Failure,
 *   usage: { source: string, inputTokens?: number, outputTokens?: number },
 *   timing: { firstContentMs?: number, firstSentMs?: number, totalMs: number },
 * }} End
 * @typedef {{ sent(): void, event(data: unknown): void, end(end: End): void, failed(failure: Failure): void }} Listener
 */

const SUBPROTOCOL = "sluice.v1";

export class StreamClient {
  /** @type {string} */
  #url;
  /** @type {() => string} */
  #token;
  /** @type {WebSocket | undefined} */
  #socket;
  /** @type {Map<string, Listener>} */
  #streams = new Map();
  #nextId = 1;

  /**
   * @param {string} url
   * @param {() => string} token the token to connect with, "" for none
   */
  constructor(url, token) {
    this.#url = url;
    this.#token = token;
  }

  /**
   * Opens a stream. Calls `sent` when the request is sent, then `event` for each event, then `end` or `failed` once.
   * @param {string} model
   * @param {object} body
   * @param {Listener} listener
   * @returns {() => void} cancels it
   */
  open(model, body, listener) {
    const id = String(this.#nextId++);
    this.#streams.set(id, listener);
    const send = () => {
      if (!this.#streams.has(id)) return;
      listener.sent();
      // No acknowledgements and no resume: a stream of this page ends with the page.
      this.#socket?.send(JSON.stringify({ type: "open", id, model, body, flow: "none", away: "cancel" }));
    };
    if (this.#socket?.readyState === WebSocket.OPEN) send();
    else this.#connect(send);
    return () => this.#cancel(id);
  }

  /** @param {string} id */
  #cancel(id) {
    if (this.#socket?.readyState === WebSocket.OPEN) this.#socket.send(JSON.stringify({ type: "cancel", id }));
    else this.#fail(id, { code: "cancelled", message: "stopped before it was sent" });
  }

  /** @param {() => void} ready called after the gateway's hello */
  #connect(ready) {
    this.#socket?.close();
    const token = this.#token();
    const socket = new WebSocket(this.#url, token === "" ? [SUBPROTOCOL] : [SUBPROTOCOL, tokenSubprotocol(token)]);
    this.#socket = socket;
    socket.onmessage = ({ data }) => {
      const frame = JSON.parse(data);
      if (frame.type === "hello") ready();
      else this.#frame(frame);
    };
    socket.onclose = ({ code, reason }) => {
      if (this.#socket === socket) this.#lost(code, reason);
    };
  }

  /** @param {any} frame */
  #frame(frame) {
    const listener = this.#streams.get(frame.id);
    if (frame.type === "event") listener?.event(frame.data);
    else if (frame.type === "error") this.#fail(frame.id, frame.error);
    else if (frame.type === "detached")
      this.#fail(frame.id, { code: frame.code, message: "another connection is reading the stream" });
    else if (frame.type === "end") {
      this.#streams.delete(frame.id);
      listener?.end(frame);
    }
  }

  /**
   * @param {number} code
   * @param {string} reason
   */
  #lost(code, reason) {
    this.#socket = undefined;
    const message = reason || "the connection to the gateway was lost";
    for (const id of [...this.#streams.keys()]) this.#fail(id, { code: `closed ${code}`, message });
  }

  /**
   * @param {string} id
   * @param {Failure} failure
   */
  #fail(id, failure) {
    const listener = this.#streams.get(id);
    this.#streams.delete(id);
    listener?.failed(failure);
  }
}

/**
 * Browsers cannot set headers on a WebSocket, so the token is sent as a second subprotocol, which is never echoed.
 * @param {string} token
 */
export function tokenSubprotocol(token) {
  const bytes = String.fromCharCode(...new TextEncoder().encode(token));
  const base64url = btoa(bytes).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
  return `base64url.bearer.sluice.${base64url}`;
}
