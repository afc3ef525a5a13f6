import type { Code } from "../../../protocol/codes.ts";
import type { Caller } from "../../../src/core/caller/caller.ts";
import { InboundBudget } from "../../../src/core/caller/inbound-budget.ts";
import type { Clock } from "../../../src/core/kernel/clock.ts";
import { GatewayError } from "../../../src/core/kernel/errors.ts";
import type { Connection } from "../../../src/core/ports/connection.ts";
import type { ConnectionRecord, Observer } from "../../../src/core/ports/observer.ts";
import { ReadTurn } from "../../../src/core/stream/read-turn.ts";
import { Inbound } from "../../../src/transport/admit/inbound.ts";
import type { PaceLimits } from "../../../src/transport/admit/sender-pace.ts";
import { startServer } from "../../../src/transport/server.ts";
import type { RunningServer, ServerParts } from "../../../src/transport/server-parts.ts";
import { realClock } from "../clients/loopback-call.ts";
import { noFault } from "../relay/no-fault.ts";

/** One accepted connection, as its face sees it. */
export class PlayedSession {
  readonly connection: Connection;
  readonly messages: string[] = [];
  /** Resolves with the reason when the socket is gone. */
  readonly closed: Promise<Code>;
  drains = 0;
  readonly #close: (why: Code) => void;
  #gone = false;
  #changed = Promise.withResolvers<void>();

  constructor(connection: Connection) {
    this.connection = connection;
    const { promise, resolve } = Promise.withResolvers<Code>();
    this.closed = promise;
    this.#close = resolve;
  }

  /** Resolves when the condition holds, looked at when something happens; rejects when the socket is gone before. */
  async until(condition: () => boolean): Promise<void> {
    while (!condition()) {
      if (this.#gone) throw new Error("the socket is gone");
      await this.#changed.promise;
    }
  }

  message(text: string): void {
    this.messages.push(text);
    this.#change();
    if (text === "fault") throw new TypeError("a fault of the face");
    if (text === "let me in") this.connection.authenticated({ name: "tester" });
    if (text === "bad") this.connection.violation(new GatewayError("bad_frame"));
    if (text.startsWith("echo ")) this.connection.send(text.slice(5));
  }

  drained(): void {
    this.drains++;
    this.#change();
  }

  hasClosed(why: Code): void {
    this.#gone = true;
    this.#close(why);
    this.#change();
  }

  goingAway(afterMs: number): void {
    this.connection.send(`going away ${afterMs}`);
  }

  #change(): void {
    const changed = this.#changed;
    this.#changed = Promise.withResolvers();
    changed.resolve();
  }
}

export interface FaceServerOptions {
  readonly limits?: Partial<ServerParts["limits"]>;
  /** `header` unless the face should authenticate by its first frame. */
  readonly authentication?: "header" | "frame";
  readonly maxFrameBytes?: number;
  /** What clients must give; none by default: then what they give is their name. */
  readonly token?: string;
  readonly clock?: Clock;
  readonly admit?: () => void;
  readonly maxSockets?: number;
  readonly slowRequests?: ServerParts["slowRequests"];
  readonly keepAliveMs?: number;
  readonly pace?: PaceLimits;
  /** What callers may have on its way in, in all and each; 256 MiB by default. */
  readonly inboundBytes?: number;
  readonly inboundBytesEach?: number;
  /** What clients that are not authenticated may have. */
  readonly strangerBytes?: number;
  /** How often slow bodies are looked for. */
  readonly lookMs?: number;
  readonly httpFaces?: ServerParts["httpFaces"];
  /** No page by default. */
  readonly neighbours?: ServerParts["neighbours"];
  readonly page?: ServerParts["page"];
  readonly basePath?: string;
  /** The face fails when a connection comes. */
  readonly acceptFails?: boolean;
}

export interface FaceServer extends RunningServer, AsyncDisposable {
  /** The next connection that nobody took. */
  session(): Promise<PlayedSession>;
  readonly callers: InboundBudget;
  readonly strangers: InboundBudget;
  /** How long messages took, by caller, in milliseconds. */
  readonly took: { readonly caller: string; readonly ms: number }[];
  readonly refusals: { readonly code: Code; readonly where: string }[];
  readonly closings: ConnectionRecord[];
  readonly faults: unknown[];
}

const LIMITS: ServerParts["limits"] = {
  handshakeFrameBytes: 65_536,
  handshakeMs: 15_000,
  socketGateBytes: 65_536,
  violationsPerMinute: 20,
  framesPerSecond: 200,
  pingMs: 20_000,
  pongMs: 10_000,
  connections: 10_000,
  connectionsPerAddress: 1_000,
  upgradesPerSecond: 10_000,
  upgradesPerSecondPerAddress: 20,
  connectionsPerKey: 1_000,
  unauthenticatedSockets: 256,
  unauthenticatedSocketsPerAddress: 8,
  inboundBytesPerSecond: 4 * 1_048_576,
};

/** The real server on a free port, with one face on `/played` (subprotocol `played`) that a test plays. */
export async function startFaceServer(options: FaceServerOptions = {}): Promise<FaceServer> {
  const ready: PlayedSession[] = [];
  const waiting: ((session: PlayedSession) => void)[] = [];
  const refusals: FaceServer["refusals"] = [];
  const closings: ConnectionRecord[] = [];
  const faults: unknown[] = [];
  const observer: Observer = {
    streamEnded() {},
    attemptLeft() {},
    connectionClosed: (record) => void closings.push(record),
    refused: ({ code, where }) => void refusals.push({ code, where }),
    fault: (error) => void faults.push(error),
  };
  const accept = (connection: Connection) => {
    if (options.acceptFails) throw new TypeError("a fault of the face");
    const session = new PlayedSession(connection);
    const waiter = waiting.shift();
    if (waiter) waiter(session);
    else ready.push(session);
    return {
      message: (text: string) => session.message(text),
      drained: () => session.drained(),
      closed: (why: Code) => session.hasClosed(why),
      goingAway: (afterMs: number) => session.goingAway(afterMs),
    };
  };
  const { inboundBytes = 256 * 1_048_576, inboundBytesEach = inboundBytes, strangerBytes = 1_048_576 } = options;
  const callers = new InboundBudget({ maxBytes: inboundBytes, maxBytesEach: inboundBytesEach });
  const strangers = new InboundBudget({ maxBytes: strangerBytes, maxBytesEach: strangerBytes });
  const took: { caller: string; ms: number }[] = [];
  const load = { took: (caller: string, ms: number) => void took.push({ caller, ms }) };
  const limits = { ...LIMITS, ...options.limits };
  const clock = options.clock ?? realClock;
  const { authentication = "header", maxFrameBytes = 1_048_576, token } = options;
  const callerOf = (given: string | undefined): Caller | undefined => {
    if (token !== undefined) return given === token ? { name: "tester" } : undefined;
    return { name: given ?? "tester" };
  };
  let ids = 0;
  const server = await startServer({
    host: "127.0.0.1",
    port: 0,
    faces: [
      {
        path: "/played",
        subprotocol: "played",
        face: { name: "played", scope: "streams", authentication, maxFrameBytes, maxUnreadBytes: 1_048_576, accept },
      },
    ],
    httpFaces: options.httpFaces ?? [],
    reads: new ReadTurn(noFault),
    inbound: new Inbound({ callers, strangers, limits, clock, load, pace: options.pace }),
    ...(options.lookMs !== undefined && { lookMs: options.lookMs }),
    page: options.page ?? (() => undefined),
    admit: options.admit ?? (() => {}),
    ...(options.slowRequests && { slowRequests: options.slowRequests }),
    ...(options.keepAliveMs !== undefined && { keepAliveMs: options.keepAliveMs }),
    neighbours: options.neighbours,
    ...(options.basePath !== undefined && { basePath: options.basePath }),
    maxSockets: options.maxSockets ?? Number.POSITIVE_INFINITY,
    authenticator: {
      required: token !== undefined,
      authenticate: (given) => callerOf(given),
      failed() {},
      current: (known) => known,
    },
    origins: { allowedOrigins: ["https://chat.example.com"], allowedHosts: [] },
    limits,
    clock,
    observer,
    newId: () => String(++ids),
  });
  return {
    get url() {
      return server.url;
    },
    get nodePort() {
      return server.nodePort;
    },
    get forwarded() {
      return server.forwarded;
    },
    get connectionsByFace() {
      return server.connectionsByFace;
    },
    recheck: () => server.recheck(),
    drain: () => server.drain(),
    leave: () => server.leave(),
    close: () => server.close(),
    session() {
      const next = ready.shift();
      return next ? Promise.resolve(next) : new Promise((resolve) => waiting.push(resolve));
    },
    callers,
    strangers,
    took,
    refusals,
    closings,
    faults,
    [Symbol.asyncDispose]: () => server.close(),
  };
}
