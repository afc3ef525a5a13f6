import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { killChats } from "../../support/killed-chats.ts";
import { TestRedis } from "../../support/redis-server.ts";
import { percentile, type Scenario } from "../report.ts";

const KILLS = 30;
/** The promise of docs/cluster.md: another node leads within this time, in milliseconds. */
const LED_MS = 8_000;

export const clusterKilledLeaders: Scenario = {
  name: "cluster:killed-leaders",
  about: `of three nodes, the one that serves conversations is killed in mid-answer, ${KILLS} times`,
  async run({ seed, kills: wanted = KILLS }) {
    const directory = mkdtempSync(join(tmpdir(), "sluice-soak-"));
    const redis = await TestRedis.start();
    const result = await killChats({ seed, kills: wanted, directory, redisUrl: redis.url, built: true });
    await redis.stop();
    rmSync(directory, { recursive: true });
    for (const fault of result.faults.slice(0, 20)) console.log(`  ${fault}`);
    const { kills, questions, whole, interrupted, ranLater, sentAgain, lostMs, awayMs, faults } = result;
    return [
      { name: "kills of the leader", value: kills, unit: "", atLeast: wanted },
      { name: "questions", value: questions, unit: "", atLeast: wanted },
      { name: "answers that are whole", value: whole, unit: "", atLeast: 1 },
      { name: "answers that a kill cut", value: interrupted, unit: "", atLeast: 1 },
      { name: "messages that waited at a kill and ran later", value: ranLater, unit: "", atLeast: 1 },
      { name: "acknowledged messages sent again", value: sentAgain, unit: "" },
      { name: "until a client was served again, p50", value: percentile(awayMs, 0.5), unit: "ms" },
      { name: "until a client was served again, longest", value: Math.max(...awayMs), unit: "ms", atMost: LED_MS },
      { name: "lost of an answer, most", value: Math.max(0, ...lostMs), unit: "ms", atMost: 1_000 },
      { name: "missing, changed, repeated or out of order", value: faults.length, unit: "", atMost: 0 },
    ];
  },
};
