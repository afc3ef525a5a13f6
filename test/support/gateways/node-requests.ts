/** Requests and responses of node:http, and their sockets, without a connection. */
import { IncomingMessage, ServerResponse } from "node:http";
import { Socket } from "node:net";

/** A socket that is not connected. Destroying it closes it in the same call. */
export class LooseSocket extends Socket {
  readonly #remoteAddress: string;
  #isDestroyed = false;
  #bytesRead = 0;

  constructor(remoteAddress = "127.0.0.1") {
    super();
    this.#remoteAddress = remoteAddress;
    // What node's own constructor defines on the instance hides what a class overrides.
    Object.defineProperties(this, {
      remoteAddress: { get: () => this.#remoteAddress },
      destroyed: { get: () => this.#isDestroyed },
      bytesRead: { get: () => this.#bytesRead },
    });
  }

  /** Bytes of the client arrive. */
  receive(bytes: number): void {
    this.#bytesRead += bytes;
  }

  override destroy(): this {
    this.#isDestroyed = true;
    this.emit("close");
    return this;
  }
}

/** A request whose head has arrived. */
export function requestOf(
  headers: Readonly<Record<string, string | undefined>>,
  socket: Socket = new LooseSocket(),
): IncomingMessage {
  const request = new IncomingMessage(socket);
  request.method = "GET";
  Object.assign(request.headers, headers);
  return request;
}

/** The response to it, of which nothing is sent. `headersSent` is as the caller says. */
export function responseTo(request: IncomingMessage, headersSent: () => boolean): ServerResponse {
  return Object.defineProperty(new ServerResponse(request), "headersSent", { get: headersSent });
}
