import { connect as connectTcp, type Socket } from "node:net";
import { connect as connectTls } from "node:tls";

/** Told of the bytes of each read, in a buffer that the next read of any socket uses again. */
export interface ByteListener {
  read(buffer: Buffer, length: number): void;
  closed(reason: string): void;
}

const READ_BYTES = 256 * 1024;
const sharedBuffer = Buffer.allocUnsafe(READ_BYTES);

/** Opens a socket to a URL's host. Plain ones read into one shared buffer: a read then allocates nothing. */
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
