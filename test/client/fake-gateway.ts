/** A gateway of the stream face without sockets or time, which a property test moves step by step. */
import { ClientFrame } from "../../protocol/stream.ts";
import type { Clock, SocketLike } from "../../src/client/index.ts";

/** No more events are put on their way at once. */
const GATE_FRAMES = 3;

/** A clock that a test moves. */
export class ManualClock implements Clock {
  #now = 0;
  readonly #timers = new Set<{ readonly at: number; readonly run: () => void }>();

  now(): number {
    return this.#now;
  }

  random(): number {
    return 0;
  }

  after(ms: number, run: () => void): () => void {
    const timer = { at: this.#now + ms, run };
    this.#timers.add(timer);
    return () => void this.#timers.delete(timer);
  }

  get timers(): number {
    return this.#timers.size;
  }

  pass(ms: number): void {
    const until = this.#now + ms;
    for (;;) {
      const due = [...this.#timers].filter(({ at }) => at <= until).sort((a, b) => a.at - b.at)[0];
      if (!due) break;
      this.#now = Math.max(this.#now, due.at);
      this.#timers.delete(due);
      due.run();
    }
    this.#now = until;
  }
}

interface Log {
  readonly name: string;
  events: number;
  over: boolean;
  isCancelled: boolean;
  reader: Reader | undefined;
}

interface Reader {
  readonly id: string;
  readonly log: Log;
  sent: number;
  handled: number;
  endSent: boolean;
}

type Listener = Parameters<SocketLike["addEventListener"]>[1];

/** One socket: the client's side of it is a WebSocket. */
class FakeSocket implements SocketLike {
  readonly readers = new Map<string, Reader>();
  /** On their way to the client, and to the gateway. */
  readonly down: object[] = [];
  readonly up: string[] = [];
  sentMessages = 0;
  received = 0;
  isCut = false;
  readonly #listeners = new Map<string, Listener>();

  addEventListener(type: string, listener: Listener): void {
    this.#listeners.set(type, listener);
  }

  send(text: string): void {
    this.up.push(text);
  }

  /** The client closes it. */
  close(): void {
    this.isCut = true;
  }

  emit(type: string, event: Parameters<Listener>[0]): void {
    this.#listeners.get(type)?.(event);
  }
}

/** Credits, logs and resume as protocol/README.md tells them. */
export class FakeGateway {
  readonly logs: Log[] = [];
  /** What a real gateway would have refused. */
  readonly faults: string[] = [];
  sockets: FakeSocket[] = [];
  opened = 0;
  readonly #byKey = new Map<string, Log>();
  readonly #early = new Map<number, number>();
  readonly #windowEvents: number;

  constructor(windowEvents: number) {
    this.#windowEvents = windowEvents;
  }

  /** The class that the client makes its sockets with. */
  get SocketClass(): new (
    url: string,
    protocols: string[],
  ) => SocketLike {
    const made = (socket: FakeSocket) => this.#accept(socket);
    return class extends FakeSocket {
      constructor(_url: string, _protocols: string[]) {
        super();
        made(this);
      }
    };
  }

  /** The provider writes to the stream that is opened as number `at`, or will be. */
  write(at: number, events: number): void {
    const log = this.logs[at];
    if (log) log.events += events;
    else this.#early.set(at, (this.#early.get(at) ?? 0) + events);
  }

  /** All answers are complete. */
  finish(): void {
    for (const log of this.logs) log.over = true;
  }

  /** Frames arrive, at most so many at the gateway and at the client. */
  deliver(up: number, down: number): void {
    for (const socket of this.sockets) {
      for (const text of socket.up.splice(0, up)) this.#hear(socket, ClientFrame.parse(JSON.parse(text)));
      this.#fill(socket);
      for (const frame of socket.down.splice(0, down)) {
        socket.received++;
        socket.emit("message", { data: JSON.stringify(frame) });
        if (socket.isCut) break;
      }
    }
    this.sockets = this.sockets.filter((socket) => !socket.isCut || this.#forget(socket));
  }

  /** All sockets die, with everything on its way. */
  cut(): void {
    for (const socket of this.sockets.splice(0)) {
      this.#forget(socket);
      socket.emit("close", { code: 1006, reason: "" });
    }
  }

  #accept(socket: FakeSocket): void {
    this.sockets.push(socket);
    const limits = { streams: 32, frameBytes: 10_000, windowBytes: 9, windowEvents: 9, inFlightBytes: 9 };
    this.#send(socket, { type: "hello", protocol: "sluice.v1", connection: "c", limits });
  }

  #forget(socket: FakeSocket): false {
    for (const reader of socket.readers.values()) if (reader.log.reader === reader) reader.log.reader = undefined;
    return false;
  }

  #send(socket: FakeSocket, frame: object): void {
    socket.sentMessages++;
    socket.down.push(frame);
  }

  #hear(socket: FakeSocket, frame: ClientFrame): void {
    if (frame.type === "ack") this.#acknowledge(socket, frame);
    else if (frame.type === "cancel") {
      const log = socket.readers.get(frame.id ?? "")?.log;
      if (log) log.isCancelled = log.over = true;
    } else if (frame.type === "resume") {
      const log = this.logs.find(({ name }) => name === frame.stream);
      if (!log || frame.after > log.events) this.faults.push(`resumes ${frame.stream} after ${frame.after}`);
      else {
        this.#send(socket, { type: "resumed", id: frame.id, stream: log.name, epoch: 1, after: frame.after });
        this.#read(socket, frame.id, log, frame.after);
      }
    } else {
      this.opened++;
      const key = frame.idempotencyKey ?? `none-${this.opened}`;
      const known = this.#byKey.get(key);
      const log = known ?? {
        name: `s_${this.logs.length}`,
        events: this.#early.get(this.logs.length) ?? 0,
        over: false,
        isCancelled: false,
        reader: undefined,
      };
      if (!known) this.logs.push(log);
      this.#byKey.set(key, log);
      this.#send(socket, { type: "opened", id: frame.id, stream: log.name, epoch: 1, route: "r" });
      this.#read(socket, frame.id, log, 0);
    }
  }

  #read(socket: FakeSocket, id: string, log: Log, after: number): void {
    const reader = { id, log, sent: after, handled: after, endSent: false };
    log.reader = reader;
    socket.readers.set(id, reader);
  }

  #acknowledge(socket: FakeSocket, { received = 0, streams = {} }: Extract<ClientFrame, { type: "ack" }>): void {
    if (received > socket.sentMessages) this.faults.push(`received ${received} of ${socket.sentMessages}`);
    for (const [id, seq] of Object.entries(streams)) {
      const reader = socket.readers.get(id);
      if (!reader) this.faults.push(`acknowledges ${id}`);
      else if (seq > reader.sent) this.faults.push(`acknowledges ${seq} of ${reader.sent}`);
      else reader.handled = Math.max(reader.handled, seq);
    }
  }

  #fill(socket: FakeSocket): void {
    for (const reader of socket.readers.values()) {
      const { id, log } = reader;
      while (
        reader.sent < log.events &&
        reader.sent - reader.handled < this.#windowEvents &&
        socket.down.length < GATE_FRAMES
      ) {
        this.#send(socket, { type: "event", id, seq: ++reader.sent, data: { seq: reader.sent } });
      }
      if (!log.over || reader.endSent || reader.sent < log.events) continue;
      reader.endSent = true;
      const status = log.isCancelled ? "cancelled" : "completed";
      const usage = { source: "unknown" };
      this.#send(socket, { type: "end", id, lastSeq: log.events, status, usage, timing: { totalMs: 1 } });
    }
  }
}
