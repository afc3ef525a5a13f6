import { fork } from "node:child_process";
import { createHash } from "node:crypto";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as after } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { seededRandom } from "../../src/demo/random.ts";
import type { Scenario } from "./report.ts";
import { setStage } from "./stage.ts";

const KILLS = 100;
const EVENTS = 60_000;
const CLIENT = fileURLToPath(new URL("./killed-client.ts", import.meta.url));

interface Result {
  readonly over: { readonly type: string; readonly status?: string };
  readonly faults: readonly string[];
}

export const killed: Scenario = {
  name: "killed",
  about: "a client process is killed a hundred times in the middle of one answer, which it writes to a file",
  async run({ seed }) {
    await using stage = await setStage();
    const random = seededRandom(seed);
    const directory = mkdtempSync(join(tmpdir(), "sluice-soak-"));
    let kills = 0;
    let result: Result | undefined;
    while (!result) {
      const child = fork(CLIENT, [stage.gateway.url, directory, "answer", String(EVENTS)], { execArgv: [] });
      const exit = once(child, "exit");
      child.on("message", (said: number | Result) => {
        if (typeof said === "object") result = said;
      });
      // It lives until it has handled something, plus some milliseconds.
      await Promise.race([once(child, "message"), exit]);
      if (kills < KILLS) {
        await after(random() * 60);
        if (child.kill("SIGKILL")) kills++;
      }
      await exit;
    }
    const file = readFileSync(join(directory, "answer"));
    rmSync(directory, { recursive: true });
    const { answer: record } = await stage.records();
    const same = createHash("sha256").update(file).digest("hex") === record?.digest;
    return [
      { name: "kills", value: kills, unit: "", atLeast: KILLS },
      { name: "events", value: record?.written ?? 0, unit: "", atLeast: EVENTS },
      { name: "bytes in the client's file", value: file.length, unit: "B" },
      { name: "files that differ from what was written", value: same ? 0 : 1, unit: "", atMost: 0 },
      { name: "events out of order", value: result.faults.length, unit: "", atMost: 0 },
      { name: "ends other than completed", value: result.over.status === "completed" ? 0 : 1, unit: "", atMost: 0 },
      { name: "calls of the upstream", value: record?.calls ?? 0, unit: "", atLeast: 1, atMost: 1 },
    ];
  },
};
