/** Credits and resume in every order that a property test finds. */
import { expect, test } from "@jest/globals";
import fc from "fast-check";
import { connect, type SluiceStream } from "../../src/client/index.ts";
import { FakeGateway, ManualClock } from "./fake-gateway.ts";

const WINDOW = 5;
const turn = () => new Promise((resolve) => setImmediate(resolve));

/** A loop that handles so many events as the test allows. */
class Loop {
  readonly seqs: number[] = [];
  readonly over: Promise<string>;
  isOver = false;
  #allowed = 0;
  #go = () => {};

  constructor(stream: SluiceStream) {
    this.over = this.#run(stream).catch((error) => error.code);
    void this.over.then(() => {
      this.isOver = true;
    });
  }

  allow(events: number): void {
    this.#allowed += events;
    this.#go();
  }

  async #run(stream: SluiceStream): Promise<string> {
    for await (const { seq } of stream) {
      this.seqs.push(seq);
      while (this.#allowed === 0) await new Promise<void>((resolve) => (this.#go = resolve));
      this.#allowed--;
    }
    return "done";
  }
}

const step = fc.oneof(
  { weight: 4, arbitrary: fc.record({ write: fc.nat(2), events: fc.integer({ min: 1, max: 8 }) }) },
  { weight: 4, arbitrary: fc.record({ deliver: fc.integer({ min: 1, max: 6 }) }) },
  { weight: 3, arbitrary: fc.record({ handle: fc.nat(2), events: fc.integer({ min: 1, max: 5 }) }) },
  { weight: 2, arbitrary: fc.record({ pass: fc.constantFrom(1, 10, 100, 1_000) }) },
  { weight: 1, arbitrary: fc.constant({ cut: true }) },
);

test("every event reaches the loop once and in order, however sockets die, loops pause and acknowledgements are late", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 60 }), async (steps) => {
      const clock = new ManualClock();
      const gateway = new FakeGateway(WINDOW);
      const sluice = connect({ url: "ws://gateway.test", ticket: () => "t", WebSocket: gateway.SocketClass, clock });
      const loops = [0, 1, 2].map(() => new Loop(sluice.open({ model: "m", body: {} })));
      await turn();
      for (const does of steps) {
        if ("write" in does) gateway.write(does.write, does.events);
        else if ("deliver" in does) gateway.deliver(does.deliver);
        else if ("handle" in does) loops[does.handle]?.allow(does.events);
        else if ("pass" in does) clock.pass(does.pass);
        else gateway.cut();
        await turn();
      }
      // Nothing more happens to it: it must come to its end by itself.
      for (const loop of loops) loop.allow(1_000);
      for (let turns = 0; turns < 400 && !loops.every(({ isOver }) => isOver); turns++) {
        if (gateway.logs.length === 3) gateway.finish();
        gateway.deliver(100);
        clock.pass(100);
        await turn();
      }
      expect(gateway.faults).toEqual([]);
      expect(gateway.logs).toHaveLength(3);
      const seqs = gateway.logs.map(({ events }) => Array.from({ length: events }, (_, at) => at + 1));
      expect(loops.map((loop) => loop.seqs)).toEqual(seqs);
      expect(await Promise.all(loops.map(({ over }) => over))).toEqual(["done", "done", "done"]);
      sluice.close();
      // Nothing is left behind that would keep a process alive.
      expect(clock.timers).toBe(0);
    }),
    { numRuns: 300 },
  );
});
