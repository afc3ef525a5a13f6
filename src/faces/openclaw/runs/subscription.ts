import type { ClientSession } from "../clients/client-session.ts";
import type { TextTrack } from "./text-track.ts";

/** How much of one track a client has been sent. */
interface Place {
  offset: number;
  /** Whether the client still has the text to which the next increment is added. */
  based: boolean;
}

/**
 * One client's cursors into one run. While its socket is writable, the client gets each piece in the call that made it.
 * While it is not, pieces collect in the run's text and leave later as one frame: coalesced, never dropped.
 */
export class Subscription {
  readonly client: ClientSession;
  readonly #tracks: readonly TextTrack[];
  readonly #places = new Map<TextTrack, Place>();
  /** Whether there are pieces that the client was not sent yet. */
  #behind = false;

  constructor(tracks: readonly TextTrack[], client: ClientSession) {
    this.#tracks = tracks;
    this.client = client;
    client.subscriptions.add(this);
  }

  /**
   * The text that a history sent now may show as in flight, so that the client's next frame continues it: what the client
   * was sent, or everything if it was sent nothing yet, because its first frame then replaces the text.
   */
  seen(track: TextTrack): string {
    const place = this.#places.get(track);
    return place ? track.text.slice(0, place.offset) : track.text;
  }

  /** Sends what a track has grown by. Returns false if the client does not want it or cannot take it now. */
  offer(track: TextTrack): boolean {
    if (!track.encoder.wants(this.client)) return false;
    if (!this.client.writable) {
      this.#behind = true;
      return false;
    }
    if (this.#behind) this.flush();
    else this.#send(track, (offset) => (offset === track.before ? track.latest() : track.since(offset)));
    return true;
  }

  /** Sends all pieces not sent yet, whether the socket is writable or not. */
  flush(): void {
    this.#behind = false;
    for (const track of this.#tracks) {
      if (track.encoder.wants(this.client)) this.#send(track, (offset) => track.since(offset));
    }
  }

  /** The client has lost its text: the next frame of each track carries all of it again. */
  rebase(): void {
    for (const place of this.#places.values()) place.based = false;
  }

  /** Stops sending to the client. */
  close(): void {
    this.client.subscriptions.delete(this);
  }

  #send(track: TextTrack, increment: (offset: number) => string): void {
    const { offset, based } = this.#places.get(track) ?? { offset: -1, based: false };
    if (offset === track.length) return;
    this.#places.set(track, { offset: track.length, based: true });
    if (based && !this.client.cumulative) this.client.event(increment(offset));
    else for (const head of track.whole(Math.max(offset, 0))) this.client.event(head);
  }
}
