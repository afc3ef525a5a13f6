/** An event with its number, and its size in the frame. */
interface Numbered {
  readonly seq: number;
}

/**
 * The events of one stream between the sockets and the loop. Each is delivered once and in order, however often the
 * gateway repeats it after a reconnect.
 */
export class Inbox<Event extends Numbered> {
  #waiting: { readonly event: Event; readonly bytes: number }[] = [];
  #next = 0;
  #inHand: { readonly seq: number; readonly bytes: number } | undefined;
  #received: number;
  #handled: number;
  /** The newest event that arrived on the socket of now: a gateway has no acknowledgement for what it has not sent. */
  #seen: number;

  /** Begins behind the event `after`. */
  constructor(after: number) {
    this.#received = this.#handled = this.#seen = after;
  }

  /** The newest event that arrived. */
  get received(): number {
    return this.#received;
  }

  /** The newest event that the application has handled. */
  get handled(): number {
    return this.#handled;
  }

  /** What may be acknowledged on the socket of now. */
  get acknowledgeable(): number {
    return Math.min(this.#handled, this.#seen);
  }

  get isEmpty(): boolean {
    return this.#next === this.#waiting.length;
  }

  /** Another socket begins to send what follows `after`. */
  restart(after: number): void {
    this.#seen = after;
  }

  /** Takes an event in; repeated ones are dropped. False: one before it is missing. */
  offer(event: Event, bytes: number): boolean {
    if (event.seq > this.#received + 1) return false;
    this.#seen = Math.max(this.#seen, event.seq);
    if (event.seq === this.#received + 1) {
      this.#received = event.seq;
      this.#waiting.push({ event, bytes });
    }
    return true;
  }

  /** The next event for the application, if there is one. */
  take(): Event | undefined {
    const entry = this.#waiting[this.#next];
    if (!entry) return undefined;
    this.#next++;
    if (this.#next >= 512 || this.isEmpty) {
      this.#waiting = this.#waiting.slice(this.#next);
      this.#next = 0;
    }
    this.#inHand = { seq: entry.event.seq, bytes: entry.bytes };
    return entry.event;
  }

  /** The application is done with what it took last. Returns the size of that event, or undefined if there is none. */
  done(): number | undefined {
    const event = this.#inHand;
    this.#inHand = undefined;
    if (event) this.#handled = event.seq;
    return event?.bytes;
  }

  /** Drops what waits, as handled. Returns its size. */
  discard(): number {
    const bytes = this.#waiting.slice(this.#next).reduce((sum, entry) => sum + entry.bytes, 0);
    this.#waiting = [];
    this.#next = 0;
    this.#inHand = undefined;
    this.#handled = this.#received;
    return bytes;
  }
}
