/** The start, the configuration and the log of several workers. */
import { writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { stripVTControlCharacters } from "node:util";
import { expect, test } from "@jest/globals";
import { runSluice } from "../../support/gateways/run-sluice.ts";
import { type SluiceProcess, startSluice, writeConfig } from "../../support/gateways/sluice-process.ts";
import { connectAll, linesOf, metricOf, metricsOf, workersConfig, workersOf } from "../../support/gateways/workers.ts";
import { turnsUntil } from "../../support/jest/turns-until.ts";
import { describeWithRedis, type TestRedis } from "../../support/stores/redis.ts";
import { temporaryDirectories } from "../../support/stores/temporary-directory.ts";
import { startScriptedUpstream } from "../../support/upstreams/scripted-upstream.ts";

const directory = temporaryDirectories();
const NOWHERE = "http://127.0.0.1:1";

/** The one line in which a start fails, and the exit code. */
async function failureOf(config: object, env: Readonly<Record<string, string>> = {}) {
  return startSluice(config, { env }).then(
    () => "it started",
    ({ message }: Error) => message.replace("it did not start: ", ""),
  );
}

const modelsOf = async ({ url }: SluiceProcess): Promise<readonly string[]> => {
  const { data } = JSON.parse(await (await fetch(`${url}/v1/models`)).text());
  return data.map(({ id }: { readonly id: string }) => id);
};

/** The models as each worker has them: the second connection is the other worker's, while the first is open. */
async function modelsOfBoth(sluice: SluiceProcess) {
  const [held] = await connectAll(sluice.url, 1);
  const one = await modelsOf(sluice);
  held?.[Symbol.dispose]();
  return one;
}

describeWithRedis("workers", (redis) => {
  const config = (more: object = {}) => workersConfig(NOWHERE, redis(), { ...more });

  test("do not start on a port that is in use, and say so once", async () => {
    const other = createServer();
    const port = await new Promise<number>((resolve) => {
      other.listen(0, "127.0.0.1", () => resolve(Number(Object(other.address()).port)));
    });
    expect(await failureOf(config(), { SLUICE_PORT: String(port) })).toBe(
      `sluice: port ${port} is in use: set SLUICE_PORT or --port to another one, or to 0 for any free port\n`,
    );
    other.close();
  });

  test("do not start with a store that cannot be read, and say so once", async () => {
    const path = directory();
    writeFileSync(join(path, "ledger.db"), "this is no database, but long enough to look like one".repeat(100));
    const said = await failureOf(config({ data: { shared: true, directory: path } }));
    expect(said).toMatch(/^sluice: .*ledger.*\n$/);
    expect(said.trim().split("\n")).toHaveLength(1);
  });

  test("do not start with a wrong configuration, and say so once", async () => {
    const said = await failureOf(config({ limits: { drainMs: -1 } }));
    expect(said).toBe("sluice: sluice.config.json: 1 problem\n  limits.drainMs: found -1, expected at least 1\n");
  });

  test("do not start alone: without cluster.redis they would not know of each other", async () => {
    const said = await failureOf({ ...config(), cluster: {} }, { SLUICE_WORKERS: "2" });
    expect(said).toContain("cluster.workers (from --workers or SLUICE_WORKERS): found 2 without cluster.redis");
  });

  test("share the memory that one gateway would have", async () => {
    const env = { NODE_OPTIONS: "--max-old-space-size=1000 --max-semi-space-size=8" };
    const limitOf = async (workers: number): Promise<number> => {
      await using sluice = await startSluice(config(), { env: { ...env, SLUICE_WORKERS: String(workers) } });
      return metricOf(await metricsOf(sluice), "sluice_log_limit_bytes");
    };
    const [one, two] = [await limitOf(1), await limitOf(2)];
    // Each process more takes 64 MiB of its own, a sixth of whose rest would be for logs.
    expect(two / one).toBeGreaterThan(0.8);
    expect(two / one).toBeLessThan(1);
  });

  test("share a limit in bytes that is configured", async () => {
    const limits = { totalLogBytes: 120e6, inboundBytes: 300e6 };
    await using sluice = await startSluice(config({ limits }));
    const page = await metricsOf(sluice);
    expect(metricOf(page, "sluice_log_limit_bytes")).toBe(80e6);
    // With the share of unauthenticated clients.
    expect(metricOf(page, "sluice_inbound_limit_bytes") / 300e6).toBeCloseTo(9 / 8, 3);
  });

  test("are reloaded all together, and told about once", async () => {
    const started = config();
    await using sluice = await startSluice(started);
    const models = { gpt: { route: "chat", model: "gpt-test" }, newest: { route: "chat", model: "m" } };
    writeConfig(sluice.directory, { ...started, models });
    const { code, stdout } = await runSluice(sluice.directory, "reload");
    expect([code, stdout]).toEqual([0, `gateway ${sluice.pid}: changed: models.newest\n`]);
    // One for the gateway, and one of each worker.
    await turnsUntil(() => linesOf(sluice, "reloaded").length === 3);
    expect(linesOf(sluice, "reloaded").filter(({ level }) => level === "info")).toMatchObject([
      { changed: ["models.newest"] },
    ]);
    expect(linesOf(sluice, "reloaded").filter(({ worker }) => worker)).toHaveLength(2);
    expect(await modelsOfBoth(sluice)).toContain("newest");
    // One that comes later starts with it, too.
    for (const pid of workersOf(sluice).values()) process.kill(pid, "SIGKILL");
    // Their connections are gone by then, so that none of them is used again.
    await turnsUntil(() => linesOf(sluice, "worker_ended").length === 2);
    expect(await modelsOf(sluice)).toContain("newest");
  });

  test("keep their configuration if the file is wrong, all of them", async () => {
    await using sluice = await startSluice(config());
    writeConfig(sluice.directory, config({ models: { other: { route: "missing", model: "m" } } }));
    const { code, stderr } = await runSluice(sluice.directory, "reload");
    expect(code).toBe(1);
    expect(stderr).toContain(`the gateway (pid ${sluice.pid}) keeps its configuration: `);
    expect(stderr).toContain("models.other.route");
    expect(await modelsOfBoth(sluice)).toEqual(["gpt"]);
  });

  test.each([false, true])("write whole lines to one output (log.pretty: %s)", async (pretty) => {
    await using upstream = await startScriptedUpstream();
    await using sluice = await startSluice(logging(redis(), upstream.url, pretty));
    const clients = await connectAll(sluice.url, 8);
    upstream.respondWith((exchange) => void exchange.sse().finishChat());
    const ids = Array.from({ length: 25 }, (_, stream) => `s${stream}`);
    for (const client of clients) for (const id of ids) client.send({ type: "open", id, model: "gpt", body: {} });
    for (const client of clients) for (const id of ids) await client.rest(id);
    sluice.kill("SIGTERM");
    expect(await sluice.exit).toBe(0);
    const lines = stripVTControlCharacters(sluice.stdout)
      .split("\n")
      .filter((line) => line.includes("stream=") || line.includes('"stream":'));
    expect(lines).toHaveLength(200);
    const workers = lines.map((line) =>
      pretty
        ? /^\[[\d:.]+\] INFO: stream worker=(\d) .*totalMs=[\d.]+/.exec(line)?.[1]
        : String(JSON.parse(line).worker),
    );
    expect(new Set(workers)).toEqual(new Set(["1", "2"]));
  });

  test("are all in sluice logs, whichever of them answers", async () => {
    await using upstream = await startScriptedUpstream();
    await using sluice = await startSluice(logging(redis(), upstream.url, false));
    const clients = await connectAll(sluice.url, 2);
    upstream.respondWith((exchange) => void exchange.sse().finishChat());
    for (const client of clients) {
      client.send({ type: "open", id: "a", model: "gpt", body: {} });
      await client.rest("a");
    }
    // What the first process has written, it keeps for all.
    await turnsUntil(() => linesOf(sluice, "stream").length === 2);
    for (let time = 0; time < 2; time++) {
      const { stderr, stdout } = await runSluice(sluice.directory, "logs", "--json", "--url", sluice.url);
      expect(stderr).toBe("");
      const lines = stdout
        .trim()
        .split("\n")
        .map((line) => JSON.parse(line));
      const workers = lines.filter(({ event }) => event === "stream").map(({ worker }) => worker);
      expect(workers.sort()).toEqual([1, 2]);
      // The next one is asked on the other worker.
      clients[time]?.[Symbol.dispose]();
    }
  });
});

const logging = (redis: TestRedis, upstream: string, pretty: boolean) =>
  workersConfig(upstream, redis, { log: { level: "info", pretty } });
