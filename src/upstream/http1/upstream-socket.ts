import type { Socket } from "node:net";
import { TLSSocket } from "node:tls";
import type { ByteString } from "../../core/kernel/byte-string.ts";
import { GatewayError, toGatewayError } from "../../core/kernel/errors.ts";
import type { ReadTurn } from "../../core/stream/read-turn.ts";
import type { RunningTime } from "../policy/running-time.ts";
import { certificateError } from "./connection-error.ts";
import { openSocket, type SocketTarget } from "./open-socket.ts";
import { ResponseReader, type ResponseSink } from "./response-reader.ts";

/** Whoever makes a call over a socket: hears its answer, then exactly one of `ended` and `broke`. */
export interface SocketUser extends ResponseSink {
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

/** How long a connection that no call has claimed yet is kept: less than the five seconds that servers commonly wait. */
const FIRST_IDLE_MS = 4_000;

/** One connection to an upstream: HTTP/1.1, kept alive, one call at a time. */
export class UpstreamSocket {
  readonly #owner: SocketOwner;
  readonly #socket: Socket;
  readonly #time: RunningTime;
  readonly #reads: ReadTurn;
  readonly #keepAliveMs: number;
  #user: SocketUser | undefined;
  #reader: ResponseReader | undefined;
  #isConnected = false;
  #isPaused = false;
  /** What was read before a pause took effect. */
  #held: ByteString = "";
  #error: Error | undefined;
  /** It has served a call, or waited for one: the upstream may have given it up meanwhile. */
  #isReused = false;
  /** Bytes came since the request was sent. */
  #isAnswered = false;
  /** By everybody's clock: until then the upstream keeps it, if it serves nobody. */
  #keptUntil = 0;
  /** Calls off the limit of a connection that is being made, or serves nobody. */
  #callOff: () => void;

  constructor(target: SocketTarget, owner: SocketOwner) {
    this.#owner = owner;
    this.#time = target.time;
    this.#reads = target.reads;
    this.#keepAliveMs = target.keepAliveMs;
    this.#socket = openSocket(target, READ_BUFFER, (size) => this.#read(size));
    this.#callOff = this.#time.after(target.connectMs, () => this.#notMade());
    this.#socket.on(target.tls ? "secureConnect" : "connect", () => this.#connected());
    this.#socket.on("error", (error) => {
      const isUntrusted = this.#socket instanceof TLSSocket && Boolean(this.#socket.authorizationError);
      this.#error = isUntrusted ? certificateError(error) : error;
    });
    this.#socket.on("end", () => this.#ended());
    this.#socket.on("close", () => this.#closed());
  }

  /** Whether an idle one may still serve a call. */
  get isUsable(): boolean {
    return !this.#socket.destroyed && this.#time.wall() < this.#keptUntil;
  }

  /** Whether it has served a call before, or waited idle for one. */
  get isReused(): boolean {
    return this.#isReused;
  }

  /** Whether nothing came in answer to a request that was sent on a reused connection. */
  get isStale(): boolean {
    return this.#isReused && !this.#isAnswered;
  }

  /** Sends a request: head and body, both a character a byte. The socket has to be free. */
  send(request: ByteString, user: SocketUser): void {
    this.#user = user;
    this.#reader = new ResponseReader(user);
    this.#isAnswered = false;
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
    this.#keepFor(FIRST_IDLE_MS);
    this.#offer(FIRST_IDLE_MS);
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
    this.#isAnswered = true;
    this.#reads.begin();
    try {
      reader.read(bytes);
      if (reader.isDone && this.#user === user)
        this.#finish(user, this.#keepAliveMs === 0 ? 0 : (reader.idleMs ?? this.#keepAliveMs));
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
    this.#isReused = true;
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
      if (this.#user) return;
      this.#isReused = true;
      this.#callOff = this.#time.after(idleMs, () => this.destroy());
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
