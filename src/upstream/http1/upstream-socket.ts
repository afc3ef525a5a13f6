import { connect as connectPlain, type LookupFunction, type Socket } from "node:net";
import { connect as connectSecure } from "node:tls";
import type { ByteString } from "../../core/kernel/byte-string.ts";
import { GatewayError, toGatewayError } from "../../core/kernel/errors.ts";
import type { ReadTurn } from "../../core/stream/read-turn.ts";
import type { RunningTime } from "../policy/running-time.ts";
import { IDLE_MS } from "./answer-head.ts";
import { AnswerReader, type AnswerSink } from "./answer-reader.ts";

/** Where sockets of one route lead, and whom they trust. */
export interface SocketTarget {
  readonly host: string;
  readonly port: number;
  /** Undefined without TLS. */
  readonly tls:
    | { readonly servername: string; readonly ca: string | undefined; session: Buffer | undefined }
    | undefined;
  readonly lookup: LookupFunction | undefined;
  readonly connectMs: number;
  readonly time: RunningTime;
  readonly reads: ReadTurn;
}

/** Whoever makes a call over a socket: hears its answer, then exactly one of `ended` and `broke`. */
export interface SocketUser extends AnswerSink {
  ended(): void;
  broke(error: Error): void;
}

/** Told of a socket's life. */
export interface SocketOwner {
  /** Its answer is whole. In a turn it is free, unless something comes behind that. */
  finishing(socket: UpstreamSocket): void;
  /** It is ready for a first call, or for the next. */
  free(socket: UpstreamSocket): void;
  /** It is closed. `unmade` says why it never was connected. */
  gone(socket: UpstreamSocket, unmade: Error | undefined): void;
}

/**
 * Every socket reads into this: what a read brings is made a string before the next one. No buffer is allocated for a
 * read, and none waits in a stream (bench/README.md has the figures).
 */
const READ_BUFFER = Buffer.allocUnsafeSlow(65_536);
/** When the kernel begins to look whether an idle peer is still there. */
const TCP_KEEP_ALIVE_MS = 60_000;

/** One connection to an upstream: HTTP/1.1, kept alive, one call at a time. */
export class UpstreamSocket {
  readonly #owner: SocketOwner;
  readonly #socket: Socket;
  readonly #time: RunningTime;
  readonly #reads: ReadTurn;
  #user: SocketUser | undefined;
  #reader: AnswerReader | undefined;
  #isConnected = false;
  #isPaused = false;
  /** What was read before a pause took effect. */
  #held: ByteString = "";
  #error: Error | undefined;
  /** By everybody's clock: until then the upstream keeps it, if it serves nobody. */
  #keptUntil = 0;
  /** Calls off the limit of a connection that is being made, or serves nobody. */
  #callOff: () => void;

  constructor(target: SocketTarget, owner: SocketOwner) {
    this.#owner = owner;
    this.#time = target.time;
    this.#reads = target.reads;
    this.#socket = open(target, (size) => this.#read(size));
    this.#callOff = this.#time.after(target.connectMs, () => this.#notMade());
    this.#socket.on(target.tls ? "secureConnect" : "connect", () => this.#connected());
    this.#socket.on("error", (error) => {
      this.#error = error;
    });
    this.#socket.on("end", () => this.#ended());
    this.#socket.on("close", () => this.#closed());
  }

  /** Whether an idle one may still serve a call. */
  get isUsable(): boolean {
    return !this.#socket.destroyed && this.#time.wall() < this.#keptUntil;
  }

  /** Sends a request: head and body, both a character a byte. The socket has to be free. */
  send(request: ByteString, user: SocketUser): void {
    this.#user = user;
    this.#reader = new AnswerReader(user);
    this.#callOff();
    this.#socket.write(request, "latin1");
  }

  pause(): void {
    this.#isPaused = true;
    this.#socket.pause();
  }

  /** Takes effect after the running callback. */
  resume(): void {
    this.#isPaused = false;
    queueMicrotask(() => {
      if (this.#isPaused) return;
      this.#release();
      if (!this.#isPaused) this.#socket.resume();
    });
  }

  /** Closes it now. Its user hears nothing more, or that it broke with `error`. */
  destroy(error?: Error): void {
    const user = this.#user;
    this.#user = undefined;
    this.#socket.destroy();
    if (error) user?.broke(error);
  }

  #connected(): void {
    this.#isConnected = true;
    this.#callOff();
    this.#socket.resume();
    this.#keepFor(IDLE_MS);
    this.#offer(IDLE_MS);
  }

  /** The buffer holds `size` new bytes. */
  #read(size: number): true {
    const bytes = READ_BUFFER.toString("latin1", 0, size);
    if (this.#isPaused) {
      this.#held += bytes;
      this.#socket.pause();
    } else this.#take(bytes);
    return true;
  }

  #release(): void {
    const bytes = this.#held;
    this.#held = "";
    if (bytes !== "") this.#take(bytes);
  }

  #take(bytes: ByteString): void {
    const reader = this.#reader;
    const user = this.#user;
    if (!reader || !user) {
      // An idle upstream has nothing to say but goodbye, and a late word would be taken for the next answer.
      this.destroy();
      return;
    }
    this.#reads.begin();
    try {
      reader.read(bytes);
      if (reader.isDone && this.#user === user) this.#finish(user, reader.idleMs);
    } catch (error) {
      this.destroy(toGatewayError(error));
    } finally {
      this.#reads.end();
    }
  }

  #ended(): void {
    this.#release();
    try {
      this.#reader?.close();
    } catch (error) {
      this.destroy(toGatewayError(error));
    }
    if (this.#user) this.#finish(this.#user, 0);
    else this.destroy();
  }

  /**
   * The answer is whole. The next call has its turn when nothing came behind it: bytes that did would be that call's
   * answer (RFC 9112, 6.3), and an end that did would be its failure.
   */
  #finish(user: SocketUser, idleMs: number): void {
    this.#user = undefined;
    this.#reader = undefined;
    const { readable, writableLength } = this.#socket;
    // It ended while its user paused. Or its answer came before the request was sent: what is left of that would be
    // taken for the next one.
    if (idleMs === 0 || !readable || writableLength > 0) this.#socket.destroy();
    else {
      this.#keepFor(idleMs);
      if (this.#isPaused) this.resume();
      this.#owner.finishing(this);
      // The first comes behind the reads of this turn, the second behind one more look at this socket: one that was
      // paused has had none yet, and one that brings very much is left for a turn.
      setImmediate(() => setImmediate(() => this.#offer(idleMs)));
    }
    user.ended();
  }

  #keepFor(idleMs: number): void {
    this.#keptUntil = this.#time.wall() + idleMs;
  }

  /** Whoever waits may have it; else it is closed when it was idle for so long. */
  #offer(idleMs: number): void {
    if (!this.isUsable) this.destroy();
    else {
      this.#owner.free(this);
      if (!this.#user) this.#callOff = this.#time.after(idleMs, () => this.destroy());
    }
  }

  #notMade(): void {
    this.#error = Object.assign(new Error("the connection was not made in time"), { code: "ETIMEDOUT" });
    this.#socket.destroy();
  }

  #closed(): void {
    this.#callOff();
    const error = this.#error ?? new GatewayError("upstream_reset");
    this.#owner.gone(this, this.#isConnected ? undefined : error);
    this.#release();
    this.destroy(error);
  }
}

function open(target: SocketTarget, read: (size: number) => true): Socket {
  const { host, port, tls, lookup } = target;
  const options = {
    host,
    port,
    noDelay: true,
    keepAlive: true,
    keepAliveInitialDelay: TCP_KEEP_ALIVE_MS,
    ...(lookup && { lookup }),
    onread: { buffer: READ_BUFFER, callback: read },
  };
  if (!tls) return connectPlain(options);
  const socket = connectSecure({
    ...options,
    servername: tls.servername,
    ALPNProtocols: ["http/1.1"],
    minVersion: "TLSv1.2",
    // Said so that NODE_TLS_REJECT_UNAUTHORIZED in the environment cannot switch it off.
    rejectUnauthorized: true,
    ...(tls.ca !== undefined && { ca: tls.ca }),
    ...(tls.session && { session: tls.session }),
  });
  socket.on("session", (session) => {
    tls.session = session;
  });
  return socket;
}
