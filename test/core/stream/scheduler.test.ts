import assert from "node:assert/strict";
import { describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import type { ByteString } from "../../../src/core/kernel/byte-string.ts";
import { Scheduler, type Sharer } from "../../../src/core/stream/scheduler.ts";

const GATE_BYTES = 20_000;
const IN_FLIGHT_BYTES = 60_000;
const QUANTUM_BYTES = 4_096;

/** A socket that holds back streams above the gate, and keeps everything in order. */
class FakeSocket {
  readonly frames: string[] = [];
  buffered = 0;
  drained = () => {};
  #blocked = false;

  get writable(): boolean {
    this.#blocked ||= this.buffered >= GATE_BYTES;
    return this.buffered < GATE_BYTES;
  }

  sendBytes(frame: ByteString): boolean {
    return this.send(frame);
  }

  send(frame: string): boolean {
    this.frames.push(frame);
    this.buffered += frame.length;
    return this.writable;
  }

  drain(bytes: number): void {
    this.take(bytes);
    if (!this.#blocked || this.buffered >= GATE_BYTES) return;
    this.#blocked = false;
    this.drained();
  }

  /** The kernel takes some bytes; the scheduler does not know yet. */
  take(bytes: number): void {
    this.buffered = Math.max(0, this.buffered - bytes);
  }
}

/** A stream whose log is a list of frames that wait. */
class FakeStream implements Sharer {
  readonly acknowledges: boolean;
  readonly waiting: string[] = [];
  written = 0;
  sentBytes = 0;
  readonly #name: string;
  readonly #socket: FakeSocket;
  readonly #scheduler: Scheduler;

  constructor(name: string, socket: FakeSocket, scheduler: Scheduler, acknowledges: boolean) {
    this.#name = name;
    this.#socket = socket;
    this.#scheduler = scheduler;
    this.acknowledges = acknowledges;
    scheduler.join(this);
  }

  write(size: number): void {
    this.waiting.push(`${this.#name} ${++this.written} `.padEnd(size, "."));
    if (this.waiting.length === 1) this.wake();
  }

  wake(): void {
    for (;;) {
      const [frame] = this.waiting;
      if (frame === undefined || !this.#scheduler.mayTake(this)) return;
      assert(this.#socket.buffered < GATE_BYTES);
      this.waiting.shift();
      this.sentBytes += frame.length;
      this.#scheduler.sendFor(this, frame);
    }
  }
}

function newSocket(streams: readonly { readonly acknowledges: boolean }[]) {
  const socket = new FakeSocket();
  const scheduler = new Scheduler(socket, IN_FLIGHT_BYTES);
  socket.drained = () => scheduler.run();
  const sharers = streams.map(({ acknowledges }, at) => new FakeStream(`s${at}`, socket, scheduler, acknowledges));
  return { socket, scheduler, sharers };
}

type Step =
  | { readonly write: number; readonly size: number; readonly times: number }
  | { readonly control: number }
  | { readonly drain: number }
  | { readonly receive: number }
  | { readonly leave: number };

const size = fc.oneof({ weight: 4, arbitrary: fc.nat(700) }, { weight: 1, arbitrary: fc.nat(90_000) });
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 6, arbitrary: fc.record({ write: fc.nat(20), size, times: fc.integer({ min: 1, max: 8 }) }) },
  { weight: 1, arbitrary: fc.record({ control: fc.nat(2_000) }) },
  { weight: 3, arbitrary: fc.record({ drain: fc.nat(60_000) }) },
  { weight: 3, arbitrary: fc.record({ receive: fc.double({ min: 0, max: 1, noNaN: true }) }) },
  { weight: 1, arbitrary: fc.record({ leave: fc.nat(60) }) },
);

describe("streams that share a socket", () => {
  test("send everything in order as soon as socket and client take it; control frames never wait", () => {
    const streams = fc.array(fc.record({ acknowledges: fc.boolean() }), { minLength: 1, maxLength: 6 });
    fc.assert(
      fc.property(streams, fc.array(step, { maxLength: 150, size: "max" }), (streams, steps) => {
        const { socket, scheduler, sharers } = newSocket(streams);
        const present = new Set(sharers);
        let received = 0;
        let controls = 0;
        const receive = (messages: number) => {
          received = messages;
          scheduler.received(messages);
          scheduler.run();
        };
        const inFlight = () => socket.frames.slice(received).reduce((sum, frame) => sum + frame.length, 0);

        for (const step of steps) {
          if ("write" in step) {
            const stream = [...present][step.write % (present.size || 1)];
            for (let count = 0; count < step.times; count++) stream?.write(step.size);
          } else if ("control" in step) {
            const frame = `control ${++controls} `.padEnd(step.control, ".");
            scheduler.send(frame);
            assert.equal(socket.frames.at(-1), frame);
          } else if ("drain" in step) socket.drain(step.drain);
          else if ("receive" in step) receive(received + Math.floor(step.receive * (socket.frames.length - received)));
          else {
            const stream = sharers[step.leave];
            if (!stream || !present.delete(stream)) continue;
            scheduler.leave(stream);
            stream.waiting.length = 0;
          }
          // Every stream that could send has sent.
          const mayFly = inFlight() < IN_FLIGHT_BYTES;
          if (socket.buffered < GATE_BYTES) {
            for (const { waiting, acknowledges } of present) assert(waiting.length === 0 || (acknowledges && !mayFly));
          }
        }
        for (let round = 0; round < 10_000 && sharers.some(({ waiting }) => waiting.length > 0); round++) {
          socket.drain(GATE_BYTES);
          receive(socket.frames.length);
        }
        sharers.forEach((stream, at) => {
          const sent = socket.frames.filter((frame) => frame.startsWith(`s${at} `)).map((frame) => frame.split(" ")[1]);
          const whole = present.has(stream) ? stream.written : sent.length;
          assert.deepEqual(
            sent,
            Array.from({ length: whole }, (_, index) => String(index + 1)),
          );
        });
      }),
      { numRuns: 300 },
    );
  });

  test("get the same share of a full socket, whatever the size of their events", () => {
    const sizes = fc.array(fc.integer({ min: 60, max: 12_000 }), { minLength: 2, maxLength: 8 });
    const drains = fc.array(fc.integer({ min: 1, max: 40_000 }), { minLength: 20, maxLength: 60 });
    fc.assert(
      fc.property(sizes, drains, (sizes, drains) => {
        const { socket, scheduler, sharers } = newSocket(sizes.map(() => ({ acknowledges: false })));
        scheduler.send("c".padEnd(GATE_BYTES, "c"));
        sharers.forEach((stream, at) => {
          const size = sizes[at] ?? 0;
          for (let bytes = 0; bytes < 200_000; bytes += size) stream.write(size);
        });
        const largest = Math.max(...sizes);
        for (const bytes of drains) {
          socket.drain(bytes);
          const sent = sharers.filter(({ waiting }) => waiting.length > 0).map(({ sentBytes }) => sentBytes);
          assert(Math.max(...sent) - Math.min(...sent) <= 2 * (QUANTUM_BYTES + largest));
        }
      }),
      { numRuns: 50 },
    );
  });

  test("continue after an event of many turns, alone or not, without an ack", () => {
    const { socket, sharers } = newSocket([{ acknowledges: false }, { acknowledges: true }]);
    const [large, small] = sharers;
    small?.write(GATE_BYTES);
    for (let count = 0; count < 3; count++) large?.write(15_000);
    socket.drain(GATE_BYTES);
    socket.drain(GATE_BYTES);
    socket.drain(GATE_BYTES);
    expect(large?.waiting).toEqual([]);
  });
});

describe("a turn", () => {
  test("goes to waiting streams before one that has just written", () => {
    const { socket, scheduler, sharers } = newSocket([{ acknowledges: false }, { acknowledges: false }]);
    scheduler.send("c".repeat(GATE_BYTES));
    sharers[0]?.write(100);
    socket.take(GATE_BYTES);
    sharers[1]?.write(100);
    socket.drain(0);
    expect(socket.frames.map((frame) => frame.slice(0, 2))).toEqual(["cc", "s0", "s1"]);
  });

  test("that was overdrawn is forgotten once its stream has caught up", () => {
    const { socket, scheduler, sharers } = newSocket([{ acknowledges: false }, { acknowledges: false }]);
    const [first, second] = sharers;
    const fill = () => scheduler.send("c".repeat(GATE_BYTES));
    fill();
    first?.write(GATE_BYTES);
    socket.drain(2 * GATE_BYTES);
    socket.drain(2 * GATE_BYTES);
    fill();
    for (let count = 0; count < 20; count++) {
      first?.write(1_000);
      second?.write(1_000);
    }
    socket.drain(10_000);
    expect(first?.sentBytes).toBe(GATE_BYTES + 5_000);
    expect(second?.sentBytes).toBe(5_000);
  });
});

describe("what is in flight", () => {
  test("limits only streams whose client acknowledges", () => {
    const { socket, scheduler, sharers } = newSocket([{ acknowledges: true }, { acknowledges: false }]);
    const [acking, plain] = sharers;
    for (let count = 0; count < 8; count++) {
      acking?.write(15_000);
      socket.drain(GATE_BYTES);
    }
    expect([acking?.sentBytes, acking?.waiting.length]).toEqual([IN_FLIGHT_BYTES, 4]);
    plain?.write(500);
    expect(plain?.waiting).toEqual([]);
    scheduler.received(1);
    scheduler.run();
    socket.drain(GATE_BYTES);
    expect(acking?.sentBytes).toBe(IN_FLIGHT_BYTES + 15_000);
  });

  test("counts from the first stream that acknowledges, and is forgotten with the last", () => {
    const { socket, scheduler, sharers } = newSocket([{ acknowledges: false }]);
    for (let count = 0; count < 10; count++) {
      sharers[0]?.write(15_000);
      socket.drain(GATE_BYTES);
    }
    const first = new FakeStream("first", socket, scheduler, true);
    for (let count = 0; count < 5; count++) {
      first.write(15_000);
      socket.drain(GATE_BYTES);
    }
    expect([first.sentBytes, first.waiting.length]).toEqual([IN_FLIGHT_BYTES, 1]);
    scheduler.received(11);
    scheduler.run();
    expect(first.waiting).toEqual([]);
    first.write(15_000);
    expect(first.waiting).toHaveLength(1);
    scheduler.leave(first);
    const second = new FakeStream("second", socket, scheduler, true);
    second.write(15_000);
    expect(second.waiting).toEqual([]);
  });

  test("cannot be acknowledged before it is sent, counted or not", () => {
    const { scheduler } = newSocket([{ acknowledges: false }]);
    scheduler.send("hello");
    scheduler.received(1);
    scheduler.received(0);
    expect(() => scheduler.received(2)).toThrow(expect.objectContaining({ code: "bad_frame" }));
  });
});
