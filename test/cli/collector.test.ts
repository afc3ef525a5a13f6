import { spawnSync } from "node:child_process";
import { availableParallelism } from "node:os";
import { describe, expect, test } from "@jest/globals";
import { type Collector, chooseCollector } from "../../src/cli/collector.ts";
import { startSluice } from "../support/gateways/sluice-process.ts";

const config = { data: { store: "memory" }, log: { pretty: false } };

/** What the line `started` says. */
const started = (stdout: string) => JSON.parse(stdout.split("\n").find((line) => line.includes('"started"')) ?? "");

/** Prints the CPU that V8's helper threads take, in milliseconds, while young collections copy objects that live on. */
const program = (collector: Collector) => `
  import { readdirSync, readFileSync } from "node:fs";
  import { useCollector } from ${JSON.stringify(new URL("../../src/cli/collector.ts", import.meta.url))};
  useCollector(${JSON.stringify(collector)});
  const of = (thread, file) => readFileSync("/proc/self/task/" + thread + "/" + file, "utf8");
  const helpers = readdirSync("/proc/self/task").filter((thread) => of(thread, "comm").startsWith("V8Worker"));
  const takenMs = () => helpers.reduce((sum, thread) => sum + Number(of(thread, "schedstat").split(" ")[0]) / 1e6, 0);
  const before = takenMs();
  const kept = new Array(20_000).fill(undefined);
  for (let index = 0; index < 3_000_000; index++) kept[index % kept.length] = { index, next: { index } };
  console.log(takenMs() - before);`;

/** Nothing is compiled, which the helper threads would do too. */
function helpersMs(collector: Collector): number {
  const flags = ["--no-opt", "--no-maglev", "--no-sparkplug", "--input-type=module"];
  const { stdout, stderr } = spawnSync(process.execPath, [...flags, "-e", program(collector)], { encoding: "utf8" });
  if (stdout === "") throw new Error(stderr);
  return Number(stdout);
}

describe("the collector", () => {
  test("is single on one processor, parallel on more, and what was asked for on any", () => {
    const chosen = [1, 2, 64].map((processors) => chooseCollector("auto", processors));
    expect(chosen).toEqual(["single", "parallel", "parallel"]);
    expect(chooseCollector("parallel", 1)).toBe("parallel");
    expect(chooseCollector("single", 64)).toBe("single");
  });

  test("single collects on the thread that allocates: V8's helper threads do nothing", () => {
    expect(helpersMs("parallel")).toBeGreaterThan(1);
    expect(helpersMs("single")).toBeLessThan(1);
  });

  test("is chosen from the processors that the process may use, and the line started says so", async () => {
    await using sluice = await startSluice(config, { under: ["taskset", "-c", "0"] });
    expect(started(sluice.stdout)).toMatchObject({ processors: 1, collector: "single" });
  });

  test("obeys the environment", async () => {
    await using sluice = await startSluice(config, { env: { SLUICE_COLLECTOR: "single" } });
    expect(started(sluice.stdout)).toMatchObject({ processors: availableParallelism(), collector: "single" });
  });
});
