import type { DialectName } from "../../protocol/dialects.ts";
import { textOf } from "./dialects.ts";
import { failure, SluiceError } from "./error.ts";
import { Inbox } from "./inbox.ts";
import type { Link } from "./link.ts";
import { Observable } from "./observable.ts";
import type { End, Open, Sent, WireEvent } from "./wire.ts";

/** One event of the provider. */
export interface StreamEvent<Data = unknown> {
  /** Counts 1, 2, 3 … in a stream, without gaps. */
  readonly seq: number;
  /** The provider's name of the event, if it sent one. */
  readonly name: string | undefined;
  /** What the provider sent: parsed JSON, or a string if `raw`. */
  readonly data: Data;
  /** The data was not JSON, such as `[DONE]`. */
  readonly raw: boolean;
  /** The dialect of the data, by the gateway's name of it, if the stream was opened with `bodies`. */
  readonly dialect: DialectName | undefined;
  /** The text that this event adds to the answer, in any dialect; "" if it adds none. */
  readonly text: string;
}

/** What a stream is doing: `reconnecting` after its connection was lost, `over` when nothing more will come. */
export type StreamState = "opening" | "reading" | "reconnecting" | "over";

/** Where a stream is, to read it on later or elsewhere. JSON. */
export interface SavedStream {
  readonly id: string;
  /** The last event that was handled. */
  readonly after: number;
  /** The gateway's name for the stream, once it has given one. */
  readonly stream?: string;
  readonly epoch?: number;
  /** Before that: the request itself, without its provider key. */
  readonly open?: Open;
}

/** One stream across all sockets that read it: where it is, what waits, and how it ended. */
export class Reading {
  readonly id: string;
  readonly state: Observable<StreamState>;
  readonly end: Promise<End>;
  /** The socket that reads it now. */
  link: Link | undefined;
  /** Since when it has had none, in the clock's milliseconds. */
  lostAt: number | undefined;
  /** Whether the gateway may know of it. */
  isSent = false;
  #isCancelled = false;
  #dialect: DialectName | undefined;
  readonly #inbox: Inbox<StreamEvent>;
  readonly #request: Open | undefined;
  #name: { readonly stream: string; readonly epoch: number } | undefined;
  #outcome: End | SluiceError | undefined;
  #settle: (outcome: End | Promise<never>) => void = () => {};
  #wake = () => {};
  #isWaitedFor = false;

  constructor(request: Open | undefined, { id, after, stream, epoch }: SavedStream) {
    this.id = id;
    this.#request = request;
    this.#name = stream !== undefined && epoch !== undefined ? { stream, epoch } : undefined;
    this.#inbox = new Inbox(after);
    this.state = new Observable<StreamState>(this.#name ? "reconnecting" : "opening");
    this.end = new Promise((resolve) => {
      this.#settle = resolve;
    });
    // Whoever does not look at the end hears of a failure in the loop.
    this.end.catch(() => {});
  }

  get isOpened(): boolean {
    return this.#name !== undefined;
  }

  get isCancelled(): boolean {
    return this.#isCancelled;
  }

  /** The end, or why there is none; undefined while it goes on. */
  get outcome(): End | SluiceError | undefined {
    return this.#outcome;
  }

  /** The frame that opens it, again if need be, or reads it on. */
  comeBack(): Sent | undefined {
    const after = this.#name ? this.#inbox.handled : 0;
    this.#inbox.restart(after);
    return this.#name ? { type: "resume", id: this.id, ...this.#name, after, batch: true } : this.#request;
  }

  save(): SavedStream {
    const { id } = this;
    if (this.#name) return { id, after: this.#inbox.handled, ...this.#name };
    const { upstreamKey: _, ...open } = this.#request ?? { type: "open", id };
    return { id, after: 0, open };
  }

  // ── what the gateway says ─────────────────────────────────────────────────────────────────────────────────────────

  /** The gateway reads it for this client now. */
  opened(name?: { readonly stream: string; readonly epoch: number }): void {
    this.#name ??= name;
    this.lostAt = undefined;
    this.state.set("reading");
  }

  /** Takes events in. False: one is missing. */
  events(events: readonly WireEvent[], bytes: number, dialect?: DialectName): boolean {
    this.#dialect = dialect ?? this.#dialect;
    const each = bytes / events.length;
    for (const { seq, event, data, raw } of events) {
      const taken = { seq, name: event, data, raw: raw === true, dialect: this.#dialect, text: textOf(data) };
      if (!this.#inbox.offer(taken, each)) return false;
    }
    if (this.#isCancelled) this.#inbox.discard();
    // Repeated ones may all be handled; the gateway waits to hear so.
    if (this.#inbox.isEmpty) this.#report(bytes);
    this.#wake();
    return true;
  }

  /** Whether every event up to this one has arrived. */
  hasAll(lastSeq: number): boolean {
    return this.#inbox.received >= lastSeq;
  }

  /** It is over. */
  settle(outcome: End | SluiceError): void {
    if (this.#outcome) return;
    this.#outcome = outcome;
    this.#settle(outcome instanceof SluiceError ? Promise.reject(outcome) : outcome);
    this.state.set("over");
    this.#wake();
  }

  // ── what the application does ─────────────────────────────────────────────────────────────────────────────────────

  /** The next event that waits. */
  take(): StreamEvent | undefined {
    return this.#inbox.take();
  }

  /** The application is done with the event it took last. */
  done(): void {
    const bytes = this.#inbox.done();
    if (bytes !== undefined) this.#report(bytes);
  }

  /** Resolves when there is an event or the end. Throws `bad_request` if another loop waits. */
  async changed(): Promise<void> {
    if (this.#isWaitedFor) throw failure("bad_request", "another loop reads this stream");
    this.#isWaitedFor = true;
    await new Promise<void>((resolve) => {
      this.#wake = resolve;
    });
    this.#isWaitedFor = false;
  }

  /** Nothing that comes is wanted. */
  cancel(): void {
    this.#isCancelled = true;
    this.#report(this.#inbox.discard());
    this.#wake();
  }

  #report(bytes: number): void {
    this.link?.handled(this.id, this.#inbox.acknowledgeable, bytes);
  }
}
