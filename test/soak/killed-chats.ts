import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { killChats } from "../support/openclaw/killed-chats.ts";
import type { TestRedis } from "../support/stores/redis-server.ts";
import { percentile, type Scenario } from "./report.ts";

const KILLS = 100;
/** What a kill may take of an answer. */
const MOST_LOST_MS = 1_000;

/** Who is killed, and how often. */
interface Killing extends Pick<Scenario, "name" | "about"> {
  readonly kills: number;
  /** Starts the Redis of a cluster, whose leader is killed; without it, a gateway alone is. */
  readonly startRedis?: () => Promise<TestRedis>;
  /** Within this time a client must be served again, in milliseconds. */
  readonly awayMs?: number;
}

/** Kills what serves chats in mid-answer. */
export const killing = ({ name, about, kills: usual, startRedis, awayMs: mostAwayMs }: Killing): Scenario => ({
  name,
  about,
  async run({ seed, kills: wanted = usual }) {
    await using stack = new AsyncDisposableStack();
    const directory = mkdtempSync(join(tmpdir(), "sluice-soak-"));
    stack.defer(() => rmSync(directory, { recursive: true }));
    const redis = startRedis && stack.use(await startRedis());
    const redisUrl = redis && { redisUrl: redis.url };
    const result = await killChats({ seed, kills: wanted, directory, built: true, ...redisUrl });
    for (const fault of result.faults.slice(0, 20)) console.log(`  ${fault}`);
    const { kills, questions, whole, interrupted, ranLater, sentAgain, askedAgain, lostMs, awayMs, faults } = result;
    return [
      { name: "kills", value: kills, unit: "", atLeast: wanted },
      { name: "questions", value: questions, unit: "", atLeast: wanted },
      { name: "answers that are whole", value: whole, unit: "", atLeast: 1 },
      { name: "answers that a kill cut", value: interrupted, unit: "", atLeast: wanted },
      { name: "lost of an answer, median", value: percentile(lostMs, 0.5), unit: "ms" },
      { name: "lost of an answer, 99th percentile", value: percentile(lostMs, 0.99), unit: "ms" },
      { name: "lost of an answer, most", value: Math.max(0, ...lostMs), unit: "ms", atMost: MOST_LOST_MS },
      { name: "until served again, median", value: percentile(awayMs, 0.5), unit: "ms" },
      {
        name: "until served again, most",
        value: Math.max(0, ...awayMs),
        unit: "ms",
        ...(mostAwayMs !== undefined && { atMost: mostAwayMs }),
      },
      { name: "messages that waited at a kill and ran later", value: ranLater, unit: "", atLeast: wanted },
      { name: "acknowledged messages sent again", value: sentAgain, unit: "" },
      { name: "questions whose first call a kill took at once", value: askedAgain, unit: "" },
      { name: "missing, changed, repeated or out of order", value: faults.length, unit: "", atMost: 0 },
    ];
  },
});

export const killedChats = killing({
  name: "killed-chats",
  about: "the gateway is killed a hundred times in mid-answer, with several chats and messages that wait",
  kills: KILLS,
});
