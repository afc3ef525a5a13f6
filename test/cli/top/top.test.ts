import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "@jest/globals";
import { runTop } from "../../../src/cli/commands/top.ts";
import { StreamClient } from "../../support/clients/stream-client.ts";
import { COMPILED } from "../../support/gateways/compiled.ts";
import { startTestGateway } from "../../support/gateways/gateway.ts";
import { freePort } from "../../support/network/free-port.ts";
import { temporaryDirectories } from "../../support/stores/temporary-directory.ts";
import { startScriptedUpstream } from "../../support/upstreams/scripted-upstream.ts";

const directory = temporaryDirectories();
const SOURCE = fileURLToPath(new URL("../../../src/main.ts", import.meta.url));
/** Gives a command a terminal of its own; of util-linux. */
const SCRIPT = "/usr/bin/script";

async function top(args: readonly string[], env: Readonly<Record<string, string>> = {}) {
  const written = { stdout: "", stderr: "" };
  const sink = (name: "stdout" | "stderr") => ({
    write(text: string) {
      written[name] += text;
    },
  });
  const world = { env, cwd: directory(), stdout: sink("stdout"), stderr: sink("stderr"), openScreen: undefined };
  return { code: await runTop(["--every", "100", ...args], world), ...written };
}

/** A gateway with one running stream. */
async function setUp(config: Record<string, unknown> = {}) {
  await using started = new AsyncDisposableStack();
  const upstream = started.use(await startScriptedUpstream());
  const gateway = started.use(await startTestGateway({ upstream: upstream.url, config }));
  const client = started.use(await (await StreamClient.connect(gateway.url)).hello());
  client.send({ type: "open", id: "a", model: "gpt", body: { messages: [] } });
  await upstream.request();
  const parts = started.move();
  return { gateway, client, [Symbol.asyncDispose]: () => parts.disposeAsync() };
}

describe("without a terminal", () => {
  test("prints a table once, or JSON", async () => {
    await using up = await setUp();
    const { code, stdout } = await top(["--url", up.gateway.url]);
    expect(code).toBe(0);
    expect(stdout).toMatch(/^CALLER .* AGE\nlocal {2}\S* *gpt +chat\/gpt-test +stream +waiting +- +0 +0 +0 +\d+s\n$/);
    const { streams } = JSON.parse((await top(["--json", "--url", up.gateway.url])).stdout);
    expect(streams).toMatchObject([{ caller: "local", model: "gpt", eventsPerSecond: 0, firstSentMs: null }]);
  });

  test("fails with the gateway's reason, or where it looked for one", async () => {
    await using gateway = await startTestGateway({ config: { auth: { token: "a-token-of-this-test" } } });
    expect(await top(["--url", gateway.url])).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/refuses with 401/),
    });
    expect((await top(["--url", gateway.url], { SLUICE_TOKEN: "a-token-of-this-test" })).code).toBe(0);
    const nobody = await top(["--url", "http://127.0.0.1:1"]);
    expect(nobody).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/no gateway answers at http:\/\/127.0.0.1:1/),
    });
  });

  test("refuses an interval that would be a load", async () => {
    expect((await top(["--every", "5"])).stderr).toMatch(/at least 100/);
  });
});

if (!existsSync(SCRIPT)) test.skip("on a terminal: skipped, there is no script (util-linux)", () => {});
else {
  describe("on a terminal", () => {
    /** `sluice top` on a terminal of its own, followed by the terminal's settings. */
    function start(url: string) {
      const command = `'${process.execPath}' '${SOURCE}' top --every 100 --url ${url}; echo "code $?"; stty -a`;
      const child = spawn(SCRIPT, ["-qec", command, "/dev/null"], {
        cwd: directory(),
        env: { ...COMPILED, PATH: process.env.PATH, TERM: "xterm", SHELL: "/bin/sh" },
        stdio: ["pipe", "pipe", "inherit"],
      });
      let output = "";
      let wake = () => {};
      child.stdout.setEncoding("utf8").on("data", (text: string) => {
        output += text;
        wake();
      });
      return {
        type: (text: string) => child.stdin.write(text),
        async until(pattern: RegExp) {
          while (!pattern.test(output)) await new Promise<void>((resolve) => (wake = resolve));
          return output;
        },
        [Symbol.dispose]: () => void child.kill("SIGKILL"),
      };
    }
    const GIVEN_BACK = /\p{Cc}\[\?7h\p{Cc}\[\?25h\p{Cc}\[\?1049l[\s\S]*code (\d+)[\s\S]* icanon[\s\S]* echo /u;

    test.each([
      ["q", "0"],
      ["\x03", "0"],
    ])("shows the streams, and gives the terminal back at %j", async (key, code) => {
      await using up = await setUp();
      using terminal = start(up.gateway.url);
      const output = await terminal.until(/waiting/);
      expect(output).toContain("\x1b[?1049h");
      terminal.type(key);
      expect((await terminal.until(GIVEN_BACK)).match(GIVEN_BACK)?.[1]).toBe(code);
    });

    test("ends a stream by key: its client gets cancelled", async () => {
      await using up = await setUp();
      using terminal = start(up.gateway.url);
      await terminal.until(/waiting/);
      terminal.type("jxy");
      expect(await up.client.take(({ type }) => type === "end")).toMatchObject({
        status: "cancelled",
        error: { code: "cancelled", message: "ended by an operator" },
      });
      await terminal.until(/ended s_/);
    });

    test("gives the terminal back when the gateway refuses it in the middle", async () => {
      const port = await freePort();
      const up = await setUp({ auth: { required: false }, listen: { port } });
      using terminal = start(up.gateway.url);
      await terminal.until(/waiting/);
      await up[Symbol.asyncDispose]();
      await terminal.until(/no answer from the gateway since/);
      await using _other = await startTestGateway({
        config: { listen: { port }, auth: { token: "a-token-of-this-test" } },
      });
      const output = await terminal.until(GIVEN_BACK);
      expect(output).toMatch(/refuses with 401/);
      expect(output.match(GIVEN_BACK)?.[1]).toBe("1");
    });
  });
}
