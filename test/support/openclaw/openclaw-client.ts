/** An OpenClaw client for tests: checks and keeps every frame, and waits for later ones. */
import { WebSocket } from "ws";
import type { Caller } from "../../../src/core/caller/caller.ts";
import { type ByteString, fromByteString } from "../../../src/core/kernel/byte-string.ts";
import { isObject } from "../../../src/core/kernel/json.ts";
import type { Connection } from "../../../src/core/ports/connection.ts";
import type { Face, FaceSession } from "../../../src/core/ports/face.ts";
import { FrameCheck } from "./openclaw-schemas.ts";

export type Payload = Record<string, unknown>;

export interface ReceivedEvent {
  readonly event: string;
  readonly payload: Payload;
  readonly seq: number;
}

/** The fields of `chat` events, whichever state. */
export interface ChatPayload {
  readonly runId: string;
  readonly sessionKey: string;
  readonly seq: number;
  readonly state: "status" | "delta" | "final" | "aborted" | "error";
  readonly deltaText?: string;
  readonly replace?: boolean;
  readonly message?: { readonly content: readonly { readonly text: string }[] };
  readonly [field: string]: unknown;
}

/** The schemas have checked its fields. */
const isChatPayload = (payload: Payload): payload is Payload & ChatPayload => typeof payload.state === "string";

/** An answer with `ok: false`. */
export class ResponseError extends Error {
  readonly error: Payload;
  readonly payload: unknown;

  constructor(error: Payload, payload: unknown) {
    super(String(error.message));
    this.error = error;
    this.payload = payload;
  }
}

export interface ConnectOptions {
  readonly token?: string;
  readonly scopes?: readonly string[];
  readonly caps?: readonly string[];
  readonly clientId?: string;
}

interface Answer {
  readonly resolve: (payload: Payload) => void;
  readonly reject: (error: unknown) => void;
}

export class OpenClawClient {
  /** Every frame as it came. */
  readonly frames: Payload[] = [];
  readonly events: ReceivedEvent[] = [];
  closing: { readonly code: number; readonly reason: string } | undefined;
  readonly #send: (text: string) => void;
  readonly #hangUp: () => void;
  readonly #check = new FrameCheck();
  readonly #pending = new Map<string, Answer>();
  readonly #watching = new Set<() => void>();
  #failure: unknown;
  /** Whether the failure has been thrown. */
  #told = false;
  #requests = 0;

  constructor(send: (text: string) => void, hangUp: () => void) {
    this.#send = send;
    this.#hangUp = hangUp;
  }

  /** Opens a real socket. */
  static async dial(url: string, headers: Record<string, string> = {}): Promise<OpenClawClient> {
    const ws = new WebSocket(url.replace(/^http/, "ws"), { headers, perMessageDeflate: false });
    const client = new OpenClawClient(
      (text) => ws.send(text),
      () => ws.terminate(),
    );
    ws.on("message", (data) => client.take(String(data)));
    ws.on("close", (code, reason) => client.closed(code, String(reason)));
    await new Promise((resolve, reject) => ws.on("open", resolve).on("error", reject));
    return client;
  }

  // ── the wire's side ───────────────────────────────────────────────────────────────────────────────────────────────

  take(text: string): void {
    try {
      const frame: unknown = JSON.parse(text);
      this.#check.received(frame);
      if (isObject(frame)) this.#keep(frame);
    } catch (error) {
      this.#failure ??= error;
      this.#told ||= this.#pending.size > 0;
      for (const { reject } of this.#pending.values()) reject(error);
    }
    this.#wake();
  }

  closed(code: number, reason: string): void {
    this.closing = { code, reason };
    for (const { reject } of this.#pending.values()) reject(new Error(`closed ${code} ${reason}`));
    this.#pending.clear();
    this.#wake();
  }

  // ── the test's side ───────────────────────────────────────────────────────────────────────────────────────────────

  /** Sends any text unchanged. `id` and `method` identify its response for the check. */
  sendText(text: string, id = "", method = ""): void {
    this.#check.request(id, method);
    this.#send(text);
  }

  async connect(options: ConnectOptions = {}): Promise<Payload> {
    const { token, scopes = ["operator.admin"], caps = [], clientId = "gateway-client" } = options;
    return this.request("connect", {
      minProtocol: 4,
      maxProtocol: 4,
      client: { id: clientId, version: "1", platform: "test", mode: "backend" },
      role: "operator",
      scopes,
      caps,
      ...(token !== undefined && { auth: { token } }),
    });
  }

  /** The response's payload; rejects with ResponseError. */
  request(method: string, params?: unknown): Promise<Payload> {
    const id = `${++this.#requests}:${method}`;
    this.#check.request(id, method);
    const answer = new Promise<Payload>((resolve, reject) => this.#pending.set(id, { resolve, reject }));
    this.#send(JSON.stringify({ type: "req", id, method, ...(params !== undefined && { params }) }));
    return answer.finally(() => this.verify());
  }

  /** The error that refused a request. */
  async refusal(method: string, params?: unknown): Promise<Payload> {
    const outcome = await this.request(method, params).then(
      () => undefined,
      (error: unknown) => error,
    );
    if (outcome instanceof ResponseError) return outcome.error;
    throw outcome ?? new Error(`${method} was not refused`);
  }

  /** Payloads of all events with this name so far. */
  payloads(name: string): Payload[] {
    return this.events.filter(({ event }) => event === name).map(({ payload }) => payload);
  }

  /** The `chat` events of one run so far, without the status ones. */
  chat(runId: string): ChatPayload[] {
    return this.payloads("chat")
      .filter(isChatPayload)
      .filter((payload) => payload.runId === runId && payload.state !== "status");
  }

  /** A run's text as the concatenation of `deltaText`. */
  textOf(runId: string): string {
    let text = "";
    for (const { state, deltaText = "", replace } of this.chat(runId)) {
      if (state === "delta") text = replace ? deltaText : text + deltaText;
    }
    return text;
  }

  /** Waits until the condition holds, checked after every frame. */
  async until<Value>(look: () => Value | undefined | false): Promise<Value> {
    for (;;) {
      this.verify();
      const value = look();
      if (value !== undefined && value !== false) return value;
      if (this.closing) throw new Error(`closed ${this.closing.code} while waiting`);
      await new Promise<void>((resolve) => this.#watching.add(resolve));
    }
  }

  /** The final event of a run. */
  ended(runId: string): Promise<ChatPayload> {
    const isLast = ({ state }: ChatPayload) => state === "final" || state === "aborted" || state === "error";
    return this.until(() => this.chat(runId).find(isLast));
  }

  async untilClosed(): Promise<{ readonly code: number; readonly reason: string }> {
    while (!this.closing) await new Promise<void>((resolve) => this.#watching.add(resolve));
    this.verify();
    return this.closing;
  }

  /** Throws if a frame was invalid. */
  verify(): void {
    this.#told ||= this.#failure !== undefined;
    if (this.#failure !== undefined) throw this.#failure;
  }

  hangUp(): void {
    this.#hangUp();
  }

  [Symbol.dispose](): void {
    this.#hangUp();
    if (!this.#told) this.verify();
  }

  #keep(frame: Payload): void {
    this.frames.push(frame);
    const { type, event, payload, seq } = frame;
    if (type === "event") {
      this.events.push({ event: String(event), payload: isObject(payload) ? payload : {}, seq: Number(seq) });
      return;
    }
    const id = String(frame.id);
    const answer = this.#pending.get(id);
    this.#pending.delete(id);
    if (frame.ok === true) answer?.resolve(frame.payload as Payload);
    else answer?.reject(new ResponseError(frame.error as Payload, frame.payload));
  }

  #wake(): void {
    const watching = [...this.#watching];
    this.#watching.clear();
    for (const look of watching) look();
  }
}

/** A connection without a socket, whose congestion a test controls. */
export class FakeConnection implements Connection {
  readonly id: string;
  readonly caller: Caller | undefined = undefined;
  readonly remoteAddress = "127.0.0.1";
  readonly origin: string | undefined = undefined;
  readonly client: OpenClawClient;
  readonly violations: string[] = [];
  authenticatedAs: Caller | undefined;
  readonly #session: FaceSession;
  #writable = true;
  #gone = false;

  constructor(face: Face, id: string) {
    this.id = id;
    this.client = new OpenClawClient(
      (text) => this.#session.message(text),
      () => this.#leave(),
    );
    this.#session = face.accept(this);
  }

  get writable(): boolean {
    return this.#writable;
  }

  get session(): FaceSession {
    return this.#session;
  }

  send(frame: string): boolean {
    if (!this.#gone) this.client.take(frame);
    return this.#writable;
  }

  sendBytes(frame: ByteString): boolean {
    return this.send(fromByteString(frame));
  }

  authenticated(caller: Caller): void {
    this.authenticatedAs = caller;
  }

  violation(error: Error): void {
    this.violations.push(error.message);
  }

  close(code: number, reason: string): void {
    this.#gone = true;
    this.client.closed(code, reason);
  }

  /** The socket is full. */
  congest(): void {
    this.#writable = false;
  }

  /** The socket accepts frames again, but has not reported it yet. */
  relieve(): void {
    this.#writable = true;
  }

  drain(): void {
    this.relieve();
    this.#session.drained();
  }

  #leave(): void {
    if (this.#gone) return;
    this.#gone = true;
    this.#session.closed("client_gone");
  }
}
