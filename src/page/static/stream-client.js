// @ts-check
import { Dues } from "./dues.js";
import { tokenSubprotocol } from "./token-subprotocol.js";

/**
 * A small client of the stream face (protocol/README.md): one socket for all streams, acknowledgements, and resumption
 * after a lost connection.
 *
 * @typedef {{ code: string, message: string }} Failure
 * @typedef {{
 *   status: "completed" | "failed" | "cancelled",
 *   lastSeq?: number,
 *   finish?: string,
 *   error?: Failure,
 *   usage: { source: string, inputTokens?: number, outputTokens?: number },
 *   timing: { firstContentMs?: number, firstSentMs?: number, totalMs: number },
 * }} End
 * @typedef {{
 *   sent(): void, event(data: unknown, seq: number): void | Promise<void>, end(end: End): void,
 *   failed(failure: Failure): void, arrived?(seq: number): void, resumed?(after: number): void,
 * }} Listener An event counts as handled once the promise of `event` is fulfilled; the next one comes after that.
 * @typedef {{ frame?(direction: "sent" | "received", text: string): void, link?(state: "up" | "lost"): void }} Watch
 * @typedef {{
 *   id: string, listener: Listener, open: object, stream?: string, epoch?: number,
 *   seq: number, handled: number, acked: number, here: number,
 *   queue: { seq: number, data: unknown, end?: End }[], busy: boolean,
 * }} Running `here`: the last event that came on this connection
 */

const SUBPROTOCOL = "sluice.v1";
/** How long to wait before each attempt to connect again, in milliseconds; after the last one the streams fail. */
const BACKOFF_MS = [400, 800, 1_600, 3_200, 6_400, 12_800];
/** From here on, a close code means that another attempt is pointless. */
const FINAL_CLOSE = 4500;

export class StreamClient {
  /** @type {string} */
  #url;
  /** @type {() => string} */
  #token;
  /** @type {Watch} */
  #watch;
  /** @type {WebSocket | undefined} */
  #socket;
  /** Whether the gateway has said hello. */
  #isUp = false;
  /** @type {Map<string, Running>} */
  #streams = new Map();
  #nextId = 1;
  #attempt = 0;
  #received = 0;
  #dues = new Dues(() => this.#acknowledge());

  /**
   * @param {string} url
   * @param {() => string} token the token to connect with, "" for none
   * @param {Watch} [watch] hears of every frame, and of the connection
   */
  constructor(url, token, watch = {}) {
    this.#url = url;
    this.#token = token;
    this.#watch = watch;
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
    const open = { type: "open", id, model, body };
    this.#streams.set(id, { id, listener, open, seq: 0, handled: 0, acked: 0, here: 0, queue: [], busy: false });
    if (this.#isUp) this.#begin(id);
    else if (!this.#socket) this.#connect();
    return () => this.#cancel(id);
  }

  /** Drops the connection, as a network would; it is made again, and the streams are resumed. */
  cut() {
    const socket = this.#socket;
    if (!socket) return;
    socket.onmessage = null;
    socket.onclose = null;
    socket.close();
    this.#lost(1006, "");
  }

  /** Leaves: no stream is heard of again. */
  close() {
    this.#streams.clear();
    this.cut();
  }

  /** @param {string} id */
  #begin(id) {
    const running = this.#streams.get(id);
    if (!running) return;
    running.listener.sent();
    this.#send(running.open);
  }

  /** @param {string} id */
  #cancel(id) {
    if (!this.#streams.has(id)) return;
    if (this.#isUp) this.#send({ type: "cancel", id });
    else this.#fail(id, { code: "cancelled", message: "stopped while there was no connection" });
  }

  /** @param {object} frame */
  #send(frame) {
    const text = JSON.stringify(frame);
    this.#socket?.send(text);
    this.#watch.frame?.("sent", text);
  }

  #connect() {
    const token = this.#token();
    const socket = new WebSocket(this.#url, token === "" ? [SUBPROTOCOL] : [SUBPROTOCOL, tokenSubprotocol(token)]);
    this.#socket = socket;
    socket.onmessage = ({ data }) => this.#message(data);
    socket.onclose = ({ code, reason }) => this.#lost(code, reason);
  }

  /** @param {string} text */
  #message(text) {
    this.#watch.frame?.("received", text);
    this.#received++;
    const frame = JSON.parse(text);
    if (frame.type === "hello") this.#hello();
    else this.#frame(frame);
    this.#dues.add(text.length, 1);
  }

  #hello() {
    this.#isUp = true;
    this.#attempt = 0;
    this.#watch.link?.("up");
    for (const running of this.#streams.values()) {
      const { id, stream, epoch, handled } = running;
      running.acked = handled;
      running.here = handled;
      if (stream === undefined) this.#begin(id);
      else this.#send({ type: "resume", id, stream, epoch, after: handled });
    }
  }

  /** @param {any} frame */
  #frame(frame) {
    const running = this.#streams.get(frame.id);
    if (!running) return;
    switch (frame.type) {
      case "opened":
        running.stream = frame.stream;
        running.epoch = frame.epoch;
        return;
      case "resumed":
        running.listener.resumed?.(frame.after);
        return;
      case "event":
        running.here = frame.seq;
        // What was here already before a cut comes again after it.
        if (frame.seq !== running.seq + 1) return;
        running.seq = frame.seq;
        running.listener.arrived?.(frame.seq);
        running.queue.push({ seq: frame.seq, data: frame.data });
        void this.#handle(running);
        return;
      case "end":
        running.queue.push({ seq: frame.lastSeq, data: undefined, end: frame });
        void this.#handle(running);
        return;
      case "error":
        this.#fail(frame.id, frame.error);
        return;
      case "detached":
        this.#fail(frame.id, { code: frame.code, message: "another connection reads it" });
    }
  }

  /** @param {Running} running */
  async #handle(running) {
    if (running.busy) return;
    running.busy = true;
    for (let item = running.queue.shift(); item; item = running.queue.shift()) {
      if (item.end) {
        this.#dues.pay();
        this.#streams.delete(running.id);
        running.listener.end(item.end);
        return;
      }
      const handling = running.listener.event(item.data, item.seq);
      if (handling) {
        await handling;
        this.#dues.add(0, 0);
      }
      running.handled = item.seq;
    }
    running.busy = false;
  }

  /** Received and handled are told apart, so that a stalled stream holds up no other. */
  #acknowledge() {
    if (!this.#isUp) return;
    // Not beyond what came on this connection: after a resume, some of what was handled is still on its way again.
    const moved = [...this.#streams.values()].filter(({ handled, acked, here }) => Math.min(handled, here) > acked);
    for (const running of moved) running.acked = Math.min(running.handled, running.here);
    const streams = Object.fromEntries(moved.map(({ id, acked }) => [id, acked]));
    this.#send({ type: "ack", received: this.#received, ...(moved.length > 0 && { streams }) });
  }

  /**
   * @param {number} code
   * @param {string} reason
   */
  #lost(code, reason) {
    const wasUp = this.#isUp;
    this.#socket = undefined;
    this.#isUp = false;
    this.#received = 0;
    this.#dues.clear();
    const failure = { code: `closed ${code}`, message: reason || "the connection to the gateway was lost" };
    const waitMs = code >= FINAL_CLOSE ? undefined : BACKOFF_MS[this.#attempt++];
    for (const [id, { stream }] of this.#streams) {
      // An open without an answer may have been lost or not, so it is not repeated.
      if (stream === undefined || waitMs === undefined) this.#fail(id, failure);
    }
    if (this.#streams.size === 0) {
      this.#attempt = 0;
      return;
    }
    if (wasUp) this.#watch.link?.("lost");
    setTimeout(() => {
      if (!this.#socket && this.#streams.size > 0) this.#connect();
    }, waitMs);
  }

  /**
   * @param {string} id
   * @param {Failure} failure
   */
  #fail(id, failure) {
    const listener = this.#streams.get(id)?.listener;
    this.#streams.delete(id);
    listener?.failed(failure);
  }
}
