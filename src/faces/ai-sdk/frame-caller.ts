import { bearerToken } from "../../core/caller/bearer-token.ts";
import type { Caller } from "../../core/caller/caller.ts";
import { GatewayError } from "../../core/kernel/errors.ts";
import type { Authenticator } from "../../core/ports/authenticator.ts";
import type { Connection } from "../../core/ports/connection.ts";

/**
 * Who asks on a socket: whoever the handshake identified, or else the token in the `headers` of the first frame, because the
 * transport cannot set headers of the handshake. A socket belongs to one caller.
 */
export class FrameCaller {
  readonly #connection: Connection;
  readonly #authenticator: Authenticator;
  #caller: Caller | undefined;
  /** The token that was last found to be the caller's, so that it is looked up once. */
  #token: string | undefined;

  constructor(connection: Connection, authenticator: Authenticator) {
    this.#connection = connection;
    this.#authenticator = authenticator;
    this.#caller = connection.caller;
  }

  /** The caller with what its key grants now. Throws `unauthorized`, `forbidden` or `rate_limited`. */
  of(headers: Readonly<Record<string, string>>): Caller {
    const token = tokenIn(headers);
    if (!this.#caller) this.#caller = this.#admit(token);
    else if (token !== undefined && token !== this.#token) this.#check(token, this.#caller);
    this.#token = token ?? this.#token;
    this.#caller = this.#authenticator.current(this.#caller);
    return this.#caller;
  }

  #admit(token: string | undefined): Caller {
    const caller = this.#lookUp(token);
    this.#connection.authenticated(caller);
    return caller;
  }

  #check(token: string, known: Caller): void {
    if (!this.#authenticator.required) return;
    if (this.#lookUp(token).name !== known.name) throw new GatewayError("forbidden", "this socket is another key's");
  }

  #lookUp(token: string | undefined): Caller {
    const caller = this.#authenticator.authenticate(token, this.#connection.remoteAddress);
    if (!caller) throw new GatewayError("unauthorized");
    return caller;
  }
}

/** By lower-case name, as the transport sends them: `Authorization: Bearer`, or `x-api-key`. */
const tokenIn = (headers: Readonly<Record<string, string>>): string | undefined =>
  bearerToken(headers.authorization) ?? (headers["x-api-key"] || undefined);
