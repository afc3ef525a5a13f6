import type { Duplex } from "node:stream";

/** Gives a socket's bytes to `read` instead of `ws`. Returns the function that passes bytes on to `ws`. */
export function readInPlaceOf(socket: Duplex, read: (chunk: Buffer) => void): (bytes: Buffer) => void {
  const [wsRead] = socket.listeners("data");
  if (!wsRead) throw new Error("ws does not read its socket");
  socket.on("data", read);
  socket.off("data", wsRead as (chunk: Buffer) => void);
  return (bytes) => wsRead.call(socket, bytes);
}
