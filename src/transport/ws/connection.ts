import type { Duplex } from "node:stream";
import type { RawData, WebSocket } from "ws";
import { CODES, type Code } from "../../../protocol/codes.ts";
import type { Caller } from "../../core/caller/caller.ts";
import type { ByteString } from "../../core/kernel/byte-string.ts";
import type { Clock } from "../../core/kernel/clock.ts";
import type { GatewayError } from "../../core/kernel/errors.ts";
import type { Connection } from "../../core/ports/connection.ts";
import type { Face, FaceSession } from "../../core/ports/face.ts";
import type { Observer } from "../../core/ports/observer.ts";
import type { ReadTurn } from "../../core/stream/read-turn.ts";
import type { SendTime } from "../../core/stream/scheduler.ts";
import type { Inbound } from "../admit/inbound.ts";
import { InboundRate } from "../admit/inbound-rate.ts";
import { closeReason } from "./close-reason.ts";
import type { ConnectionLimits } from "./connection-limits.ts";
import { Intake } from "./intake.ts";
import { MessageTurns } from "./message-turns.ts";
import { encode, Outbox } from "./outbox.ts";
import { Pulse } from "./pulse.ts";
import { settingOf } from "./refusal-settings.ts";
import { readInPlaceOf } from "./socket-reading.ts";

/** What one WebSocket is made of. */
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
  readonly inbound: Inbound;
  readonly reads: ReadTurn;
  readonly clock: Clock;
  readonly observer: Observer;
  /** Called once the client is authenticated. Throws GatewayError when the caller has too many connections. */
  readonly known: (caller: Caller) => void;
  readonly closed: () => void;
}

/** One accepted WebSocket: passes text messages to its face, enforces limits, and keeps the heartbeat. */
export class SocketConnection implements Connection {
  readonly id: string;
  readonly upstreamKey: string | undefined;
  readonly remoteAddress: string;
  readonly origin: string | undefined;
  readonly #parts: ConnectionParts;
  readonly #outbox: Outbox;
  readonly #intake: Intake;
  readonly #turns: MessageTurns;
  readonly #session: FaceSession;
  readonly #openedAt: number;
  readonly #deadline: NodeJS.Timeout | undefined;
  #caller: Caller | undefined;
  readonly #pulse: Pulse;
  #framesIn = 0;
  #handshakeBytes = 0;
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
    this.#openedAt = clock.now();
    this.#pulse = new Pulse(limits, this.#openedAt);
    this.#rate = new InboundRate(limits, face.maxFrameBytes, this.#openedAt);
    const drained = () => this.#guard(() => this.#session.drained());
    const unread = { maxBytes: face.maxUnreadBytes, exceeded: () => this.terminate("slow_consumer") };
    this.#outbox = new Outbox(ws, socket, limits.socketGateBytes, parts.reads, drained, unread);
    this.#turns = new MessageTurns({
      handle: (text) =>
        parts.inbound.handle(
          () => this.#caller,
          () => this.#guard(() => this.#session.message(text)),
        ),
      isOpen: () => ws.readyState === ws.OPEN,
      pause: () => this.#intake.hold(),
      resume: () => this.#intake.resume(),
      now: () => clock.now(),
    });
    this.#intake = new Intake({
      reading: ws,
      feed: readInPlaceOf(socket, (chunk) => this.#intake.read(chunk)),
      maxMessageBytes: () => (this.#caller ? face.maxFrameBytes : limits.handshakeFrameBytes),
      came: (bytes) => this.#came(bytes),
      reserve: (bytes) => parts.inbound.reserve(this.#caller, this.remoteAddress, bytes),
      refuse: (code) => this.#refuse(code),
      pace: parts.inbound.pace,
      clock,
    });

    ws.on("message", (data, isBinary) => this.#message(data, isBinary));
    // Pongs to our own pings are not counted.
    ws.on("pong", () => this.#pulse.pong() || this.#controlFrame());
    ws.on("ping", () => this.#controlFrame());
    ws.on("ping", ({ length }) => this.#outbox.wrote(length));
    ws.on("close", (code) => this.#closed(code));
    // ws closes with the right code itself; ignore the rest.
    ws.on("error", () => this.#intake.ignore());
    if (parts.caller) parts.known(parts.caller);
    else this.#deadline = setTimeout(() => this.#refuse("handshake_timeout"), limits.handshakeMs).unref();
    this.#session = face.accept(this);
  }

  /** The caller, once authenticated. */
  get caller(): Caller | undefined {
    return this.#caller;
  }

  get writable(): boolean {
    return this.#outbox.writable;
  }

  send(frame: string): void {
    this.#outbox.pushOwn(encode(frame));
  }

  sendBytes(frame: ByteString, when: SendTime): void {
    this.#outbox.push(frame, when);
  }

  authenticated(caller: Caller): void {
    this.#parts.known(caller);
    this.#caller = caller;
    clearTimeout(this.#deadline);
  }

  violation(error: GatewayError): void {
    this.#tell(error.code, error.setting);
    if (!this.#rate.violation(this.#parts.clock.now())) this.#refuse("too_many_violations");
  }

  close(code: number, reason: string): void {
    this.#closeCode ??= code;
    this.#outbox.flush();
    this.#parts.ws.close(this.#closeCode, closeReason(reason));
  }

  get face(): string {
    return this.#parts.face.name;
  }

  /** Ends the socket without a closing handshake. */
  terminate(why = this.#why): void {
    this.#why = why;
    this.#closeCode ??= CODES[why].closeCode;
    this.#parts.ws.terminate();
  }

  /** Tells the client that the gateway is stopping, and after how many milliseconds to reconnect. */
  goingAway(afterMs: number): void {
    this.#guard(() => this.#session.goingAway(afterMs));
  }

  /** Closes with the close code of `why`. */
  closeFor(why: Code): void {
    this.#why = why;
    this.close(CODES[why].closeCode ?? 1008, why);
  }

  /** The event loop was blocked, so the peer's silence does not count. */
  forgiveSilence(now: number): void {
    this.#pulse.heard(now);
    this.#intake.forgive(now);
  }

  /** Pings a silent peer; gives up on one that does not respond or sends too slowly. Call it several times per `pongMs`. */
  heartbeat(now: number): void {
    this.#intake.look(now);
    const todo = this.#pulse.beat(now);
    if (todo === "ping") this.#parts.ws.ping();
    if (todo === "give up") this.terminate("no_pong");
  }

  /** Counts bytes. They prove life, because a client cannot send a pong within a long frame. Returns why to refuse them. */
  #came(bytes: number): Code | undefined {
    this.#pulse.heard(this.#parts.clock.now());
    // ws fixes its frame limit at the handshake, so the smaller limit before authentication is enforced here.
    if (!this.#caller) this.#handshakeBytes += bytes;
    if (this.#handshakeBytes > this.#parts.limits.handshakeFrameBytes) return "frame_too_large";
    return this.#rate.bytes(bytes, this.#pulse.heardAt) ? undefined : "rate_limited";
  }

  #message(data: RawData, isBinary: boolean): void {
    this.#framesIn++;
    if (this.#parts.ws.readyState !== this.#parts.ws.OPEN) return;
    if (!this.#rate.message(this.#pulse.heardAt)) this.#refuse("rate_limited", "limits.requests.framesPerSecond");
    else if (isBinary) this.#refuse("binary_frame");
    else this.#turns.take(data as Buffer, this.#intake.takeReservation());
  }

  #controlFrame(): void {
    if (this.#rate.controlFrame(this.#pulse.heardAt)) return;
    this.#closeCode ??= 1008;
    this.#tell("rate_limited", undefined);
    this.closeFor("rate_limited");
  }

  /** Reports a fault of the face and ends this connection only. */
  #guard(work: () => void): void {
    try {
      work();
    } catch (error) {
      this.#parts.observer.fault(error, `face ${this.#parts.face.name}`);
      this.#refuse("internal");
    }
  }

  #refuse(code: Code, setting = settingOf(code, this.face)): void {
    this.#tell(code, setting);
    this.closeFor(code);
  }

  #tell(code: Code, setting: string | undefined): void {
    const { remoteAddress, face } = this;
    this.#parts.observer.refused({ code, remoteAddress, where: face, caller: this.#caller?.name, setting });
  }

  #closed(code: number): void {
    clearTimeout(this.#deadline);
    this.#intake.close();
    this.#turns.close();
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
