import { connect as connectTcp, type Socket } from "node:net";
import { connect as connectTls } from "node:tls";

/** Receives each read's bytes, in a buffer that the next read of any socket reuses. */
export interface ByteListener {
  read(buffer: Buffer, length: number): void;
  closed(reason: string): void;
}

const READ_BYTES = 256 * 1024;
const sharedBuffer = Buffer.allocUnsafe(READ_BYTES);

/** Opens a socket to a URL's host. Plain sockets read into one shared buffer, so a read allocates nothing. */
export function connect(url: URL, listener: ByteListener): Promise<Socket> {
  const secure = url.protocol === "wss:" || url.protocol === "https:";
  const host = url.hostname.replace(/^\[|\]$/g, "");
  const port = Number(url.port) || (secure ? 443 : 80);
  return new Promise((resolve, reject) => {
    const onread = {
      buffer: sharedBuffer,
      callback: (length: number, buffer: Uint8Array) => {
        listener.read(buffer as Buffer, length);
        return true;
      },
    };
    const socket = secure
      ? connectTls({ host, port, servername: host })
      : connectTcp({ host, port, noDelay: true, onread });
    if (secure) socket.on("data", (chunk) => listener.read(chunk, chunk.length));
    let reason = "the connection was closed";
    socket.once(secure ? "secureConnect" : "connect", () => resolve(socket));
    socket.on("error", (error: NodeJS.ErrnoException) => {
      reason = `the connection failed: ${error.code ?? error.message}`;
    });
    socket.on("close", () => {
      reject(new Error(reason));
      listener.closed(reason);
    });
  });
}
