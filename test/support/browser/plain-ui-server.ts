import { existsSync, readFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { extname, join } from "node:path";

const TYPES: Readonly<Record<string, string>> = {
  ".js": "text/javascript",
  ".css": "text/css",
  ".svg": "image/svg+xml",
};

/** A web server that serves a Control UI at its root, without the gateway. */
export async function startPlainUiServer(directory: string): Promise<{ readonly url: string } & AsyncDisposable> {
  const html = readFileSync(join(directory, "index.html"), "utf8").replaceAll('="./', '="/');
  const server = createServer((request, response) => {
    const path = (request.url ?? "/").split("?", 1)[0] ?? "/";
    const type = TYPES[extname(path)];
    response.setHeader("content-type", type ?? (extname(path) === "" ? "text/html" : "application/octet-stream"));
    if (extname(path) === "") response.end(html);
    else if (existsSync(join(directory, path))) response.end(readFileSync(join(directory, path)));
    else response.writeHead(404).end();
  });
  await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    [Symbol.asyncDispose]: () =>
      new Promise((closed) => {
        server.close(() => closed());
        server.closeAllConnections();
      }),
  };
}
