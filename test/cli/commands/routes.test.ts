import { describe, expect, test } from "@jest/globals";
import { routesTable, runRoutes } from "../../../src/cli/commands/routes.ts";
import { KeyDatabase } from "../../../src/storage/keys/key-database.ts";
import { StreamClient } from "../../support/clients/stream-client.ts";
import { startTestGateway } from "../../support/gateways/gateway.ts";
import { freshSecret, keyFor } from "../../support/gateways/gateway-key.ts";
import { runCommand } from "../../support/openclaw/command-world.ts";
import { temporaryDirectories } from "../../support/stores/temporary-directory.ts";
import { ChatScript } from "../../support/upstreams/chat-script.ts";
import { startScriptedUpstream } from "../../support/upstreams/scripted-upstream.ts";

const directory = temporaryDirectories();

/** Runs `sluice routes` with these arguments, in a directory without a configuration. */
const routes = (args: readonly string[], env: Readonly<Record<string, string>> = {}) =>
  runCommand(runRoutes, args, { env, cwd: directory() });

describe("sluice routes", () => {
  test("shows each target: unused, then how it answered, cools down and failed last", async () => {
    await using bad = await startScriptedUpstream();
    await using good = await startScriptedUpstream();
    bad.respondWith((exchange) => void exchange.json(429, { error: { message: "slow" } }, { "retry-after": "60" }));
    good.respondWith((exchange) => new ChatScript(exchange).text("hello").finish());
    const route = (url: string) => ({ dialect: "openai-chat", baseUrl: `${url}/v1`, key: "sk-a-secret-key" });
    await using gateway = await startTestGateway({
      config: {
        routes: { first: route(bad.url), second: { ...route(good.url), key: undefined, keys: ["sk-1", "sk-2"] } },
        models: {
          smart: {
            targets: [
              { route: "first", model: "m1" },
              { route: "second", model: "m2" },
            ],
          },
          plain: { route: "first", model: "m3" },
        },
      },
    });
    const seen = async () => JSON.parse((await routes(["--json", "--url", gateway.url])).stdout).targets;
    const NEW = {
      state: "unused",
      waitMs: 0,
      answered: 0,
      failed: 0,
      firstContentMs: null,
      lastFailure: null,
      lastProbe: null,
    };
    expect(await seen()).toEqual([
      { model: "smart", route: "first", upstreamModel: "m1", running: 0, ...NEW },
      { model: "smart", route: "second", upstreamModel: "m2", running: 0, ...NEW },
      { model: "smart", route: "second#2", upstreamModel: "m2", running: 0, ...NEW },
      { model: "plain", route: "first", upstreamModel: "m3", running: null, ...NEW },
    ]);
    using client = await (await StreamClient.connect(gateway.url)).hello();
    for (const id of ["a", "b"])
      await client.run(id, { model: "smart", body: { messages: [], prompt_cache_key: "p" } });
    await client.run("c", { model: "plain", retry: false, body: { messages: [] } });
    const [first, second, third, plain] = await seen();
    expect(first).toMatchObject({ state: "cooling", answered: 0, failed: 1, running: 0 });
    expect(first.waitMs).toBeGreaterThan(30_000);
    expect(Number.isInteger(first.waitMs)).toBe(true);
    expect(first.lastFailure).toEqual({ code: "upstream_rate_limited", at: expect.any(Number) });
    // One conversation stays with one key.
    const [used, idle] = second.answered > 0 ? [second, third] : [third, second];
    expect(used).toMatchObject({ state: "ready", answered: 2, failed: 0 });
    expect(used.firstContentMs).toEqual({ p50: expect.any(Number), p95: expect.any(Number) });
    expect(idle).toMatchObject({ answered: 0, failed: 0 });
    expect(plain).toMatchObject({ state: "ready", answered: 0, failed: 1, running: null });

    const { stdout } = await routes(["--url", gateway.url]);
    const lines = stdout.trimEnd().split("\n");
    expect(lines[0]).toMatch(
      /^MODEL +ROUTE +TARGET +STATE +RUNNING +ANSWERED +FAILED +FIRST P50 +P95 +LAST FAILURE +LAST PROBE$/,
    );
    expect(lines[1]).toMatch(/^smart +first +m1 +cooling, \d+ s +0 +0 +1 +- +- +upstream_rate_limited 20/);
    expect(stdout).not.toContain("sk-");
  });

  test("is refused without the scope admin, and says so", async () => {
    const path = directory();
    const [streams, admin] = [freshSecret(), freshSecret()];
    const store = new KeyDatabase(path);
    store.add(keyFor("ann", streams));
    store.add(keyFor("root", admin, { scopes: ["admin"] }));
    store.close();
    await using gateway = await startTestGateway({ config: { auth: { required: true }, data: { directory: path } } });
    const asked = (secret: string) => routes(["--url", gateway.url], { SLUICE_TOKEN: secret });
    expect(await asked(streams)).toMatchObject({ code: 1, stdout: "", stderr: expect.stringContaining("403") });
    expect(await asked(admin)).toMatchObject({ code: 0, stderr: "" });
  });

  test("says where it found no gateway, and which option it does not know", async () => {
    expect(await routes(["--url", "http://127.0.0.1:1"])).toEqual({
      code: 1,
      stdout: "",
      stderr: "sluice: no gateway answers at http://127.0.0.1:1; start one, or say where it is with --url\n",
    });
    expect(await routes(["--what"])).toMatchObject({ code: 2, stderr: expect.stringContaining("--what") });
    expect((await routes(["--help"])).stdout).toContain("Usage: sluice routes");
  });

  test("aligns its table", () => {
    expect(routesTable([])).toMatch(/^MODEL {2}ROUTE/);
  });
});
