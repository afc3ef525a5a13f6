import { type AddressInfo, createServer } from "node:net";

/**
 * A port that was free a moment ago, for programs that cannot listen on port 0 and report the port. If another process takes
 * it meanwhile, the row fails to start and is started again.
 */
export function freePort(): Promise<number> {
  const server = createServer();
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen(0, "127.0.0.1", () => {
      const { port } = server.address() as AddressInfo;
      server.close(() => resolve(port));
    });
  });
}
