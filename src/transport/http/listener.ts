import type { RequestListener, Server, ServerOptions } from "node:http";
import type { AddressInfo, Socket } from "node:net";

/**
 * Node's own limits (60 s, 300 s, looked at every 30 s) leave room for clients that are slow on purpose. Bodies are judged
 * by their progress instead (`SlowRequests`): a time for the whole request would refuse large ones on slow lines.
 */
export const SLOW_REQUEST_LIMITS: ServerOptions = {
  headersTimeout: 10_000,
  requestTimeout: 0,
  connectionsCheckingInterval: 5_000,
  // Load balancers keep their connections for 60 s, and a request that meets a closing one is a 502 of theirs.
  keepAliveTimeout: 75_000,
  maxHeaderSize: 16_384,
};

/** As `maxHeadersCount`: `checkHead` counts them itself, and sees every one. Their bytes are bounded above. */
export const ALL_FIELDS = 0;

const REQUESTS_PER_SOCKET = 100;

/**
 * Closes a socket with the answer to its hundredth request. Node's own `maxRequestsPerSocket` says so too, but leaves it
 * open and answers 503 from then on. What was sent behind the last request is nobody's (RFC 9112, 9.6).
 */
export function limitRequests(serve: RequestListener): RequestListener {
  const counts = new WeakMap<Socket, number>();
  return (request, response) => {
    const count = (counts.get(request.socket) ?? 0) + 1;
    counts.set(request.socket, count);
    if (count > REQUESTS_PER_SOCKET) return;
    if (count === REQUESTS_PER_SOCKET) response.shouldKeepAlive = false;
    serve(request, response);
  };
}

/** Resolves when the server listens. Rejects when the address cannot be bound. */
export function listen(server: Server, { host, port }: { readonly host: string; readonly port: number }) {
  return new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, host, () => {
      server.off("error", reject);
      resolve();
    });
  });
}

/** `http://host:port` as it is bound. */
export function urlOf(server: Server): string {
  const { address, port, family } = server.address() as AddressInfo;
  return `http://${family === "IPv6" ? `[${address}]` : address}:${port}`;
}
