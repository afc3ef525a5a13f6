import { type AddressInfo, createServer, type Socket } from "node:net";

/** How the gateway closed a connection, seen from the upstream. */
export interface Closing {
  /** `performance.now()` of the socket's close. */
  readonly at: number;
  readonly hadError: boolean;
}

/** Answers a request; an error it throws fails the test when the upstream is disposed. */
export type Script = (exchange: ScriptedExchange) => void | Promise<void>;

export interface ScriptedUpstream extends AsyncDisposable {
  /** `http://127.0.0.1:<port>` */
  readonly url: string;
  /** Connections accepted so far. */
  readonly connections: number;
  /** Requests read so far. */
  readonly requests: number;
  /** The next unclaimed request; waits for one. */
  request(): Promise<ScriptedExchange>;
  /** Answers every request from now on with this script instead of queueing it. */
  respondWith(script: Script): void;
  close(): Promise<void>;
}

type Bytes = string | Uint8Array;

/** A request as it came, answered with any bytes. */
export class ScriptedExchange {
  readonly method: string;
  readonly path: string;
  /** Names in lower case; a repeated header's values are joined by ", ". */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
  /** The number of its connection, from 1. */
  readonly connection: number;
  /** Either side has closed the socket. */
  readonly closed: Promise<Closing>;
  readonly #socket: Socket;

  constructor(socket: Socket, connection: number, head: string, body: string, closed: Promise<Closing>) {
    const [request = "", ...lines] = head.split("\r\n");
    const [method = "", path = ""] = request.split(" ");
    const headers: Record<string, string> = {};
    for (const line of lines) {
      const colon = line.indexOf(":");
      const name = line.slice(0, colon).toLowerCase();
      const value = line.slice(colon + 1).trim();
      headers[name] = headers[name] === undefined ? value : `${headers[name]}, ${value}`;
    }
    this.method = method;
    this.path = path;
    this.headers = headers;
    this.body = body;
    this.connection = connection;
    this.closed = closed;
    this.#socket = socket;
  }

  get isClosed(): boolean {
    return this.#socket.destroyed;
  }

  /** Bytes written that have not left the process because the gateway does not read. */
  get unsentBytes(): number {
    return this.#socket.writableLength;
  }

  /** Writes any bytes unchanged. */
  write(bytes: Bytes): this {
    this.#socket.write(bytes);
    return this;
  }

  /** The bytes split at these positions, each piece in its own write and loop turn. */
  async writePieces(bytes: Bytes, positions: readonly number[]): Promise<void> {
    const whole = Buffer.from(bytes);
    let from = 0;
    for (const to of [...positions, whole.length]) {
      await new Promise((written) => this.#socket.write(whole.subarray(from, to), written));
      await new Promise((turn) => setImmediate(turn));
      from = to;
    }
  }

  /** Status line and headers. */
  head(status: number, headers: Readonly<Record<string, string>> = {}): this {
    const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
    return this.write(`HTTP/1.1 ${status} Scripted\r\n${lines.join("")}\r\n`);
  }

  /** The head of a chunked event stream. */
  sse(headers: Readonly<Record<string, string>> = {}): this {
    return this.head(200, { "content-type": "text/event-stream", "transfer-encoding": "chunked", ...headers });
  }

  /** One chunk of a chunked body. */
  chunk(bytes: Bytes): this {
    const length = Buffer.byteLength(bytes);
    return this.write(
      Buffer.concat([Buffer.from(`${length.toString(16)}\r\n`), Buffer.from(bytes), Buffer.from("\r\n")]),
    );
  }

  /** One event as a chunk: text as it is, anything else as JSON. */
  event(data: unknown, name?: string): this {
    const text = typeof data === "string" ? data : JSON.stringify(data);
    const lines = text.split("\n").map((line) => `data: ${line}\n`);
    return this.chunk(`${name === undefined ? "" : `event: ${name}\n`}${lines.join("")}\n`);
  }

  /** Ends a chunked body; the connection stays usable. */
  end(): this {
    return this.write("0\r\n\r\n");
  }

  /** Ends a Chat Completions stream as providers do: the finish reason, `[DONE]`, and the body's end. */
  finishChat(): this {
    return this.event({ choices: [{ index: 0, delta: {}, finish_reason: "stop" }] })
      .event("[DONE]")
      .end();
  }

  /** A complete JSON response. */
  json(status: number, value: unknown, headers: Readonly<Record<string, string>> = {}): this {
    const body = JSON.stringify(value);
    const length = String(Buffer.byteLength(body));
    return this.head(status, { "content-type": "application/json", "content-length": length, ...headers }).write(body);
  }

  /** Sends FIN after everything written. */
  finish(): void {
    this.#socket.end();
  }

  /** Sends RST now. */
  reset(): void {
    this.#socket.resetAndDestroy();
  }
}

/** An HTTP upstream on a raw socket (port 0) that a test controls byte for byte. */
export async function startScriptedUpstream(): Promise<ScriptedUpstream> {
  const sockets = new Set<Socket>();
  const queue: ScriptedExchange[] = [];
  const waiting: ((exchange: ScriptedExchange) => void)[] = [];
  const failures: unknown[] = [];
  let script: Script | undefined;
  let connections = 0;
  let requests = 0;

  async function run(answer: Script, exchange: ScriptedExchange): Promise<void> {
    try {
      await answer(exchange);
    } catch (failure) {
      failures.push(failure);
    }
  }

  function take(exchange: ScriptedExchange): void {
    requests++;
    if (script) void run(script, exchange);
    else {
      const waiter = waiting.shift();
      if (waiter) waiter(exchange);
      else queue.push(exchange);
    }
  }

  const server = createServer({ noDelay: true }, (socket) => {
    const connection = ++connections;
    sockets.add(socket);
    const closed = new Promise<Closing>((resolve) => {
      socket.on("close", (hadError) => {
        sockets.delete(socket);
        resolve({ at: performance.now(), hadError });
      });
    });
    // A reset is expected; `closed` reports it.
    socket.on("error", () => {});
    let unread = "";
    socket.on("data", (bytes) => {
      unread += bytes.toString("latin1");
      for (;;) {
        const end = unread.indexOf("\r\n\r\n");
        if (end === -1) return;
        const head = unread.slice(0, end);
        const length = Number(/^content-length: *(\d+)/im.exec(head)?.[1] ?? 0);
        const next = end + 4 + length;
        if (unread.length < next) return;
        const body = Buffer.from(unread.slice(end + 4, next), "latin1").toString("utf8");
        unread = unread.slice(next);
        take(new ScriptedExchange(socket, connection, head, body, closed));
      }
    });
  });

  await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening));
  const { port } = server.address() as AddressInfo;

  async function close(): Promise<void> {
    for (const socket of sockets) socket.destroy();
    if (server.listening) await new Promise((closed) => server.close(closed));
    if (failures.length > 0) throw new AggregateError(failures, "a script of the upstream failed");
  }

  return {
    url: `http://127.0.0.1:${port}`,
    get connections() {
      return connections;
    },
    get requests() {
      return requests;
    },
    request() {
      const next = queue.shift();
      return next ? Promise.resolve(next) : new Promise((resolve) => waiting.push(resolve));
    },
    respondWith(answer) {
      script = answer;
      for (const exchange of queue.splice(0)) void run(answer, exchange);
    },
    close,
    [Symbol.asyncDispose]: close,
  };
}
