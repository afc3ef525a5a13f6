import type { Socket } from "node:net";
import { TLSSocket } from "node:tls";
import type { ByteString } from "../../core/kernel/byte-string.ts";
import { GatewayError, toGatewayError } from "../../core/kernel/errors.ts";
import { certificateError } from "./connection-error.ts";
import { HeldReads } from "./held-reads.ts";
import { openSocket, type SocketTarget, secured } from "./open-socket.ts";
import type { PacedSocket } from "./read-pace.ts";
import { ResponseReader } from "./response-reader.ts";
import type { SocketUser } from "./socket-user.ts";
import { openTunnel, type TunnelOwner } from "./tunnel.ts";

/** Hears of the states of a socket. */
export interface SocketOwner {
  /** Its response is complete. Within a turn it will be free, unless more bytes follow. */
  finishing(socket: UpstreamSocket): void;
  /** It is ready for a call. */
  free(socket: UpstreamSocket): void;
  /** It is closed. `unmade` is the reason if it never connected. */
  gone(socket: UpstreamSocket, unmade: Error | undefined): void;
}

/** How long to keep a connection that no call has claimed: less than the five seconds servers commonly wait. */
const FIRST_IDLE_MS = 4_000;

/** One keep-alive HTTP/1.1 connection to an upstream, used by one call at a time. */
export class UpstreamSocket implements TunnelOwner, PacedSocket {
  readonly #owner: SocketOwner;
  readonly #target: SocketTarget;
  /** Through a proxy, the connection to it until that leads to the upstream. */
  #socket: Socket;
  #user: SocketUser | undefined;
  #reader: ResponseReader | undefined;
  #isConnected = false;
  #isPaused = false;
  /** Bytes read before a pause took effect, or beyond the pace. */
  readonly #held: HeldReads;
  #error: Error | undefined;
  /** Whether it has served a call or been idle, so that the upstream may have closed it. */
  #isReused = false;
  /** Whether the request's body is all written. */
  #isWhole = true;
  /** Whether bytes arrived since the request was sent. */
  #isAnswered = false;
  /** Wall-clock time until which the upstream keeps it while idle. */
  #keptUntil = 0;
  /** Cancels the time limit of connecting or of being idle. */
  #callOff: () => void;

  constructor(target: SocketTarget, owner: SocketOwner) {
    this.#owner = owner;
    this.#target = target;
    this.#held = new HeldReads(target.pace.buffers);
    this.#callOff = this.#target.time.after(target.connectMs, () => this.#notMade());
    if (target.proxy) this.#socket = openTunnel(target.proxy, this);
    else {
      this.#socket = this.#follow(openSocket(target, (buffer, size) => this.#read(buffer, size)));
      this.#socket.on(target.tls ? "secureConnect" : "connect", () => this.#connected());
    }
  }

  /** Whether it may still serve a call while idle. */
  get isUsable(): boolean {
    return !this.#socket.destroyed && this.#target.time.wall() < this.#keptUntil;
  }

  /** Whether it has served a call or been idle before. */
  get isReused(): boolean {
    return this.#isReused;
  }

  /** Whether it was reused and has sent nothing since. */
  get isStale(): boolean {
    return this.#isReused && !this.#isAnswered;
  }

  /** Sends a request, head and body, one character per byte. The socket must be free. More of it follows unless it `isWhole`. */
  send(request: ByteString, user: SocketUser, isWhole: boolean): void {
    this.#user = user;
    this.#reader = new ResponseReader(user);
    this.#isAnswered = false;
    this.#callOff();
    this.write(request, isWhole);
  }

  /** Sends more of the request's body. Returns false if more should wait until the user is `drained`. */
  write(bytes: Buffer | ByteString, isLast: boolean): boolean {
    this.#isWhole = isLast;
    return this.#socket.write(bytes, "latin1");
  }

  pause(): void {
    this.#isPaused = true;
    this.#socket.pause();
  }

  /** Takes effect after the current callback. */
  resume(): void {
    this.#isPaused = false;
    queueMicrotask(() => {
      if (this.#target.pace.admits(this, this.#held.bytes)) this.readOn();
    });
  }

  readOn(): void {
    if (this.#isPaused) return;
    this.#release();
    if (!this.#isPaused) this.#socket.resume();
  }

  /** Closes it now. With `error`, its user hears `broke`; without, nothing more. */
  destroy(error?: Error): void {
    const user = this.#user;
    this.#user = undefined;
    this.#socket.destroy();
    if (error) user?.broke(error);
  }

  opened(socket: Socket): void {
    const { tls, host } = this.#target;
    // The host is what a certificate is checked for where no name can be sent.
    this.#socket = this.#follow(tls ? secured(tls, { socket, host }) : socket);
    this.#socket.on("data", (bytes: Buffer) => this.#read(bytes, bytes.length));
    if (tls) this.#socket.on("secureConnect", () => this.#connected());
    else this.#connected();
  }

  notOpened(error: GatewayError): void {
    this.#error ??= error;
    this.#closed();
  }

  #follow(socket: Socket): Socket {
    socket.on("error", (error) => {
      this.#error ??= socket instanceof TLSSocket && socket.authorizationError ? certificateError(error) : error;
    });
    socket.on("drain", () => this.#user?.drained());
    return socket.on("end", () => this.#ended()).on("close", () => this.#closed());
  }

  #connected(): void {
    this.#isConnected = true;
    this.#callOff();
    this.#socket.resume();
    this.#keepFor(FIRST_IDLE_MS);
    this.#offer(FIRST_IDLE_MS);
  }

  /** The first `size` bytes of a buffer that is not its own. */
  #read(buffer: Buffer, size: number): true {
    if (this.#isPaused || this.#held.bytes > 0 || !this.#target.pace.admits(this, size)) {
      this.#held.add(buffer, size);
      this.#socket.pause();
    } else this.#take(buffer.toString("latin1", 0, size));
    return true;
  }

  #release(): void {
    if (this.#held.bytes > 0) this.#take(this.#held.take());
  }

  #take(bytes: ByteString): void {
    const reader = this.#reader;
    const user = this.#user;
    if (!reader || !user) {
      // Data on an idle socket would be read as the next response.
      this.destroy();
      return;
    }
    this.#isAnswered = true;
    this.#target.reads.begin();
    try {
      reader.read(bytes);
      const { keepAliveMs } = this.#target;
      if (reader.isDone && this.#user === user)
        this.#finish(user, keepAliveMs === 0 ? 0 : (reader.idleMs ?? keepAliveMs));
    } catch (error) {
      this.destroy(toGatewayError(error));
    } finally {
      this.#target.reads.end();
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
   * The response is complete. The socket is offered to the next call only after checking that nothing follows: further bytes
   * would become that call's response (RFC 9112, 6.3), and a FIN its failure.
   */
  #finish(user: SocketUser, idleMs: number): void {
    this.#user = undefined;
    this.#reader = undefined;
    this.#isReused = true;
    const { readable, writableLength } = this.#socket;
    // It ended while paused; or the response came before the request was fully sent, and the rest of that request would be
    // read as the next one.
    if (idleMs === 0 || !readable || writableLength > 0 || !this.#isWhole) this.#socket.destroy();
    else {
      this.#keepFor(idleMs);
      if (this.#isPaused) this.resume();
      this.#owner.finishing(this);
      // The first setImmediate runs after this turn's reads, the second after one more poll of this socket: a paused socket has
      // not been read yet, and a very busy one is left for the next turn.
      setImmediate(() => setImmediate(() => this.#offer(idleMs)));
    }
    user.ended();
  }

  #keepFor(idleMs: number): void {
    this.#keptUntil = this.#target.time.wall() + idleMs;
  }

  /** Offers it to a waiting call; otherwise it is closed after `idleMs`. */
  #offer(idleMs: number): void {
    if (!this.isUsable) this.destroy();
    else {
      this.#owner.free(this);
      if (this.#user) return;
      this.#isReused = true;
      this.#callOff = this.#target.time.after(idleMs, () => this.destroy());
    }
  }

  #notMade(): void {
    this.#error = Object.assign(new Error("the connection was not made in time"), { code: "ETIMEDOUT" });
    this.#socket.destroy();
  }

  #closed(): void {
    this.#callOff();
    this.#target.pace.forget(this);
    const error = this.#error ?? new GatewayError("upstream_reset");
    this.#owner.gone(this, this.#isConnected ? undefined : error);
    // What was read through a proxy while it was paused.
    const rest: Buffer | null = this.#socket.read();
    if (rest) this.#held.add(rest, rest.length);
    this.#release();
    this.destroy(error);
  }
}
