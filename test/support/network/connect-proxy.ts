import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";
import { createServer as createSecureServer, type TlsOptions } from "node:tls";

/** One request for a tunnel, as the proxy reads it. */
export interface AskedTunnel {
  /** The first line: `CONNECT host:port HTTP/1.1`. */
  readonly line: string;
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string>>;
  readonly socket: Socket;
  /** Connects the host that was asked for, says so, and passes bytes on both ways. */
  open(): Promise<Socket>;
}

/** How a proxy answers; by default it opens every tunnel. */
export type TunnelScript = (asked: AskedTunnel) => unknown;

const openIt: TunnelScript = (asked) => asked.open();

/** An HTTP proxy (CONNECT) on loopback that a test scripts; over TLS with a certificate. */
export async function startConnectProxy(script: TunnelScript = openIt, tls?: TlsOptions) {
  const sockets = new Set<Socket>();
  const asked: AskedTunnel[] = [];
  const keep = (socket: Socket): Socket => {
    sockets.add(socket);
    return socket
      .on("error", () => {})
      .on("close", () => sockets.delete(socket))
      .setNoDelay(true);
  };
  const accept = (socket: Socket) => {
    keep(socket);
    let unread = "";
    const read = (bytes: Buffer) => {
      unread += bytes.toString("latin1");
      const end = unread.indexOf("\r\n\r\n");
      if (end < 0) return;
      socket.off("data", read).pause();
      const [line = "", ...fields] = unread.slice(0, end).split("\r\n");
      const headers = Object.fromEntries(fields.map((field) => /^([^:]+): *(.*)$/.exec(field)?.slice(1) ?? []));
      const tunnel: AskedTunnel = { line, headers, socket, open: () => open(line, socket) };
      asked.push(tunnel);
      script(tunnel);
    };
    socket.on("data", read);
  };
  const open = async (line: string, socket: Socket): Promise<Socket> => {
    const [, host = "", port = ""] = /^CONNECT (\S+):(\d+) /.exec(line) ?? [];
    const onward = keep(connect(Number(port), host.replace(/^\[(.*)\]$/, "$1")));
    try {
      await once(onward, "connect");
    } catch {
      socket.end("HTTP/1.1 502 No way there\r\ncontent-length: 0\r\n\r\n");
      return onward;
    }
    socket.write("HTTP/1.1 200 Connection established\r\n\r\n");
    // Each side's end and reset reach the other.
    for (const [from, to] of [
      [socket, onward],
      [onward, socket],
    ] as const) {
      from.pipe(to).on("close", () => from.destroy());
      from.on("error", () => to.resetAndDestroy());
    }
    return onward;
  };
  const server = tls ? createSecureServer(tls, accept) : createServer(accept);
  server.on("tlsClientError", () => {});
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  server.unref();
  const { port } = server.address() as AddressInfo;
  return {
    port,
    url: `http${tls ? "s" : ""}://localhost:${port}`,
    /** Every request for a tunnel so far. */
    asked: asked as readonly AskedTunnel[],
    /** Closes every connection on both sides now. */
    cut: () => {
      for (const socket of sockets) socket.destroy();
    },
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      await new Promise((closed) => server.close(closed));
    },
  };
}
