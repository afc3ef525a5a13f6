import { platform } from "node:os";
import { asObject, asString, type JsonObject } from "../../core/kernel/json.ts";

/** The connection is gone or was never made; the gateway may be restarting. */
export class LinkLost extends Error {}

const PROTOCOL = 4;
/** How long an answer may take, in milliseconds. */
const ANSWER_MS = 10_000;

/** The gateway lives, but serves nobody: it stops, or no node of its cluster leads. */
export class NotServing extends LinkLost {}

/** Why no WebSocket is opened there, which WebSocket does not say. */
async function whyNot(base: string): Promise<LinkLost> {
  try {
    const { ok } = await fetch(`${base}/healthz`, { signal: AbortSignal.timeout(ANSWER_MS) });
    if (ok)
      return new NotServing(`the gateway at ${base} takes no connections now: it stops, or its cluster has no leader`);
  } catch {
    // Nobody is there.
  }
  return new LinkLost(`no gateway answers at ${base}; start one, or say where it is with --url`);
}

interface Waiting {
  readonly resolve: (payload: JsonObject) => void;
  readonly reject: (error: Error) => void;
}

/** A connection to a gateway's OpenClaw face, for requests and their answers alone. */
export class LogSocket implements Disposable {
  readonly #socket: WebSocket;
  readonly #waiting = new Map<string, Waiting>();
  #next = 1;

  private constructor(socket: WebSocket) {
    this.#socket = socket;
    socket.addEventListener("message", ({ data }) => this.#take(String(data)));
    socket.addEventListener("close", ({ reason }) => this.#lost(reason));
  }

  /** Connects and signs in. Rejects with LinkLost if nobody answers, or with the gateway's reason for a refusal. */
  static async open(base: string, token: string | undefined, version: string): Promise<LogSocket> {
    const socket = new WebSocket(`${base.replace(/^http/, "ws")}/`);
    const link = new LogSocket(socket);
    const opened = Promise.withResolvers<boolean>();
    socket.addEventListener("open", () => opened.resolve(true));
    socket.addEventListener("error", () => opened.resolve(false));
    if (!(await opened.promise)) throw await whyNot(base);
    const client = { id: "cli", version, platform: platform(), mode: "cli" };
    const auth = token === undefined ? {} : { auth: { token } };
    const range = { minProtocol: PROTOCOL, maxProtocol: PROTOCOL };
    await link.request("connect", { ...range, client, role: "operator", scopes: ["operator.read"], ...auth });
    return link;
  }

  /** The answer's payload. */
  request(method: string, params: object): Promise<JsonObject> {
    // A socket that is closed drops what it is given.
    if (this.#socket.readyState !== WebSocket.OPEN) return Promise.reject(new LinkLost("the connection was lost"));
    const id = String(this.#next++);
    const answer = new Promise<JsonObject>((resolve, reject) => this.#waiting.set(id, { resolve, reject }));
    this.#socket.send(JSON.stringify({ type: "req", id, method, params }));
    const late = setTimeout(() => this.#lost("the gateway does not answer"), ANSWER_MS);
    return answer.finally(() => clearTimeout(late));
  }

  [Symbol.dispose](): void {
    this.#socket.close();
  }

  #take(text: string): void {
    const frame = asObject(JSON.parse(text));
    const id = asString(frame?.id);
    const waiting = id === undefined ? undefined : this.#waiting.get(id);
    if (frame?.type !== "res" || id === undefined || !waiting) return;
    this.#waiting.delete(id);
    if (frame.ok === true) waiting.resolve(asObject(frame.payload) ?? {});
    else
      waiting.reject(
        new Error(`the gateway refuses: ${asString(asObject(frame.error)?.message) ?? "no reason given"}`),
      );
  }

  #lost(reason: string): void {
    for (const { reject } of this.#waiting.values()) reject(new LinkLost(reason || "the connection was lost"));
    this.#waiting.clear();
    this.#socket.close();
  }
}
