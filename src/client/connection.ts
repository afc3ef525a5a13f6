import { backoffMs } from "./backoff.ts";
import { finalError, pauseAfter } from "./close-codes.ts";
import type { Credentials } from "./credentials.ts";
import type { Clock, SocketClass } from "./environment.ts";
import { failure, SluiceError } from "./error.ts";
import { Link, type LinkParts, NO_CODE } from "./link.ts";
import { Observable } from "./observable.ts";
import type { Received } from "./wire.ts";

/** What the connection to the gateway is doing: `waiting` before the next attempt, `idle` while no stream needs one. */
export type ConnectionState = "idle" | "connecting" | "open" | "waiting";

/** What a connection is made of. */
export interface ConnectionParts {
  readonly address: string;
  readonly credentials: Credentials;
  readonly SocketClass: SocketClass;
  readonly clock: Clock;
  readonly handshakeMs: number;
  readonly silenceMs: number;
  /** Whether a stream needs a connection. Gives up those that have waited too long for one. */
  readonly isWanted: () => boolean;
  readonly ready: () => void;
  readonly frame: (frame: Received, size: number, link: Link) => void;
  readonly lost: (link: Link) => void;
  /** Called when the gateway is not to be called again. */
  readonly failed: (error: SluiceError) => void;
}

/** The way to the gateway: one link for new streams, and those that a stopping gateway still serves. */
export class Connection {
  readonly state = new Observable<ConnectionState>("idle");
  readonly #parts: ConnectionParts;
  readonly #links = new Set<Link>();
  /** The link of now, or the one on its way. */
  #current: Link | undefined;
  #attempt = 0;
  #stopWaiting = () => {};
  /** Counts attempts, so that one whose credentials come late knows that it is not wanted. */
  #turn = 0;
  #wasOpen = false;

  constructor(parts: ConnectionParts) {
    this.#parts = parts;
  }

  /** The link for new streams, once the gateway has greeted. */
  get link(): Link | undefined {
    return this.#current?.isReady ? this.#current : undefined;
  }

  /** Whether there ever was a connection. */
  get wasOpen(): boolean {
    return this.#wasOpen;
  }

  /** Connects, unless that is done or under way. */
  want(): void {
    if (this.state.value === "idle") void this.#connect();
  }

  /** A stream went on: what follows is a new failure, not the next one. */
  progressed(): void {
    this.#attempt = 0;
  }

  /** The gateway of this link is stopping: its streams stay while it serves them, new ones go to the next link. */
  leave(link: Link, afterMs: number): void {
    if (link !== this.#current) return;
    this.#current = undefined;
    this.#wait(afterMs);
  }

  /** Closes one link. */
  drop(link: Link): void {
    this.#links.delete(link);
    link.close();
    if (link !== this.#current) return;
    this.#current = undefined;
    this.state.set("idle");
  }

  /** Another link beside this one for a single request, which is closed at its answer. */
  async aside(id: string, text: string): Promise<void> {
    const { credentials } = this.#parts;
    const close = (link: Link): void => {
      this.#links.delete(link);
      link.close();
    };
    this.#open(await credentials.protocols(), {
      ready: (link) => link.request(id, text),
      frame: (_, __, link) => close(link),
      lost: close,
    });
  }

  close(): void {
    this.#turn++;
    this.#stopWaiting();
    for (const link of this.#links) link.close();
    this.#links.clear();
    this.#current = undefined;
    this.state.set("idle");
  }

  async #connect(): Promise<void> {
    const { credentials } = this.#parts;
    const turn = ++this.#turn;
    this.state.set("connecting");
    try {
      const protocols = await credentials.protocols();
      if (turn !== this.#turn) return;
      this.#current = this.#open(protocols, {
        ready: () => this.#ready(),
        frame: this.#parts.frame,
        lost: (link, closeCode, reason) => this.#lost(link, closeCode, reason),
      });
    } catch (error) {
      if (turn !== this.#turn) return;
      // Credentials that cannot be fetched now may be later.
      if (error instanceof SluiceError && !error.retryable) this.#fail(error);
      else this.#wait(0);
    }
  }

  #open(protocols: string[], to: Pick<LinkParts, "ready" | "frame" | "lost">): Link {
    const { address, SocketClass, clock, handshakeMs, silenceMs } = this.#parts;
    try {
      const link = new Link({ socket: new SocketClass(address, protocols), clock, handshakeMs, silenceMs, ...to });
      this.#links.add(link);
      return link;
    } catch (error) {
      throw failure("bad_request", `cannot connect to ${address}: ${error instanceof Error ? error.message : error}`);
    }
  }

  #ready(): void {
    this.#wasOpen = true;
    this.state.set("open");
    this.#parts.ready();
  }

  #lost(link: Link, closeCode: number, reason: string): void {
    this.#links.delete(link);
    const wasCurrent = link === this.#current;
    if (wasCurrent) this.#current = undefined;
    this.#parts.lost(link);
    const final = finalError(closeCode, reason);
    if (final) this.#fail(final);
    else if (!wasCurrent) this.#moved();
    else if (link.limits || closeCode !== NO_CODE) this.#wait(pauseAfter(closeCode));
    else void this.#asked();
  }

  /** The streams of a link that was left go to the one of now. */
  #moved(): void {
    if (this.link) this.#parts.ready();
    else if (this.state.value === "idle") this.#wait(0);
  }

  /** A socket that was not accepted tells no reason. */
  async #asked(): Promise<void> {
    const turn = this.#turn;
    const refusal = await this.#parts.credentials.refusal();
    if (turn !== this.#turn) return;
    if (refusal) this.#fail(refusal);
    else this.#wait(0);
  }

  #wait(leastMs: number): void {
    const { clock, isWanted } = this.#parts;
    this.#stopWaiting();
    if (!isWanted()) {
      this.state.set("idle");
      return;
    }
    this.state.set("waiting");
    const ms = Math.max(leastMs, backoffMs(this.#attempt++, clock.random()));
    this.#stopWaiting = clock.after(ms, () => void this.#connect());
  }

  #fail(error: SluiceError): void {
    this.#turn++;
    this.#stopWaiting();
    if (!this.#current) this.state.set("idle");
    this.#parts.failed(error);
  }
}
