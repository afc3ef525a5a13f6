import { spawn } from "node:child_process";
import { once } from "node:events";
import { createServer } from "node:http";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "@jest/globals";
import { runLogs } from "../../../src/cli/commands/logs.ts";
import { KeyDatabase } from "../../../src/storage/keys/key-database.ts";
import { StreamClient } from "../../support/clients/stream-client.ts";
import { COMPILED } from "../../support/gateways/compiled.ts";
import { startTestGateway } from "../../support/gateways/gateway.ts";
import { freshSecret, keyFor } from "../../support/gateways/gateway-key.ts";
import { freePort } from "../../support/network/free-port.ts";
import { runCommand } from "../../support/openclaw/command-world.ts";
import { temporaryDirectories } from "../../support/stores/temporary-directory.ts";
import { ChatScript } from "../../support/upstreams/chat-script.ts";
import { startScriptedUpstream } from "../../support/upstreams/scripted-upstream.ts";

const directory = temporaryDirectories();
const SOURCE = fileURLToPath(new URL("../../../src/main.ts", import.meta.url));

const logs = (args: readonly string[], env: Readonly<Record<string, string>> = {}) =>
  runCommand(runLogs, args, { env, cwd: directory() });

/** A gateway where ann has had one answer and one failure, and bob one answer. */
async function setUp(port = 0) {
  await using started = new AsyncDisposableStack();
  const path = directory();
  const secrets = { ann: freshSecret(), bob: freshSecret(), ops: freshSecret() };
  const store = new KeyDatabase(path);
  for (const name of ["ann", "bob"] as const) store.add(keyFor(name, secrets[name]));
  store.add(keyFor("ops", secrets.ops, { scopes: ["chat", "logs"] }));
  store.close();
  const upstream = started.use(await startScriptedUpstream());
  const gateway = started.use(
    await startTestGateway({ upstream: upstream.url, config: { data: { directory: path }, listen: { port } } }),
  );
  const run = async (name: "ann" | "bob", fails = false) => {
    upstream.respondWith((exchange) =>
      fails ? void exchange.json(400, { error: { message: "no" } }) : new ChatScript(exchange).text("hello").finish(),
    );
    using client = await (await StreamClient.connect(gateway.url, { token: secrets[name] })).hello();
    await client.run("a", { model: "gpt", body: { messages: [] } });
  };
  await run("ann");
  await run("ann", true);
  await run("bob");
  const parts = started.move();
  return { gateway, secrets, path, run, [Symbol.asyncDispose]: () => parts.disposeAsync() };
}

const streams = (stdout: string) =>
  stdout
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => JSON.parse(line))
    .filter(({ event }) => event === "stream")
    .map(({ caller, status }) => `${caller} ${status}`);

describe("sluice logs", () => {
  test("prints the newest lines, for people or as JSON, filtered by caller, failure, level and stream", async () => {
    await using up = await setUp();
    const ask = async (...args: string[]) => {
      const { stdout } = await logs(["--url", up.gateway.url, "--json", ...args], { SLUICE_TOKEN: up.secrets.ops });
      return streams(stdout);
    };
    expect(await ask()).toEqual(["ann completed", "ann failed", "bob completed"]);
    expect(await ask("--key", "ann")).toEqual(["ann completed", "ann failed"]);
    expect(await ask("--failed")).toEqual(["ann failed"]);
    expect(await ask("--level", "warn")).toEqual(["ann failed"]);
    expect(await ask("--stream", "s_other")).toEqual([]);
    const { stdout } = await logs(["--url", up.gateway.url, "--failed"], { SLUICE_TOKEN: up.secrets.ops });
    expect(stdout).toMatch(/^\d{4}-\S+Z WARN {2}stream .*status=failed.*\n$/);
  });

  test("fails with the gateway's reason for a key without the scope", async () => {
    await using up = await setUp();
    const { code, stderr } = await logs(["--url", up.gateway.url], { SLUICE_TOKEN: up.secrets.ann });
    expect([code, stderr]).toEqual([1, expect.stringMatching(/^sluice: the gateway refuses: /)]);
  });

  test("fails where there is no gateway, and for a level that does not exist", async () => {
    expect(await logs(["--url", "http://127.0.0.1:1"])).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/no gateway answers at .*; start one, or say where it is with --url/),
    });
    expect((await logs(["--level", "loud"])).stderr).toMatch(/debug, info, warn, error/);
  });

  test("says that a gateway lives but serves nobody now, and tries again", async () => {
    let asked = 0;
    const server = createServer((_, response) => response.end("{}"));
    server.on("upgrade", (_, socket) => {
      // At the second attempt it is gone.
      if (++asked === 2) server.close();
      socket.end("HTTP/1.1 503 Service Unavailable\r\nconnection: close\r\ncontent-length: 0\r\n\r\n");
    });
    const port = await freePort();
    await once(server.listen(port, "127.0.0.1"), "listening");
    const { code, stderr } = await logs(["--url", `http://127.0.0.1:${port}`]);
    expect([code, asked]).toEqual([1, 2]);
    expect(stderr).toMatch(/takes no connections now: .*; trying again\n.*no gateway answers at /);
  });

  test("follows across a restart of the gateway, and says so", async () => {
    const port = await freePort();
    const up = await setUp(port);
    const env = { ...COMPILED, PATH: process.env.PATH, SLUICE_TOKEN: up.secrets.ops };
    const args = [SOURCE, "logs", "--follow", "--url", up.gateway.url];
    const child = spawn(process.execPath, args, { cwd: directory(), env, stdio: ["ignore", "pipe", "pipe"] });
    let output = "";
    let wake = () => {};
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding("utf8").on("data", (text: string) => {
        output += text;
        wake();
      });
    }
    let isOver = false;
    child.once("exit", () => {
      isOver = true;
      wake();
    });
    const until = async (pattern: RegExp) => {
      while (!pattern.test(output)) {
        if (isOver) throw new Error(`it ended before it said ${pattern}: ${output}`);
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
      }
    };
    await until(/ stream .*caller=bob/);
    await up.run("ann");
    await until(/ stream .*caller=bob[\s\S]* stream .*caller=ann/);
    await up[Symbol.asyncDispose]();
    await until(/lost; trying again/);
    await using _again = await startTestGateway({
      config: { data: { directory: up.path }, listen: { port } },
    });
    await until(/connected again[\s\S]*started/);
    child.kill("SIGINT");
    expect(output.match(/ stream .*caller=bob/g)).toHaveLength(1);
  });
});
