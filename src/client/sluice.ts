import { backoffMs } from "./backoff.ts";
import { Connection, type ConnectionState } from "./connection.ts";
import { Credentials } from "./credentials.ts";
import type { Dialect, DialectData } from "./dialects.ts";
import { type Clock, ownSocketClass, randomHex, streamAddress, systemClock } from "./environment.ts";
import { failure, SluiceError } from "./error.ts";
import type { Link } from "./link.ts";
import type { ConnectOptions, OpenOptions, ReadOptions } from "./options.ts";
import { Reading, type SavedStream } from "./reading.ts";
import { SluiceStream } from "./stream.ts";
import type { ErrorBody, Open, Received } from "./wire.ts";

const GRACE_MS = 120_000;
const CONNECT_MS = 10_000;
const HANDSHAKE_MS = 10_000;
/** Two of the gateway's ticks, which come every 20 s, and some. */
const SILENCE_MS = 45_000;
/** A text takes at most so many bytes a UTF-16 unit. */
const MAX_BYTES_PER_UNIT = 3;

/** A gateway: all streams share one connection, which is made when the first is opened. */
export class Sluice {
  readonly #address: string;
  readonly #clock: Clock;
  readonly #graceMs: number;
  readonly #connectMs: number;
  readonly #upstreamKey: string | undefined;
  readonly #connection: Connection;
  readonly #readings = new Map<string, Reading>();
  #isClosed = false;

  /** Throws `bad_request` for options that cannot be, and `unsupported` where there is no WebSocket. */
  constructor(options: ConnectOptions) {
    const { url, token, ticket, clock = systemClock, upstreamKey } = options;
    if (token !== undefined && ticket !== undefined) throw failure("bad_request", "give either token or ticket");
    this.#address = streamAddress(url);
    this.#clock = clock;
    this.#graceMs = options.graceMs ?? GRACE_MS;
    this.#connectMs = options.connectMs ?? CONNECT_MS;
    this.#upstreamKey = upstreamKey;
    this.#connection = new Connection({
      address: this.#address,
      credentials: new Credentials(this.#address, token, ticket),
      SocketClass: options.WebSocket ?? ownSocketClass(),
      clock,
      handshakeMs: options.handshakeMs ?? HANDSHAKE_MS,
      silenceMs: options.silenceMs ?? SILENCE_MS,
      isWanted: () => this.#isWanted(),
      ready: () => this.#placeAll(),
      frame: (frame, size, link) => this.#frame(frame, size, link),
      lost: (link) => this.#lost(link),
      failed: (error) => this.#failed(error),
    });
  }

  /** What the connection is doing. */
  get state(): ConnectionState {
    return this.#connection.state.value;
  }

  /** Calls the listener after each change of `state`, until the result is called. */
  get subscribe(): (listener: (state: ConnectionState) => void) => () => void {
    return this.#connection.state.subscribe;
  }

  /** Asks a model. The stream is there at once; the loop hears of a refusal. */
  open<D extends Dialect = "raw">(options: OpenOptions<D>): SluiceStream<DialectData[D]> {
    const { model, route, body, bodies, retry, away, upstreamKey = this.#upstreamKey } = options;
    const open: Open = {
      type: "open",
      id: randomHex(8),
      ...(model !== undefined && { model }),
      ...(route !== undefined && { route }),
      ...(body !== undefined && { body }),
      ...(bodies !== undefined && { dialect: "any", bodies }),
      ...(upstreamKey !== undefined && { upstreamKey }),
      ...(retry !== undefined && { retry }),
      ...(away !== undefined && { away }),
      idempotencyKey: options.idempotencyKey ?? randomHex(16),
      batch: true,
    };
    return this.#read(new Reading(open, { id: open.id, after: 0 }), options);
  }

  /** Reads a saved stream on, after the last event that was handled. Whoever reads it now is told `superseded`. */
  restore<D extends Dialect = "raw">(saved: SavedStream, options: ReadOptions<D> = {}): SluiceStream<DialectData[D]> {
    const upstreamKey = this.#upstreamKey !== undefined && { upstreamKey: this.#upstreamKey };
    return this.#read(new Reading(saved.open && { ...saved.open, ...upstreamKey }, saved), options);
  }

  /** Where all open streams are, as JSON: keep it when a page is left, and `restore` each in the next. */
  save(): SavedStream[] {
    return [...this.#readings.values()].map((reading) => reading.save());
  }

  /** Leaves the gateway. Streams that are not over reject with `client_gone`; the gateway keeps them as `away` says. */
  close(): void {
    this.#isClosed = true;
    this.#connection.close();
    this.#failed(failure("client_gone", "the client was closed"));
  }

  #read<D extends Dialect>(reading: Reading, options: ReadOptions<D>): SluiceStream<DialectData[D]> {
    if (this.#isClosed) throw failure("bad_request", "the client is closed");
    if (this.#readings.has(reading.id)) throw failure("duplicate_id", "this stream is open in this client");
    this.#readings.set(reading.id, reading);
    reading.lostAt = this.#clock.now();
    const stream = new SluiceStream<DialectData[D]>(reading, {
      cancel: () => this.#cancel(reading),
      detach: () => this.#detach(reading),
      leave: options.leave ?? "cancel",
      signal: options.signal,
    });
    this.#place(reading);
    return stream;
  }

  // ── what applications do ──────────────────────────────────────────────────────────────────────────────────────────

  #cancel(reading: Reading): void {
    if (reading.outcome) return;
    reading.cancel();
    if (reading.link) reading.link.send({ type: "cancel", id: reading.id });
    else if (!reading.isSent) this.#settle(reading, failure("cancelled", "cancelled before it was sent"));
  }

  #detach(reading: Reading): void {
    const { link } = reading;
    this.#settle(reading, failure("client_gone", "the loop left the stream, which goes on as its away says"));
    if (!link) return;
    // There is no frame for it. The gateway parks a stream when the socket that reads it closes: this one, or another.
    if (![...this.#readings.values()].some((other) => other.link === link)) this.#connection.drop(link);
    else this.#connection.aside(reading.id, JSON.stringify(reading.comeBack())).catch(() => {});
  }

  // ── what the gateway says ─────────────────────────────────────────────────────────────────────────────────────────

  #frame(frame: Received, size: number, link: Link): void {
    if (frame.type === "going_away") this.#connection.leave(link, frame.afterMs);
    if (!("id" in frame) || frame.id === undefined) return;
    const reading = this.#readings.get(frame.id);
    if (reading?.link !== link) return;
    if (frame.type === "error") this.#refused(reading, frame.error, link);
    else if (frame.type === "detached") this.#detached(reading, frame.code);
    else {
      this.#connection.progressed();
      if (frame.type === "opened") reading.opened({ stream: frame.stream, epoch: frame.epoch });
      else if (frame.type === "resumed") reading.opened();
      else if (frame.type === "event") this.#check(reading.events([frame], size, frame.dialect), link);
      else if (frame.type === "events") this.#check(reading.events(frame.events, size, frame.dialect), link);
      else if (this.#check(reading.hasAll(frame.lastSeq), link)) this.#settle(reading, endOf(frame));
    }
  }

  /** A gap in the numbers can only be a fault; the stream is read again from where it was whole. */
  #check(isWhole: boolean, link: Link): boolean {
    if (!isWhole) link.drop("an event was missing");
    return isWhole;
  }

  #refused(reading: Reading, error: ErrorBody, link: Link): void {
    this.#unlink(reading);
    if (error.code === "shutting_down") this.#connection.leave(link, error.retryAfterMs ?? 0);
    if (error.code !== "shutting_down" && !(reading.isOpened && error.retryable)) {
      this.#settle(reading, new SluiceError(error));
    } else this.#again(reading, error.retryAfterMs);
  }

  #detached(reading: Reading, code: string): void {
    this.#unlink(reading);
    if (code === "superseded") this.#settle(reading, failure("superseded", "another client reads this stream now"));
    else this.#again(reading, 0);
  }

  #again(reading: Reading, ms = backoffMs(1, this.#clock.random())): void {
    this.#clock.after(ms, () => {
      if (!this.#hasExpired(reading)) this.#place(reading);
    });
  }

  // ── the way there ─────────────────────────────────────────────────────────────────────────────────────────────────

  #placeAll(): void {
    for (const reading of this.#readings.values()) this.#place(reading);
  }

  #place(reading: Reading): void {
    const { link } = this.#connection;
    if (reading.outcome || reading.link) return;
    if (!link) {
      this.#connection.want();
      return;
    }
    const text = JSON.stringify(reading.comeBack());
    const limit = link.limits?.frameBytes ?? 0;
    if (text.length * MAX_BYTES_PER_UNIT > limit && new TextEncoder().encode(text).length > limit) {
      this.#settle(reading, failure("frame_too_large", `the request is larger than ${limit} bytes`));
      return;
    }
    reading.link = link;
    reading.isSent = true;
    link.request(reading.id, text);
    if (reading.isCancelled) link.send({ type: "cancel", id: reading.id });
  }

  #lost(link: Link): void {
    for (const reading of this.#readings.values()) if (reading.link === link) this.#unlink(reading);
  }

  #unlink(reading: Reading): void {
    reading.link = undefined;
    reading.lostAt ??= this.#clock.now();
    if (reading.isOpened) reading.state.set("reconnecting");
  }

  #isWanted(): boolean {
    for (const reading of [...this.#readings.values()]) this.#hasExpired(reading);
    return this.#readings.size > 0;
  }

  /** Gives up a stream that has waited too long for a connection. */
  #hasExpired(reading: Reading): boolean {
    const limitMs = this.#connection.wasOpen ? this.#graceMs : this.#connectMs;
    if (reading.link || reading.lostAt === undefined || this.#clock.now() - reading.lostAt < limitMs) return false;
    this.#settle(reading, failure("client_gone", `no connection to ${this.#address} for ${limitMs} ms`, true));
    return true;
  }

  #failed(error: SluiceError): void {
    for (const reading of [...this.#readings.values()])
      if (!reading.link || this.#isClosed) this.#settle(reading, error);
  }

  #settle(reading: Reading, outcome: Parameters<Reading["settle"]>[0]): void {
    this.#readings.delete(reading.id);
    reading.settle(outcome);
  }
}

function endOf({ type: _, id: __, ...end }: Extract<Received, { type: "end" }>) {
  return end;
}
