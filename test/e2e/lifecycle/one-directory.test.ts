/** A data directory is one gateway's, unless its operator says otherwise: each would allow the whole of every cap. */
import { execFile } from "node:child_process";
import { readdirSync } from "node:fs";
import { hostname } from "node:os";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { describe, expect, test } from "@jest/globals";
import { COMPILED } from "../../support/gateways/compiled.ts";
import { startTestGateway } from "../../support/gateways/gateway.ts";
import { configFor, type SluiceProcess, startSluice } from "../../support/gateways/sluice-process.ts";
import { describeWithRedis } from "../../support/stores/redis.ts";
import { temporaryDirectories } from "../../support/stores/temporary-directory.ts";

const directory = temporaryDirectories();
const MAIN = fileURLToPath(new URL("../../../src/main.ts", import.meta.url));
const start = (path: string, more: object = {}): Promise<SluiceProcess> =>
  startSluice(configFor("http://127.0.0.1:1", { data: { directory: path, ...more } }));
const locks = (path: string) => readdirSync(path).filter((name) => /^gateway-.*\.lock$/.test(name));

describe("a second gateway on one data directory", () => {
  test("does not start, and names the directory, the other process and the setting in one line", async () => {
    const path = directory();
    await using first = await start(path);
    const said = await start(path).then(
      () => "it started",
      (error: Error) => error.message,
    );
    expect(said).toContain(`the data directory ${path} is in use by another gateway`);
    expect(said).toContain(`(pid ${first.pid} on ${hostname()})`);
    expect(said).toContain("data.shared");
    expect(said.trim().split("\n")).toHaveLength(1);
    expect((await fetch(`${first.url}/readyz`)).status).toBe(200);
  });

  test("starts after the first was killed, whatever it left behind", async () => {
    const path = directory();
    await using first = await start(path);
    first.kill("SIGKILL");
    await first.exit;
    expect(locks(path)).toHaveLength(1);
    await using second = await start(path);
    expect(locks(path)).toEqual([expect.stringMatching(new RegExp(`^gateway-${second.pid}@`))]);
  });

  test("starts after the first has stopped, which leaves no lock", async () => {
    const path = directory();
    await using first = await start(path);
    first.kill("SIGTERM");
    expect(await first.exit).toBe(0);
    expect(locks(path)).toEqual([]);
    await using second = await start(path);
    expect(second.pid).not.toBe(first.pid);
  });

  test("starts if both share, and a third one that does not share is refused", async () => {
    const path = directory();
    await using first = await start(path, { shared: true });
    await using second = await start(path, { shared: true });
    expect(first.url).not.toBe(second.url);
    await expect(start(path)).rejects.toThrow("is in use by another gateway");
  });

  test("starts beside one that does not share, if it shares itself", async () => {
    const path = directory();
    await using first = await start(path);
    await using second = await start(path, { shared: true });
    expect(first.url).not.toBe(second.url);
  });

  test("is refused even if both start at once", async () => {
    const path = directory();
    const results = await Promise.allSettled([start(path), start(path), start(path)]);
    const started = results.flatMap((result) => (result.status === "fulfilled" ? [result.value] : []));
    await Promise.all(started.map((each) => each[Symbol.asyncDispose]()));
    expect(started).toHaveLength(1);
  });

  test("is refused within one process too", async () => {
    const config = { data: { directory: directory() } };
    await using _first = await startTestGateway({ config });
    await expect(startTestGateway({ config })).rejects.toMatchObject({ code: "store_unavailable" });
  });
});

describe("a directory in use", () => {
  test.each([
    ["keys", "create", "ann"],
    ["usage", "--by", "key"],
  ])("is open to sluice %s %s %s", async (...args) => {
    const path = directory();
    await using _gateway = await start(path);
    const run = promisify(execFile);
    // A refusal would exit with an error, which rejects.
    const { stdout, stderr } = await run(process.execPath, ["--no-warnings", MAIN, ...args, "--data", path], {
      env: COMPILED,
    });
    expect(stdout + stderr).not.toContain("in use");
  });

  test("is no concern of gateways that keep everything in memory", async () => {
    const path = directory();
    await using _first = await start(path);
    await using second = await start(path, { store: "memory" });
    expect((await fetch(`${second.url}/readyz`)).status).toBe(200);
  });
});

describeWithRedis("a data directory of a cluster", (redis) => {
  test("refuses nodes of another prefix, and gateways without one, while a node lives", async () => {
    const path = directory();
    const gateway = (prefix?: string) =>
      startTestGateway({
        config: {
          data: { store: "sqlite", directory: path, shared: true },
          ...(prefix !== undefined && { cluster: { redis: { url: redis().url, prefix } } }),
        },
      });
    const inUse =
      `runs on the same data.directory (${path}): stop that, give both the same cluster.redis, or give each its own ` +
      "data.directory, because each of them grants every cap in full";
    {
      await using _one = await gateway("one");
      await using _same = await gateway("one");
      await expect(gateway("two")).rejects.toThrow(
        `cluster.redis.prefix is "two" here, and a node where it is "one" ${inUse}`,
      );
      await expect(gateway()).rejects.toThrow(
        `cluster.redis is not set here, and a node whose cluster.redis.prefix is "one" ${inUse}`,
      );
    }
    await using _alone = await gateway();
    await expect(gateway("two")).rejects.toThrow(
      `cluster.redis.prefix is "two" here, and a gateway without cluster.redis ${inUse}`,
    );
  });
});
