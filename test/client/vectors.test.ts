/** The conversations of protocol/vectors, with the client on its side of each. */
import { readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { expect, test } from "@jest/globals";
import { ClientFrame } from "../../protocol/stream.ts";
import { connect, type SluiceError, type SluiceStream, type SocketLike } from "../../src/client/index.ts";
import { ManualClock } from "./fake-gateway.ts";

const folder = fileURLToPath(new URL("../../protocol/vectors/", import.meta.url));
const vectors = readdirSync(folder);
const turn = () => new Promise((resolve) => setImmediate(resolve));

type Frame = Readonly<Record<string, unknown>>;

interface Step {
  readonly socket?: number;
  readonly send?: Frame | string;
  readonly expect?: Frame;
  readonly cut?: number;
  readonly closed?: number;
}

/** Values for what a vector leaves open. */
const ANY: Frame = {
  connection: "c_1",
  limits: { streams: 32, frameBytes: 100_000, windowBytes: 1, windowEvents: 1, inFlightBytes: 1 },
  usage: { source: "unknown" },
  timing: { totalMs: 1 },
};
const STREAM = "s_1";

function filled(frame: Frame): Frame {
  const text = JSON.stringify(frame).replace(/"\$stream"|(?<="stream":)"\*"/g, JSON.stringify(STREAM));
  return JSON.parse(text, (key, value) => (value === "*" ? (ANY[key] ?? 1) : value));
}

class ScriptedSocket implements SocketLike {
  readonly sent: ClientFrame[] = [];
  readonly #listeners = new Map<string, Parameters<SocketLike["addEventListener"]>[1]>();

  addEventListener(type: string, listener: Parameters<SocketLike["addEventListener"]>[1]): void {
    this.#listeners.set(type, listener);
  }

  send(text: string): void {
    this.sent.push(ClientFrame.parse(JSON.parse(text)));
  }

  close(): void {}

  emit(type: string, event: { readonly data?: string; readonly code?: number }): void {
    this.#listeners.get(type)?.(event);
  }
}

/** What the loop of a stream gets. */
class Reader {
  readonly stream: SluiceStream;
  readonly id: string;
  readonly events: object[] = [];
  outcome = "";

  constructor(stream: SluiceStream) {
    this.stream = stream;
    this.id = stream.id;
    void this.#read().then(
      () => (this.outcome = "over"),
      (error: SluiceError) => (this.outcome = error.code),
    );
  }

  async #read(): Promise<void> {
    for await (const { text: _, ...event } of this.stream) this.events.push(event);
  }
}

/** The events and the outcome that a vector shows of a stream, under all ids that it has there. */
function shown(frames: readonly Frame[], isCancelled: boolean) {
  const events = new Map<unknown, object>();
  let outcome = "";
  let dialect: unknown;
  for (const frame of frames) {
    dialect = frame.dialect ?? dialect;
    const list = frame.type === "events" ? (frame.events as Frame[]) : frame.type === "event" ? [frame] : [];
    for (const { seq, event, data, raw } of list)
      events.set(seq, { seq, name: event, data, raw: raw === true, dialect });
    const { code } = (frame.error ?? {}) as { readonly code?: string };
    if (frame.type === "error" || frame.type === "end") outcome = isCancelled ? "over" : (code ?? "over");
    if (frame.type === "detached") outcome = String(frame.code);
  }
  return { events: [...events.values()], outcome };
}

test.each(vectors)("%s: the loops get what it shows, and the client says what it does", async (name) => {
  const steps: Step[] = readFileSync(folder + name, "utf8")
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line));
  const sockets: ScriptedSocket[] = [];
  const clock = new ManualClock();
  const hello = steps.find(({ expect: frame }) => frame?.type === "hello")?.expect ?? {};
  class Socket extends ScriptedSocket {
    constructor() {
      super();
      sockets.push(this);
      // The client connects when it has something to ask, which may be later than in the vector.
      queueMicrotask(() => this.emit("message", { data: JSON.stringify(filled(hello)) }));
    }
  }
  const sluice = connect({ url: "ws://gateway.test", ticket: () => "t", WebSocket: Socket, clock });
  /** By the ids of the vector. */
  const readers = new Map<string, Reader>();
  const heard = new Map<Reader, Frame[]>();
  const cancelled = new Set<Reader>();
  let cuts = 0;
  /** Where the vector sends an open again, the answer to the first was lost with its socket. */
  const isLost = steps.some(({ socket, send }) => socket === 2 && (send as Frame)?.type === "open");
  let checked = 0;

  for (const { socket = 1, send, expect: expected, cut, closed } of steps) {
    // Without a cut, the second socket is another client's.
    if (socket > cuts + 1) continue;
    const frame = typeof send === "object" ? ClientFrame.safeParse(filled(send)).data : undefined;
    if (frame?.type === "open" && (readers.get(frame.id)?.outcome ?? "none") !== "") {
      const again = [...readers.values()].find(({ id }) =>
        sockets[socket - 1]?.sent.some((sent) => "id" in sent && sent.id === id),
      );
      if (again && socket > 1 && frame.id === "b") readers.set(frame.id, again);
      else {
        const { type: _, id: __, flow: ___, dialect: ____, ...request } = frame;
        const reader = new Reader(sluice.open(request as Parameters<typeof sluice.open>[0]));
        readers.set(frame.id, reader);
        heard.set(reader, []);
      }
      await turn();
    } else if (frame?.type === "cancel" && frame.id && readers.has(frame.id)) {
      const reader = readers.get(frame.id);
      if (reader?.outcome === "") cancelled.add(reader);
      reader?.stream.cancel();
    } else if (frame?.type === "resume") {
      const { stream, epoch, after } = frame;
      const [lost] = readers.values();
      // After a cut the client resumes by itself; everything else is what an application restores.
      const reader =
        cuts > 0 && lost?.outcome === ""
          ? lost
          : new Reader(sluice.restore({ id: `restored-${heard.size}`, stream, epoch, after }));
      readers.set(frame.id, reader);
      if (reader !== lost) heard.set(reader, []);
      await turn();
    }
    if (frame && frame.type !== "ack" && "id" in frame && frame.id) {
      const id = readers.get(frame.id)?.id;
      const sent = sockets[socket - 1]?.sent.filter(
        (said) => said.type === frame.type && "id" in said && said.id === id,
      );
      if (sent?.length) {
        const { flow: _, ...fields } = { flow: undefined, ...frame };
        expect(sent.at(-1)).toMatchObject({ ...fields, id });
        checked++;
      }
    }
    if (expected) {
      const reader = readers.get(String(expected.id));
      const full = filled(expected);
      if (reader && !(isLost && socket === 1)) {
        // A refusal of what this client does not send.
        if (expected.type === "error" && reader.stream.state === "reading") continue;
        heard.get(reader)?.push(full);
        sockets[socket - 1]?.emit("message", { data: JSON.stringify({ ...full, id: reader.id }) });
      }
      await turn();
    }
    if (cut ?? closed) {
      if (cut) cuts++;
      sockets[socket - 1]?.emit("close", { code: closed ?? 1006 });
      clock.pass(0);
      await turn();
    }
  }
  for (const [reader, frames] of heard) {
    const { events, outcome } = shown(frames, cancelled.has(reader));
    expect({ events: reader.events, outcome: reader.outcome }).toEqual({ events, outcome });
  }
  expect(checked).toBeGreaterThan(0);
  sluice.close();
});
