import type { Server, ServerOptions } from "node:http";
import type { AddressInfo } from "node:net";

/** Node's own limits (60 s, 300 s, looked at every 30 s) leave room for clients that are slow on purpose. */
export const SLOW_REQUEST_LIMITS: ServerOptions = {
  headersTimeout: 10_000,
  requestTimeout: 15_000,
  connectionsCheckingInterval: 5_000,
  keepAliveTimeout: 5_000,
  maxHeaderSize: 16_384,
};

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
