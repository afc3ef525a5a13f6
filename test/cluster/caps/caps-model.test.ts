import { expect, test } from "@jest/globals";
import fc from "fast-check";
import type { CapReservation } from "../../../src/core/quota/cap-reservation.ts";
import { turnsUntil } from "../../support/jest/turns-until.ts";
import { describeWithRedis } from "../../support/stores/redis.ts";
import { finish, keyLevel, NOON, type Node, World } from "./caps-rig.ts";

const CAP = 20_000;
const LEVELS = [keyLevel({ tokensPerDay: CAP, concurrentStreams: 8 })];
const PROMPT = 10;
const SLICE = 4_096;

interface Running {
  readonly stream: string;
  readonly node: Node;
  readonly reservation: CapReservation;
  tokens: number;
}

const kinds = <Kind extends string>(...all: Kind[]) => fc.constantFrom(...all);

/** What happens, in any order. */
const step = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({ kind: kinds("open"), node: fc.nat(1), output: fc.integer({ min: 1, max: 9_000 }) }),
  },
  {
    weight: 6,
    arbitrary: fc.record({ kind: kinds("write"), which: fc.nat(7), tokens: fc.integer({ min: 1, max: 3_000 }) }),
  },
  { weight: 5, arbitrary: fc.record({ kind: kinds("end"), which: fc.nat(7) }) },
  { weight: 1, arbitrary: fc.record({ kind: kinds("die"), node: fc.nat(1) }) },
  { weight: 2, arbitrary: fc.record({ kind: kinds("lose", "cut", "forget"), opens: fc.nat(6), ends: fc.nat(3) }) },
);
type Step = typeof step extends fc.Arbitrary<infer Value> ? Value : never;

describeWithRedis("caps over all nodes, in any order of events", (redis) => {
  /** Plays the steps; resolves with what is wrong in the end. */
  async function play(steps: readonly Step[]): Promise<void> {
    const world = new World(redis());
    const rows = new Map<string, number>();
    world.ledger = (except) => {
      const known = [...rows].filter(([stream]) => !except.includes(stream)).map(([, tokens]) => tokens);
      return [{ keyId: "ci", tokens: known.reduce((sum, tokens) => sum + tokens, 0), costNano: 0 }];
    };
    let names = 0;
    const nodes = [await world.node(`n${names++}`), await world.node(`n${names++}`)];
    const dead: Node[] = [];
    const running: Running[] = [];
    /** What streams have really used that are over; and the least and most that counts of those whose node died. */
    let over = 0;
    let [least, most] = [0, 0];
    const open = async (node: Node | undefined, output: number): Promise<Running> => {
      if (!node) throw new Error("no node");
      const reservation = await node.open(LEVELS, { promptTokens: PROMPT, outputTokens: output });
      return { stream: reservation.stream, node, reservation, tokens: PROMPT };
    };
    const happen = {
      async lose() {
        await redis().ask("FLUSHALL");
        for (const { caps } of nodes) caps.returned();
        const rebuilt = world.names.of("{money}", "rebuilt");
        await turnsUntil(async () => (await redis().ask("GET", rebuilt)) !== "");
      },
      async cut() {
        let cut: Promise<unknown> | undefined;
        // All at once.
        const once = () => (cut ??= redis().ask("CLIENT", "KILL", "TYPE", "normal"));
        await Promise.all(nodes.map((node) => node.cutBy(once)));
      },
      forget: () => redis().ask("SCRIPT", "FLUSH"),
    };
    const end = (each: Running): void => {
      running.splice(running.indexOf(each), 1);
      rows.set(each.stream, each.tokens);
      over += each.tokens;
      finish(each.reservation, each.tokens);
    };
    try {
      for (const each of steps) {
        if (each.kind === "open") {
          try {
            running.push(await open(nodes[each.node], each.output));
          } catch (error) {
            expect(error).toMatchObject({ code: expect.stringMatching(/^(cap_exceeded|too_many_streams)$/) });
          }
          const used = running.reduce((sum, { tokens }) => sum + tokens, 0);
          expect(running.length).toBeLessThanOrEqual(8);
          expect(over + least + used).toBeLessThanOrEqual(CAP + SLICE + running.length * 3_000);
        } else if (each.kind === "write") {
          const stream = running[each.which % Math.max(1, running.length)];
          if (!stream) continue;
          const characters = 4 * (stream.tokens + each.tokens - PROMPT);
          const cut = stream.reservation.meter({}, characters, NOON);
          stream.tokens += each.tokens;
          await stream.node.link.command(["PING"]);
          if (cut) end(stream);
        } else if (each.kind === "end") {
          const stream = running[each.which % Math.max(1, running.length)];
          if (stream) end(stream);
        } else if (each.kind === "die") {
          const gone = nodes[each.node];
          if (!gone) throw new Error("no node");
          await gone.settledAgain();
          gone.link.close();
          dead.push(gone);
          world.nodes.delete(gone.name);
          for (const lost of running.filter(({ node }) => node === gone)) {
            running.splice(running.indexOf(lost), 1);
            rows.set(lost.stream, PROMPT);
            least += PROMPT;
            most += lost.tokens;
          }
          nodes[each.node] = await world.node(`n${names++}`);
          await nodes[each.node]?.caps.gone(gone.name);
        } else {
          // Opens and ends are under way when it happens.
          const opens = Promise.allSettled(
            Array.from({ length: each.opens }, (_, index) => open(nodes[index % 2], 100)),
          );
          for (const stream of running.slice(0, each.ends)) end(stream);
          await happen[each.kind]();
          for (const opened of await opens) {
            if (opened.status === "fulfilled") running.push(opened.value);
            else
              expect(opened.reason).toMatchObject({
                code: expect.stringMatching(/^(too_many_streams|cap_exceeded|cluster_unavailable)$/),
              });
          }
          for (const node of nodes) await node.ready();
        }
      }
      for (const each of [...running]) end(each);
      const [node] = nodes;
      let found: Record<string, number> = {};
      const isRight = () =>
        found.run === 0 && found.ht === 0 && Number(found.t2) >= over + least && Number(found.t2) <= over + most;
      for (let looks = 0; looks < 1_000 && !isRight(); looks++) {
        await new Promise((resolve) => setTimeout(resolve, 10));
        found = (await node?.account("key:ci")) ?? {};
      }
      expect({ found, over, least, most, isRight: isRight() }).toMatchObject({ isRight: true });
      for (const { faults } of nodes) expect(faults).toEqual([]);
    } finally {
      for (const node of [...nodes, ...dead]) await node[Symbol.asyncDispose]();
    }
  }

  test("hold nothing in the end, and have counted what streams have used", async () => {
    await fc.assert(fc.asyncProperty(fc.array(step, { minLength: 5, maxLength: 40 }), play), {
      numRuns: Number(process.env.RUNS ?? 15),
      endOnFailure: false,
      interruptAfterTimeLimit: 240_000,
    });
  }, 300_000);
});
