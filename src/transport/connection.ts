import type { Duplex } from "node:stream";
import type { RawData, WebSocket } from "ws";
import { CODES, type Code } from "../../protocol/codes.ts";
import type { ByteText } from "../core/byte-text.ts";
import type { GatewayError } from "../core/errors.ts";
import type { Caller, Clock, Connection, Face, FaceSession, Observer } from "../core/ports.ts";
import { type InboundLimits, InboundRate } from "./inbound-rate.ts";
import { Outbox } from "./outbox.ts";

export interface ConnectionLimits extends InboundLimits {
  /** Bytes a client may send before its first frame authenticated it. */
  readonly handshakeFrameBytes: number;
  readonly handshakeMs: number;
  readonly socketGateBytes: number;
  readonly violationsPerMinute: number;
  readonly pingMs: number;
  readonly pongMs: number;
}

export interface ConnectionParts {
  readonly id: string;
  readonly ws: WebSocket;
  readonly socket: Duplex;
  readonly face: Face;
  readonly caller: Caller | undefined;
  readonly upstreamKey: string | undefined;
  readonly remoteAddress: string;
  readonly origin: string | undefined;
  readonly limits: ConnectionLimits;
  readonly clock: Clock;
  readonly observer: Observer;
  /** The client is authenticated. Throws GatewayError when this caller may have no more connections. */
  readonly known: (caller: Caller) => void;
  readonly closed: () => void;
}

/** Longest close reason RFC 6455 (5.5.1) leaves room for, in bytes. */
const MAX_REASON_BYTES = 123;

/** One accepted WebSocket: bytes to text frames for its face, limits before and after authentication, heartbeat. */
export class SocketConnection implements Connection {
  readonly id: string;
  readonly upstreamKey: string | undefined;
  readonly remoteAddress: string;
  readonly origin: string | undefined;
  isShared = false;
  readonly #parts: ConnectionParts;
  readonly #outbox: Outbox;
  readonly #session: FaceSession;
  readonly #openedAt: number;
  readonly #deadline: NodeJS.Timeout | undefined;
  #caller: Caller | undefined;
  #heardAt: number;
  /** When the ping was sent that is not answered yet. */
  #pingedAt: number | undefined;
  #framesIn = 0;
  #handshakeBytes = 0;
  #violations: number[] = [];
  readonly #rate: InboundRate;
  #closeCode: number | undefined;
  #why: Code = "client_gone";

  constructor(parts: ConnectionParts) {
    const { ws, socket, face, limits, clock } = parts;
    this.#parts = parts;
    this.id = parts.id;
    this.upstreamKey = parts.upstreamKey;
    this.remoteAddress = parts.remoteAddress;
    this.origin = parts.origin;
    this.#caller = parts.caller;
    this.#openedAt = this.#heardAt = clock.now();
    this.#rate = new InboundRate(limits, face.maxFrameBytes, this.#openedAt);
    this.#outbox = new Outbox(ws, socket, limits.socketGateBytes, () => this.#guard(() => this.#session.drained()));

    ws.on("message", (data, isBinary) => this.#message(data, isBinary));
    ws.on("pong", () => this.#pong());
    ws.on("ping", () => this.#controlFrame());
    ws.on("close", (code) => this.#closed(code));
    // ws closes with the right code by itself; without a listener the process would end.
    ws.on("error", () => {});
    if (parts.caller) parts.known(parts.caller);
    else {
      socket.prependListener("data", this.#countHandshake);
      this.#deadline = setTimeout(() => this.#refuse("handshake_timeout"), limits.handshakeMs).unref();
    }
    this.#session = face.accept(this);
  }

  get caller(): Caller | undefined {
    return this.#caller;
  }

  get writable(): boolean {
    return this.#outbox.writable;
  }

  send(frame: string): void {
    this.#outbox.push(encode(frame), true);
  }

  sendBytes(frame: ByteText): void {
    this.#outbox.push(frame, this.isShared);
  }

  flush(): void {
    this.#outbox.flush();
  }

  authenticated(caller: Caller): void {
    this.#parts.known(caller);
    this.#caller = caller;
    this.#parts.socket.off("data", this.#countHandshake);
    clearTimeout(this.#deadline);
  }

  violation(error: GatewayError): void {
    const now = this.#parts.clock.now();
    this.#violations = this.#violations.filter((at) => now - at < 60_000);
    this.#violations.push(now);
    this.#parts.observer.refused({ code: error.code, remoteAddress: this.remoteAddress, where: this.#parts.face.name });
    if (this.#violations.length > this.#parts.limits.violationsPerMinute) this.#refuse("too_many_violations");
  }

  close(code: number, reason: string): void {
    this.#closeCode ??= code;
    this.#outbox.flush();
    this.#parts.ws.close(this.#closeCode, cutBytes(reason, MAX_REASON_BYTES));
  }

  get face(): string {
    return this.#parts.face.name;
  }

  /** Ends the socket without a closing handshake. */
  terminate(): void {
    this.#parts.ws.terminate();
  }

  /** Tells the client that the gateway stops soon, and when to come back. */
  goingAway(afterMs: number): void {
    this.#guard(() => this.#session.goingAway(afterMs));
  }

  /** Closes because of `why`, with the code's own close code. */
  closeFor(why: Code): void {
    this.#why = why;
    this.close(CODES[why].closeCode ?? 1008, why);
  }

  /** Our own process stood still: nobody's silence counts. */
  forgiveSilence(now: number): void {
    this.#heardAt = now;
    this.#pingedAt = undefined;
  }

  /** Called several times within `pongMs`: pings a silent peer, and gives up on one that does not answer. */
  heartbeat(now: number): void {
    const { pingMs, pongMs } = this.#parts.limits;
    if (this.#pingedAt === undefined) {
      if (now - this.#heardAt < pingMs) return;
      this.#pingedAt = now;
      this.#parts.ws.ping();
    } else if (now - this.#pingedAt >= pongMs) {
      this.#closeCode ??= CODES.no_pong.closeCode;
      this.#why = "no_pong";
      this.terminate();
    }
  }

  readonly #heard = (): void => {
    this.#heardAt = this.#parts.clock.now();
    this.#pingedAt = undefined;
  };

  // ws can change the largest frame only before it accepts; until the first frame is trusted we count for ourselves.
  readonly #countHandshake = (chunk: Buffer): void => {
    this.#handshakeBytes += chunk.length;
    if (this.#handshakeBytes > this.#parts.limits.handshakeFrameBytes) this.#refuse("frame_too_large");
  };

  #message(data: RawData, isBinary: boolean): void {
    this.#heard();
    this.#framesIn++;
    if (this.#parts.ws.readyState !== this.#parts.ws.OPEN) return;
    if (!this.#rate.message((data as Buffer).length, this.#heardAt)) this.#refuse("rate_limited");
    else if (isBinary) this.#refuse("binary_frame");
    else this.#guard(() => this.#session.message((data as Buffer).toString("utf8")));
  }

  /** Answers to our own pings cost the client nothing. */
  #pong(): void {
    if (this.#pingedAt === undefined) this.#controlFrame();
    else this.#heard();
  }

  #controlFrame(): void {
    this.#heard();
    if (this.#rate.controlFrame(this.#heardAt)) return;
    this.#closeCode ??= 1008;
    this.#refuse("rate_limited");
  }

  /** A fault in a face ends its connection and is reported; the process and the other connections go on. */
  #guard(work: () => void): void {
    try {
      work();
    } catch (error) {
      this.#parts.observer.fault(error, `face ${this.#parts.face.name}`);
      this.#refuse("internal");
    }
  }

  #refuse(code: Code): void {
    this.#parts.observer.refused({ code, remoteAddress: this.remoteAddress, where: this.#parts.face.name });
    this.closeFor(code);
  }

  #closed(code: number): void {
    clearTimeout(this.#deadline);
    const { observer, clock, face } = this.#parts;
    try {
      this.#session.closed(this.#why);
    } catch (error) {
      observer.fault(error, `face ${face.name}`);
    }
    this.#parts.closed();
    observer.connectionClosed({
      connection: this.id,
      face: face.name,
      caller: this.#caller?.name,
      remoteAddress: this.remoteAddress,
      closeCode: this.#closeCode ?? code,
      durationMs: clock.now() - this.#openedAt,
      framesIn: this.#framesIn,
      framesOut: this.#outbox.frames,
    });
  }
}

/** ASCII, the common case, is its own UTF-8. */
function encode(text: string): ByteText {
  return Buffer.byteLength(text) === text.length ? text : Buffer.from(text).toString("latin1");
}

/** The longest prefix that fits, never cutting a character in two. */
function cutBytes(text: string, maxBytes: number): string {
  let cut = text;
  while (Buffer.byteLength(cut) > maxBytes) cut = cut.slice(0, -1);
  return cut;
}
