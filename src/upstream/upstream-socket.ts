import { connect as connectPlain, type LookupFunction, type Socket } from "node:net";
import { connect as connectSecure } from "node:tls";
import type { ByteText } from "../core/byte-text.ts";
import { GatewayError, toGatewayError } from "../core/errors.ts";
import { beginRead, endRead } from "../core/read-turn.ts";
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
}

/** Whoever makes a call over a socket: hears its answer, then exactly one of `ended` and `broke`. */
export interface SocketUser extends AnswerSink {
  ended(): void;
  broke(error: Error): void;
}

/** Told of a socket's life. */
export interface SocketOwner {
  connected(): void;
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
  #user: SocketUser | undefined;
  #reader: AnswerReader | undefined;
  #isConnected = false;
  #isPaused = false;
  /** What was read before a pause took effect. */
  #held: ByteText = "";
  #error: Error | undefined;

  constructor(target: SocketTarget, owner: SocketOwner) {
    this.#owner = owner;
    this.#socket = open(target, (size) => this.#read(size));
    this.#socket.setTimeout(target.connectMs);
    this.#socket.on(target.tls ? "secureConnect" : "connect", () => this.#connected());
    this.#socket.on("timeout", () => this.#timedOut());
    this.#socket.on("error", (error) => {
      this.#error = error;
    });
    this.#socket.on("end", () => this.#ended());
    this.#socket.on("close", () => this.#closed());
  }

  get isClosing(): boolean {
    return this.#socket.destroyed;
  }

  /** Sends a request: head and body, both a character a byte. The socket has to be free. */
  send(request: ByteText, user: SocketUser): void {
    this.#user = user;
    this.#reader = new AnswerReader(user);
    this.#socket.setTimeout(0);
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
    this.#socket.setTimeout(0);
    this.#socket.resume();
    this.#owner.connected();
    this.#owner.free(this);
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

  #take(bytes: ByteText): void {
    const reader = this.#reader;
    const user = this.#user;
    if (!reader || !user) {
      // An idle upstream has nothing to say but goodbye, and a late word would be taken for the next answer.
      this.destroy();
      return;
    }
    beginRead();
    try {
      reader.read(bytes);
    } catch (error) {
      this.destroy(toGatewayError(error));
    }
    if (reader.isDone && this.#user === user) this.#finish(user, reader.idleMs);
    endRead();
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

  /** The answer is whole. Its user hears of it when the socket is free, so that the next call can have it. */
  #finish(user: SocketUser, idleMs: number): void {
    this.#user = undefined;
    this.#reader = undefined;
    const { readable, writableLength } = this.#socket;
    // It ended while its user paused. Or its answer came before the request was sent: what is left of that would be
    // taken for the next one.
    if (idleMs === 0 || !readable || writableLength > 0) this.#socket.destroy();
    else {
      this.#socket.setTimeout(idleMs);
      if (this.#isPaused) this.resume();
      this.#owner.free(this);
    }
    user.ended();
  }

  /** Of a connection that is not made in time, or was idle long enough. */
  #timedOut(): void {
    if (!this.#isConnected) {
      this.#error = Object.assign(new Error("the connection was not made in time"), { code: "ETIMEDOUT" });
    }
    this.#socket.destroy();
  }

  #closed(): void {
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
