import { SCOPES, type Scope } from "../../../../protocol/openclaw/wire.ts";
import { eventHead, type Peer } from "./peer.ts";

/** Everybody who is connected. */
export class Audience {
  readonly #peers = new Set<Peer>();

  [Symbol.iterator](): IterableIterator<Peer> {
    return this.#peers.values();
  }

  add(peer: Peer): void {
    this.#peers.add(peer);
  }

  remove(peer: Peer): void {
    this.#peers.delete(peer);
  }

  /** Sends one event to all who may hear it and, when asked, only to those `wanting` it. Encoded once, if at all. */
  tell(name: string, payload: () => object, wanting: (peer: Peer) => boolean = () => true, scope?: Scope): void {
    let head: string | undefined;
    for (const peer of this.#peers) {
      if ((scope !== undefined && !peer.may(scope)) || !wanting(peer)) continue;
      head ??= eventHead(name, payload());
      peer.event(head);
    }
  }

  /** An event about a conversation: for readers only. */
  tellReaders(name: string, payload: () => object, wanting?: (peer: Peer) => boolean): void {
    this.tell(name, payload, wanting, SCOPES.read);
  }
}
