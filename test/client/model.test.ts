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
  fc.record({ write: fc.nat(1), events: fc.integer({ min: 1, max: 12 }) }),
  fc.record({ handle: fc.nat(1), events: fc.integer({ min: 1, max: 8 }) }),
  fc.record({ up: fc.nat(3), down: fc.nat(6) }),
  // Everything on its way arrives, at one side.
  fc.constantFrom({ up: 100, down: 0 }, { up: 0, down: 100 }, { up: 100, down: 100 }),
  fc.record({ pass: fc.constantFrom(0, 10, 100) }),
  fc.constant({ cut: true }),
);

test("every event reaches the loop once and in order, however sockets die, loops pause and acknowledgements are late", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 60 }), async (steps) => {
      const clock = new ManualClock();
      const gateway = new FakeGateway(WINDOW);
      const sluice = connect({ url: "ws://gateway.test", ticket: () => "t", WebSocket: gateway.SocketClass, clock });
      const loops = [0, 1].map(() => new Loop(sluice.open({ model: "m", body: {} })));
      await turn();
      for (const does of steps) {
        if ("write" in does) gateway.write(does.write, does.events);
        else if ("up" in does) gateway.deliver(does.up, does.down);
        else if ("handle" in does) loops[does.handle]?.allow(does.events);
        else if ("pass" in does) clock.pass(does.pass);
        else gateway.cut();
        await turn();
        // The client connects again, and is greeted.
        if ("cut" in does) {
          clock.pass(0);
          await turn();
          gateway.deliver(0, 1);
        }
      }
      // Nothing more happens to it: it must come to its end by itself.
      for (const loop of loops) loop.allow(1_000);
      await turn();
      for (let turns = 0; turns < 400 && !loops.every(({ isOver }) => isOver); turns++) {
        if (gateway.logs.length === 2) gateway.finish();
        gateway.deliver(100, 100);
        clock.pass(100);
        await turn();
      }
      expect(gateway.faults).toEqual([]);
      expect(gateway.logs).toHaveLength(2);
      const seqs = gateway.logs.map(({ events }) => Array.from({ length: events }, (_, at) => at + 1));
      expect(loops.map((loop) => loop.seqs)).toEqual(seqs);
      expect(await Promise.all(loops.map(({ over }) => over))).toEqual(["done", "done"]);
      sluice.close();
      // Nothing is left behind that would keep a process alive.
      expect(clock.timers).toBe(0);
    }),
    { numRuns: 1_000 },
  );
});
