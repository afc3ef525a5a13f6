import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { killChats } from "../support/killed-chats.ts";
import { percentile, type Scenario } from "./report.ts";

const KILLS = 100;
/** What a kill may take of an answer. */
const MOST_LOST_MS = 1_000;

export const killedChats: Scenario = {
  name: "killed-chats",
  about: "the gateway is killed a hundred times in mid-answer, with several chats and messages that wait",
  async run({ seed, kills: wanted = KILLS }) {
    const directory = mkdtempSync(join(tmpdir(), "sluice-soak-"));
    const result = await killChats({ seed, kills: wanted, directory, built: true });
    rmSync(directory, { recursive: true });
    for (const fault of result.faults.slice(0, 20)) console.log(`  ${fault}`);
    const { kills, questions, whole, interrupted, ranLater, sentAgain, askedAgain, lostMs, faults } = result;
    return [
      { name: "kills", value: kills, unit: "", atLeast: wanted },
      { name: "questions", value: questions, unit: "", atLeast: wanted },
      { name: "answers that are whole", value: whole, unit: "", atLeast: 1 },
      { name: "answers that a kill cut", value: interrupted, unit: "", atLeast: wanted },
      { name: "lost of an answer, median", value: percentile(lostMs, 0.5), unit: "ms" },
      { name: "lost of an answer, 99th percentile", value: percentile(lostMs, 0.99), unit: "ms" },
      { name: "lost of an answer, most", value: Math.max(0, ...lostMs), unit: "ms", atMost: MOST_LOST_MS },
      { name: "messages that waited at a kill and ran later", value: ranLater, unit: "", atLeast: wanted },
      { name: "acknowledged messages sent again", value: sentAgain, unit: "" },
      { name: "questions whose first call a kill took at once", value: askedAgain, unit: "" },
      { name: "missing, changed, repeated or out of order", value: faults.length, unit: "", atMost: 0 },
    ];
  },
};
