import { ServerFrame } from "../../../protocol/stream.ts";
import type { Caller } from "../../../src/core/caller/caller.ts";
import { OpenRate } from "../../../src/core/caller/open-rate.ts";
import { Routing } from "../../../src/core/dialect/routing.ts";
import { type ByteString, fromByteString } from "../../../src/core/kernel/byte-string.ts";
import type { GatewayError } from "../../../src/core/kernel/errors.ts";
import type { Connection } from "../../../src/core/ports/connection.ts";
import type { FaceSession } from "../../../src/core/ports/face.ts";
import { Relay } from "../../../src/core/relay/relay.ts";
import { LogBudget } from "../../../src/core/stream/log-budget.ts";
import type { RegistryLimits } from "../../../src/core/stream/registered-stream.ts";
import { StreamRegistry } from "../../../src/core/stream/registry.ts";
import type { LogLimits } from "../../../src/core/stream/stream-log.ts";
import { createStreamFace } from "../../../src/faces/stream/face.ts";
import type { StreamFaceLimits } from "../../../src/faces/stream/parts.ts";
import { observerOf } from "../relay/observer.ts";
import { dialectOf } from "../relay/routes.ts";
import { type FakeCall, FakeUpstream } from "../upstreams/fake-upstream.ts";

export interface StreamFaceRigOptions {
  readonly face?: Partial<StreamFaceLimits>;
  readonly registry?: Partial<RegistryLimits>;
  readonly log?: Partial<LogLimits>;
  readonly budgetBytes?: number;
}

export const GRACE_MS = 120_000;
export const RETENTION_MS = 300_000;
export const PAUSED_MS = 30_000;

/** The stream face over the real core, with an upstream and sockets made of calls and a clock moved by hand. */
export class StreamFaceRig {
  readonly #upstream = new FakeUpstream();
  readonly budget: LogBudget;
  readonly registry: StreamRegistry;
  /** What the gateway's keys say of a caller, at each open and resume. */
  current: (caller: Caller) => Caller = (caller) => caller;
  readonly #face: ReturnType<typeof createStreamFace>;
  /** What the observer was told of faults of our own. */
  readonly faults: unknown[] = [];
  #now = 1_000;
  #ids = 0;

  constructor(options: StreamFaceRigOptions = {}) {
    const clock = { now: () => this.#now, wall: () => this.#now };
    const route = { name: "chat", dialect: dialectOf("openai-chat"), key: undefined, headers: {} };
    const model = { alias: "gpt", route, upstreamModel: "gpt-test", name: "gpt", defaults: {} };
    const fault = (error: unknown) => void this.faults.push(error);
    const observer = observerOf({ fault });
    this.budget = new LogBudget(options.budgetBytes ?? 100_000_000, () => this.registry.relieve());
    const limits = {
      graceMs: GRACE_MS,
      retentionMs: RETENTION_MS,
      handledRetentionMs: RETENTION_MS,
      pausedMs: PAUSED_MS,
      rememberedIds: 100,
    };
    this.registry = new StreamRegistry({ ...limits, ...options.registry }, this.budget, clock.now);
    const relay = new Relay({
      upstream: this.#upstream,
      observer,
      clock,
      newId: () => String(++this.#ids),
      log: { maxBytes: 1_048_576, maxEntries: 8_192, ...options.log },
      budget: this.budget,
      opens: new OpenRate({ opensPerSecond: 1_000, opensBurst: 1_000 }, clock),
      admit: () => this.registry.admit(),
    });
    this.#face = createStreamFace({
      relay,
      routing: new Routing([route], [{ ...model, price: undefined, contextWindow: undefined }]),
      registry: this.registry,
      authenticator: { current: (caller) => this.current(caller) },
      clock,
      observer,
      limits: {
        streamsPerConnection: 32,
        frameBytes: 1_000_000,
        windowBytes: 262_144,
        windowEvents: 1_024,
        inFlightBytes: 1_048_576,
        tickMs: 60_000,
        idempotencyMs: 600_000,
        idempotencyKeys: 100,
        ...options.face,
      },
    });
  }

  /** All calls to the upstream. */
  get calls(): readonly FakeCall[] {
    return this.#upstream.calls;
  }

  /** The upstream's side of the newest call. */
  get call(): FakeCall {
    return this.#upstream.newest;
  }

  /** A socket of this caller, which has had its hello. */
  connect(caller: string | Caller = "alice", upstreamKey?: string): FakeClient {
    const client = new FakeClient(
      `c_${++this.#ids}`,
      typeof caller === "string" ? { name: caller } : caller,
      upstreamKey,
    );
    client.session = this.#face.accept(client);
    client.frames.length = 0;
    return client;
  }

  /** Time passes second by second, as it does for the gateway. */
  pass(ms: number): void {
    for (const until = this.#now + ms; this.#now < until; ) {
      this.#now = Math.min(until, this.#now + 1_000);
      this.registry.sweep(this.#now);
    }
  }

  [Symbol.dispose](): void {
    this.#face.close();
  }
}

type FrameOf<Type extends ServerFrame["type"]> = Extract<ServerFrame, { type: Type }>;

/** A socket's far end: what was sent to it, each frame checked against the protocol. */
export class FakeClient implements Connection {
  readonly id: string;
  readonly caller: Caller;
  readonly upstreamKey: string | undefined;
  readonly remoteAddress = "127.0.0.1";
  readonly origin = undefined;
  readonly frames: ServerFrame[] = [];
  readonly violations: string[] = [];
  session: FaceSession | undefined;
  writable = true;
  closeCode: number | undefined;
  #received = 0;

  constructor(id: string, caller: Caller, upstreamKey?: string) {
    this.id = id;
    this.caller = caller;
    this.upstreamKey = upstreamKey;
  }

  // ── the client's side ─────────────────────────────────────────────────────────────────────────────────────────────

  say(frame: Readonly<Record<string, unknown>>): void {
    this.session?.message(JSON.stringify(frame));
  }

  /** Opens a stream and returns the gateway's name for it. */
  open(id: string, more: Readonly<Record<string, unknown>> = {}): string {
    this.say({ type: "open", id, model: "gpt", body: { messages: [] }, ...more });
    const opened = this.last("opened");
    return opened?.id === id ? opened.stream : "";
  }

  resume(id: string, stream: string, after: number, more: Readonly<Record<string, unknown>> = {}): void {
    this.say({ type: "resume", id, stream, epoch: 1, after, ...more });
  }

  /** Handled up to this event, and received everything. */
  ack(id: string, seq: number): void {
    this.say({ type: "ack", received: this.#received, streams: { [id]: seq } });
  }

  received(): void {
    this.say({ type: "ack", received: this.#received });
  }

  gone(why: "client_gone" | "no_pong" = "client_gone"): void {
    this.session?.closed(why);
    this.session = undefined;
  }

  drained(): void {
    this.writable = true;
    this.session?.drained();
  }

  /** The newest frame of this type. */
  last<Type extends ServerFrame["type"]>(type: Type): FrameOf<Type> | undefined {
    return this.frames.findLast((frame): frame is FrameOf<Type> => frame.type === type);
  }

  /** The numbers of all events of a stream, however they were framed. */
  seqs(id: string): number[] {
    return this.frames.flatMap((frame) => {
      if (!("id" in frame) || frame.id !== id) return [];
      if (frame.type === "event") return [frame.seq];
      return frame.type === "events" ? frame.events.map(({ seq }) => seq) : [];
    });
  }

  // ── as the face's connection ──────────────────────────────────────────────────────────────────────────────────────

  send(frame: string): boolean {
    this.#received++;
    this.frames.push(ServerFrame.parse(JSON.parse(frame)));
    return this.writable;
  }

  sendBytes(frame: ByteString): boolean {
    return this.send(fromByteString(frame));
  }

  authenticated(): void {}

  violation(error: GatewayError): void {
    this.violations.push(error.code);
  }

  close(code: number): void {
    this.closeCode = code;
  }
}

/** 1, 2, 3 … */
export const upTo = (last: number, from = 1): number[] => Array.from({ length: last - from + 1 }, (_, at) => from + at);
