import { SCOPES, type Scope } from "../../../../protocol/openclaw/wire.ts";
import { type ClientSession, eventHead } from "./client-session.ts";

/** Everybody who is connected. */
export class Clients {
  readonly #peers = new Set<ClientSession>();

  [Symbol.iterator](): IterableIterator<ClientSession> {
    return this.#peers.values();
  }

  add(peer: ClientSession): void {
    this.#peers.add(peer);
  }

  remove(peer: ClientSession): void {
    this.#peers.delete(peer);
  }

  /** Sends one event to all who may hear it and, when asked, only to those `wanting` it. Encoded once, if at all. */
  tell(
    name: string,
    payload: () => object,
    wanting: (peer: ClientSession) => boolean = () => true,
    scope?: Scope,
  ): void {
    let head: string | undefined;
    for (const peer of this.#peers) {
      if ((scope !== undefined && !peer.may(scope)) || !wanting(peer)) continue;
      head ??= eventHead(name, payload());
      peer.event(head);
    }
  }

  /** An event about a conversation: for readers only. */
  tellReaders(name: string, payload: () => object, wanting?: (peer: ClientSession) => boolean): void {
    this.tell(name, payload, wanting, SCOPES.read);
  }
}
