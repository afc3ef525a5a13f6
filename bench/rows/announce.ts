import type { AddressInfo, Server } from "node:net";

/** Prints where a row's process listens; the runner waits for this line. */
export function announce(server: Server, scheme: "http" | "ws"): void {
  const { port } = server.address() as AddressInfo;
  process.stdout.write(`listens on ${scheme}://127.0.0.1:${port}\n`);
}
