import { SCOPES, type Scope } from "../../../../protocol/openclaw/wire.ts";
import { type ClientSession, eventHead } from "./client-session.ts";

/** All connected clients. */
export class Clients {
  readonly #clients = new Set<ClientSession>();

  [Symbol.iterator](): IterableIterator<ClientSession> {
    return this.#clients.values();
  }

  /** Adds a client that has finished its handshake. */
  add(client: ClientSession): void {
    this.#clients.add(client);
  }

  /** Removes a client that has gone. */
  remove(client: ClientSession): void {
    this.#clients.delete(client);
  }

  /** Sends an event to the clients that have `scope` and are `wanting` it. Encodes it once, and only if one is. */
  tell(
    name: string,
    payload: () => object,
    wanting: (client: ClientSession) => boolean = () => true,
    scope?: Scope,
  ): void {
    let head: string | undefined;
    for (const client of this.#clients) {
      if ((scope !== undefined && !client.may(scope)) || !wanting(client)) continue;
      head ??= eventHead(name, payload());
      client.event(head);
    }
  }

  /** Sends an event about a conversation, for clients that may read. */
  tellReaders(name: string, payload: () => object, wanting?: (client: ClientSession) => boolean): void {
    this.tell(name, payload, wanting, SCOPES.read);
  }
}
