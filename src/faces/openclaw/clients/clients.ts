import { SCOPES, type Scope } from "../../../../protocol/openclaw/wire.ts";
import { type ClientSession, eventHead } from "./client-session.ts";

/** Everybody who is connected. */
export class Clients {
  readonly #clients = new Set<ClientSession>();

  [Symbol.iterator](): IterableIterator<ClientSession> {
    return this.#clients.values();
  }

  add(client: ClientSession): void {
    this.#clients.add(client);
  }

  remove(client: ClientSession): void {
    this.#clients.delete(client);
  }

  /** Sends one event to all who may hear it and, when asked, only to those `wanting` it. Encoded once, if at all. */
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

  /** An event about a conversation: for readers only. */
  tellReaders(name: string, payload: () => object, wanting?: (client: ClientSession) => boolean): void {
    this.tell(name, payload, wanting, SCOPES.read);
  }
}
