import type { RequestListener, ServerOptions } from "node:http";
import type { AddressInfo, Server, Socket } from "node:net";

/**
 * Node's defaults (60 s for headers, 300 s for a request, checked every 30 s) favour deliberately slow clients. Bodies are
 * limited by their progress instead (`SlowRequests`): a limit on the whole request would refuse large ones on slow lines.
 */
export const SLOW_REQUEST_LIMITS: ServerOptions = {
  headersTimeout: 10_000,
  requestTimeout: 0,
  connectionsCheckingInterval: 5_000,
  // Load balancers keep idle connections for 60 s; a request that meets a closing one becomes their 502.
  keepAliveTimeout: 75_000,
  maxHeaderSize: 16_384,
};

/** Passed as `maxHeadersCount`: `checkHead` counts header fields itself. `maxHeaderSize` bounds their bytes. */
export const ALL_FIELDS = 0;

const REQUESTS_PER_SOCKET = 100;

/**
 * Closes a socket with the response to its hundredth request. (Node's `maxRequestsPerSocket` keeps it open and answers 503.)
 * Requests pipelined behind the last one are discarded (RFC 9112, 9.6).
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
