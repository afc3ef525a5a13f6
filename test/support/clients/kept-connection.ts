import { Agent, request as httpRequest, type IncomingHttpHeaders } from "node:http";
import { text } from "node:stream/consumers";

export interface KeptResponse {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
  /** The request went out on the connection of the one before. */
  readonly reused: boolean;
}

/** An HTTP client with one connection, kept as long as the server keeps it. */
export class KeptConnection implements Disposable {
  readonly #agent = new Agent({ keepAlive: true, maxSockets: 1 });
  readonly #url: string;

  constructor(url: string) {
    this.#url = url;
  }

  async request(method: string, path: string, body?: unknown): Promise<KeptResponse> {
    const { promise, resolve, reject } = Promise.withResolvers<KeptResponse>();
    const headers = body === undefined ? {} : { "content-type": "application/json" };
    const request = httpRequest(`${this.#url}${path}`, { method, headers, agent: this.#agent }, (response) => {
      const { statusCode = 0 } = response;
      void text(response).then((read) => {
        resolve({ status: statusCode, headers: response.headers, body: read, reused: request.reusedSocket });
      }, reject);
    });
    request.once("error", reject).end(body === undefined ? undefined : JSON.stringify(body));
    return promise;
  }

  [Symbol.dispose](): void {
    this.#agent.destroy();
  }
}
