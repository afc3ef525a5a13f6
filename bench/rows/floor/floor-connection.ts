import { createHash } from "node:crypto";
import type { Socket } from "node:net";
import { ClientFrames } from "./client-frames.ts";
import { callUpstream } from "./floor-upstream.ts";

const HANDSHAKE_GUID = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
/** Bytes that may wait for a client before its upstreams are paused. */
const GATE_BYTES = 64 * 1024;

const touched = new Set<FloorConnection>();

/** One write for each socket and loop turn: what collects during a turn leaves at its end. */
function flushAll(): void {
  for (const connection of touched) connection.flush();
  touched.clear();
}

/**
 * The whole job by hand and nothing beside it: no limits, no resume, no acknowledgements, no error but a closed socket.
 * What Sluice costs above this is what its promises cost.
 */
export class FloorConnection {
  readonly #socket: Socket;
  readonly #upstreamPort: number;
  readonly #calls = new Map<string, Socket>();
  readonly #frames = new ClientFrames((text) => this.#message(text));
  #head: string | undefined = "";
  #out = "";

  constructor(socket: Socket, upstreamPort: number) {
    this.#socket = socket;
    this.#upstreamPort = upstreamPort;
    socket.on("data", (chunk) => this.#read(chunk));
    socket.on("drain", () => this.#resume());
    socket.on("error", () => undefined);
    socket.on("close", () => {
      for (const call of this.#calls.values()) call.destroy();
    });
  }

  flush(): void {
    const flushed = this.#socket.write(this.#out, "latin1");
    this.#out = "";
    if (!flushed && this.#socket.writableLength > GATE_BYTES) for (const call of this.#calls.values()) call.pause();
  }

  #resume(): void {
    for (const call of this.#calls.values()) call.resume();
  }

  #read(chunk: Buffer): void {
    if (this.#head === undefined) this.#frames.read(chunk);
    else this.#shakeHands(chunk);
  }

  #shakeHands(chunk: Buffer): void {
    const head = `${this.#head}${chunk.toString("latin1")}`;
    this.#head = head;
    const end = head.indexOf("\r\n\r\n");
    if (end < 0) return;
    const key = /^sec-websocket-key: *(\S+)/im.exec(head)?.[1] ?? "";
    const accept = createHash("sha1").update(`${key}${HANDSHAKE_GUID}`).digest("base64");
    this.#socket.write(
      `HTTP/1.1 101 Switching Protocols\r\nconnection: Upgrade\r\nupgrade: websocket\r\n` +
        `sec-websocket-accept: ${accept}\r\nsec-websocket-protocol: sluice.v1\r\n\r\n`,
    );
    const rest = Buffer.from(head.slice(end + 4), "latin1");
    this.#head = undefined;
    this.#frames.read(rest);
  }

  #message(text: string): void {
    const frame = JSON.parse(text) as { type: string; id: string; body: object };
    if (frame.type === "cancel") {
      this.#calls.get(frame.id)?.destroy();
      this.#calls.delete(frame.id);
    } else if (frame.type === "open") this.#open(frame.id, JSON.stringify({ ...frame.body, stream: true }));
  }

  #open(id: string, body: string): void {
    const prefix = `{"type":"event","id":"${id}","seq":`;
    let seq = 0;
    const data = (text: string) => {
      seq++;
      const payload = text === "[DONE]" ? '"[DONE]","raw":true' : text;
      this.#send(`${prefix}${seq},"data":${payload}}`);
    };
    const call = callUpstream(this.#upstreamPort, body, data, () => {
      this.#calls.delete(id);
      this.#send(`{"type":"end","id":"${id}","lastSeq":${seq},"status":"completed"}`);
    });
    this.#calls.set(id, call);
  }

  #send(frame: string): void {
    if (touched.size === 0) setImmediate(flushAll);
    touched.add(this);
    this.#out += frameHead(frame.length) + frame;
  }
}

function frameHead(length: number): string {
  if (length < 126) return String.fromCharCode(0x81, length);
  if (length < 65_536) return String.fromCharCode(0x81, 126, length >> 8, length & 255);
  const head = Buffer.alloc(10);
  head[0] = 0x81;
  head[1] = 127;
  head.writeBigUInt64BE(BigInt(length), 2);
  return head.toString("latin1");
}
