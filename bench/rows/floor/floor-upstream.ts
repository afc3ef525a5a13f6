import { connect, type Socket } from "node:net";
import { type DataListener, EventScanner } from "./event-scanner.ts";

/** A kept-alive connection and what reads its answer now. */
interface Line {
  readonly socket: Socket;
  scanner: EventScanner | undefined;
}

const idle: Line[] = [];

/** Makes one call, over a connection that an earlier one left when there is one. Destroying the socket cancels it. */
export function callUpstream(port: number, body: string, data: DataListener, ended: () => void): Socket {
  const line = idle.pop() ?? connectTo(port);
  line.scanner = new EventScanner(data, () => {
    idle.push(line);
    ended();
  });
  line.socket.write(
    `POST /v1/chat/completions HTTP/1.1\r\nhost: 127.0.0.1:${port}\r\ncontent-type: application/json\r\n` +
      `content-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
  );
  return line.socket;
}

function connectTo(port: number): Line {
  const line: Line = { socket: connect({ port, host: "127.0.0.1", noDelay: true }), scanner: undefined };
  line.socket.on("data", (chunk) => line.scanner?.read(chunk));
  // A failed call ends with its socket; nobody waits for it.
  line.socket.on("error", () => undefined);
  line.socket.on("close", () => {
    const at = idle.indexOf(line);
    if (at >= 0) idle.splice(at, 1);
  });
  return line;
}
