import { tokenProtocol } from "./environment.ts";
import { failure, SluiceError } from "./error.ts";
import type { ErrorBody } from "./wire.ts";

/** A value, or how to get it. A function is called for each connection. */
export type Source = string | (() => string | Promise<string>);

/** How long the question why a connection failed may take, in milliseconds. */
const WHY_MS = 5_000;

/** What a connection shows the gateway: a token or gateway key, a one-time ticket, or nothing. */
export class Credentials {
  readonly #address: string;
  readonly #token: Source | undefined;
  readonly #ticket: Source | undefined;
  #ticketIsUsed = false;

  /** `address`: of the stream face. */
  constructor(address: string, token: Source | undefined, ticket: Source | undefined) {
    this.#address = address;
    this.#token = token;
    this.#ticket = ticket;
  }

  /** The subprotocols of the next connection. Throws `unauthorized` if the only ticket is used. */
  async protocols(): Promise<string[]> {
    const ticket = this.#ticket;
    if (ticket !== undefined) {
      if (typeof ticket === "string" && this.#ticketIsUsed) {
        throw failure("unauthorized", "the ticket is used; give a function that gets one for each connection");
      }
      this.#ticketIsUsed = true;
      return ["sluice.v1", `ticket.sluice.${await read(ticket)}`];
    }
    const token = this.#token && (await read(this.#token));
    return token ? ["sluice.v1", tokenProtocol(token)] : ["sluice.v1"];
  }

  /**
   * Why the gateway refuses a connection for good, if it does: a WebSocket that was not accepted does not tell. Asks over
   * HTTP for a ticket, which needs the same credentials.
   */
  async refusal(): Promise<SluiceError | undefined> {
    if (this.#ticket !== undefined || typeof fetch === "undefined") return undefined;
    try {
      const token = this.#token && (await read(this.#token));
      const response = await fetch(this.#address.replace(/^ws/, "http").replace(/stream(?=$|\?)/, "ticket"), {
        method: "POST",
        headers: token ? { authorization: `Bearer ${token}` } : {},
        signal: AbortSignal.timeout(WHY_MS),
      });
      if (response.ok) return undefined;
      const { error } = (await response.json()) as { readonly error?: ErrorBody };
      return error?.retryable === false ? new SluiceError(error) : undefined;
    } catch {
      return undefined;
    }
  }
}

const read = (source: Source): string | Promise<string> => (typeof source === "string" ? source : source());
