import type { Duplex } from "node:stream";

/** Lets `read` have a socket's bytes in the place of `ws`; returns how `ws` is given what it should have of them. */
export function readInPlaceOf(socket: Duplex, read: (chunk: Buffer) => void): (bytes: Buffer) => void {
  const [wsRead] = socket.listeners("data");
  if (!wsRead) throw new Error("ws does not read its socket");
  socket.on("data", read);
  socket.off("data", wsRead as (chunk: Buffer) => void);
  return (bytes) => wsRead.call(socket, bytes);
}
