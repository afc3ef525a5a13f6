import type { ClientSession } from "../clients/client-session.ts";
import type { TextTrack } from "./text-track.ts";

/** How far one client is in one track. */
interface Place {
  offset: number;
  /** Whether the client holds the text that its next increment is added to. */
  based: boolean;
}

/**
 * One client's cursors into one run. While its socket takes frames it gets every piece in the call that made it; while
 * it does not, pieces pile up in the run's text and go out as one frame later: coalesced, never dropped.
 */
export class Subscription {
  readonly client: ClientSession;
  readonly #tracks: readonly TextTrack[];
  readonly #places = new Map<TextTrack, Place>();
  /** Whether pieces were held back. */
  #behind = false;

  constructor(tracks: readonly TextTrack[], client: ClientSession) {
    this.#tracks = tracks;
    this.client = client;
    client.subscriptions.add(this);
  }

  /**
   * What a history sent now may show as in flight, so that the client's next frame continues it: what it was sent, or
   * everything when it was sent nothing yet, because its first frame then replaces all.
   */
  seen(track: TextTrack): string {
    const place = this.#places.get(track);
    return place ? track.text.slice(0, place.offset) : track.text;
  }

  /** The track grew. Returns whether a frame went out. */
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

  /** Sends what was held back, writable or not. */
  flush(): void {
    this.#behind = false;
    for (const track of this.#tracks) {
      if (track.encoder.wants(this.client)) this.#send(track, (offset) => track.since(offset));
    }
  }

  /** The client forgot what it had: the next frame of each track carries the whole again. */
  rebase(): void {
    for (const place of this.#places.values()) place.based = false;
  }

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
