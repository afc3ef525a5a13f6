import type { Page, WebSocket } from "playwright-core";
import { isObject } from "../../../src/core/kernel/json.ts";
import { FrameCheck } from "../openclaw/openclaw-schemas.ts";

/** What one wait on a page may take, in milliseconds: a page that loads in one second took twenty on two busy cores. */
export const WAIT_MS = 60_000;

/** A page's request; `ok` once it is answered. */
interface Call {
  readonly method: string;
  readonly params: unknown;
  /** Which of the tab's sockets carried it, from 1. */
  readonly socket: number;
  ok?: boolean;
}

/** The requests of a tab of the Control UI over its sockets, every frame checked against the schemas. */
export class PageCalls {
  readonly #calls: Call[] = [];
  readonly #looks = new Set<() => void>();
  readonly #faulty: (fault: unknown) => void;
  /**
   * Sockets that the tab has opened. The page has one at a time; the socket of a document that the tab has left may end
   * without an event, and such a document may open one until the next takes its place.
   */
  #sockets = 0;
  /** Refusals by method. */
  readonly refused: { readonly method: string; readonly message: string }[] = [];
  /** Bytes of all frames received, their WebSocket heads included (RFC 6455, section 5.2). */
  receivedBytes = 0;

  /** `faulty` is told of each frame that is wrong. */
  constructor(page: Page, faulty: (fault: unknown) => void) {
    this.#faulty = faulty;
    page.on("websocket", (socket) => {
      this.#watch(socket, ++this.#sockets);
      this.#look();
    });
  }

  /** Methods of the requests on the newest socket that are not answered. */
  get unanswered(): string[] {
    return this.#calls.filter(({ ok, socket }) => ok === undefined && socket === this.#sockets).map(nameOf);
  }

  /** Resolves once a method has been called with at least these parameters successfully. */
  succeeded(method: string, params: Record<string, unknown>): Promise<void> {
    const fits = (call: { readonly params: unknown }) =>
      Object.entries(params).every(([name, value]) => isObject(call.params) && call.params[name] === value);
    const has = (call: Call) => call.ok === true && call.method === method && fits(call);
    return this.#until(`${method} has succeeded`, () => this.#calls.some(has));
  }

  /** Resolves once every request on the newest socket is answered. */
  answered(): Promise<void> {
    return this.#until("every request is answered", () => this.unanswered.length === 0);
  }

  /** Looks at every frame and at the beginning and end of every socket, until it holds. */
  #until(what: string, holds: () => boolean): Promise<void> {
    return new Promise((resolve, reject) => {
      const done = () => {
        this.#looks.delete(look);
        clearTimeout(late);
      };
      const look = () => {
        if (!holds()) return;
        done();
        resolve();
      };
      const late = setTimeout(() => {
        done();
        reject(new Error(`not within ${WAIT_MS} ms: ${what}; ${this.unanswered.join(", ")} are not`));
      }, WAIT_MS);
      this.#looks.add(look);
      look();
    });
  }

  #refuse(method: string, message: string): void {
    // The page waits 0.75 s for the challenge, then asks without it, and again: on a busy machine that is nobody's fault.
    if (method !== "connect" || message !== "device nonce required") this.refused.push({ method, message });
  }

  #look(): void {
    for (const look of this.#looks) look();
  }

  #watch(socket: WebSocket, number: number): void {
    const check = new FrameCheck();
    const calls = new Map<string, Call>();
    const guard = (payload: string | Buffer, read: (frame: Record<string, unknown>) => void) => {
      try {
        const frame: unknown = JSON.parse(String(payload));
        if (isObject(frame)) read(frame);
      } catch (error) {
        this.#faulty(error);
      }
    };
    socket.on("framesent", ({ payload }) =>
      guard(payload, ({ id, method, params }) => {
        const call: Call = { method: String(method), params, socket: number };
        this.#calls.push(call);
        calls.set(String(id), call);
        check.request(String(id), call.method);
      }),
    );
    socket.on("close", () => {
      for (const call of calls.values()) call.ok ??= false;
      this.#look();
    });
    socket.on("framereceived", ({ payload }) => {
      const bytes = Buffer.byteLength(payload);
      this.receivedBytes += bytes + (bytes < 126 ? 2 : bytes < 65_536 ? 4 : 10);
      guard(payload, (frame) => {
        const call = calls.get(String(frame.id));
        if (call && typeof frame.ok === "boolean") call.ok = frame.ok;
        if (frame.ok === false && isObject(frame.error)) this.#refuse(call?.method ?? "", String(frame.error.message));
        check.received(frame);
        this.#look();
      });
    });
  }
}

const nameOf = ({ method }: Call): string => method;
