import { createHash } from "node:crypto";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

/** A request as the provider got it; of its body only the size and a hash, since uploads are large. */
export interface ProviderRequest {
  readonly method: string;
  readonly url: string;
  readonly headers: IncomingMessage["headers"];
  readonly bytes: number;
  readonly sha256: string;
  /** Bodies of up to 64 KiB. */
  readonly text: string;
}

/** Answers a request, whose body is read first. */
export type ProviderAnswer = (request: ProviderRequest, response: ServerResponse) => void;

export interface Provider extends AsyncDisposable {
  readonly url: string;
  readonly requests: readonly ProviderRequest[];
  /** Open connections. */
  readonly connections: number;
}

/** A provider behind Node's own HTTP server, which takes uploads of any framing. */
export async function startProvider(answer: ProviderAnswer): Promise<Provider> {
  const requests: ProviderRequest[] = [];
  const sockets = new Set<unknown>();
  const server = createServer((request, response) => void serve(request, response));
  server.on("connection", (socket) => {
    sockets.add(socket);
    socket.on("close", () => sockets.delete(socket));
  });
  async function serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const hash = createHash("sha256");
    let [bytes, text] = [0, ""];
    try {
      for await (const part of request) {
        hash.update(part);
        bytes += part.length;
        if (bytes <= 65_536) text += part.toString("latin1");
      }
    } catch {
      // The gateway closed it midway.
      return;
    }
    const { method = "", url = "", headers } = request;
    const seen = { method, url, headers, bytes, sha256: hash.digest("hex"), text };
    requests.push(seen);
    answer(seen, response);
  }
  await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    requests,
    get connections() {
      return sockets.size;
    },
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((closed) => server.close(closed));
    },
  };
}

/** Answers with JSON. */
export function answerJson(response: ServerResponse, value: unknown, status = 200): void {
  response
    .writeHead(status, { "content-type": "application/json", "x-request-id": "req_1" })
    .end(JSON.stringify(value));
}
