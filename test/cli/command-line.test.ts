import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "@jest/globals";
import { runCommandLine, type World } from "../../src/cli/command-line.ts";
import type { Config } from "../../src/config/schema.ts";
import { GatewayError } from "../../src/core/kernel/errors.ts";
import { temporaryDirectories } from "../support/stores/temporary-directory.ts";

const directory = temporaryDirectories();

interface Setting {
  readonly file?: unknown;
  readonly env?: Readonly<Record<string, string>>;
  readonly terminal?: boolean;
  readonly openFiles?: number;
  readonly resolve?: World["resolve"];
  readonly createGateway?: World["createGateway"];
  readonly createWorkers?: World["createWorkers"];
  readonly processors?: number;
}

/** Runs the command line in a fresh directory; the gateway is a fake that is stopped as soon as it runs. */
async function run(args: readonly string[], setting: Setting = {}) {
  const cwd = directory();
  if (setting.file !== undefined) writeFileSync(join(cwd, "sluice.config.json"), JSON.stringify(setting.file));
  const seen = { stdout: "", stderr: "", closed: 0, config: undefined as Config | undefined };
  const code = await runCommandLine(args, {
    env: setting.env ?? {},
    cwd,
    version: "1.2.3",
    openFiles: setting.openFiles,
    resolve: setting.resolve ?? (async () => ["1.1.1.1"]),
    openTerminal: undefined,
    openScreen: undefined,
    stdout: { write: (text) => (seen.stdout += text), isTTY: setting.terminal ?? false },
    stderr: { write: (text) => (seen.stderr += text) },
    pid: 4711,
    processors: setting.processors ?? 4,
    createWorkers: setting.createWorkers ?? (() => Promise.reject(new Error("it starts workers"))),
    onHangUp() {},
    hangUp() {},
    stopped: async () => ({ code: 0, reason: "SIGTERM" }),
    createGateway:
      setting.createGateway ??
      (async (config) => {
        seen.config = config;
        return { url: "http://127.0.0.1:4711", reload: () => ({}), close: async () => void seen.closed++ };
      }),
  });
  return { code, ...seen };
}

describe("sluice", () => {
  test.each([["--help"], ["-h"], ["serve", "--help"]])("%s prints the usage", async (...args) => {
    const { code, stdout, config } = await run(args);
    expect(code).toBe(0);
    expect(stdout).toMatch(/^Usage: sluice/);
    expect(config).toBeUndefined();
  });

  test("keys is a command with options of its own", async () => {
    const { code, stdout, config } = await run(["keys", "--help"]);
    expect(code).toBe(0);
    expect(stdout).toMatch(/^Usage: sluice keys create/);
    expect(config).toBeUndefined();
  });

  test("usage is a command with options of its own", async () => {
    const { code, stdout, config } = await run(["usage", "--help"]);
    expect(code).toBe(0);
    expect(stdout).toMatch(/^Usage: sluice usage/);
    expect(config).toBeUndefined();
  });

  test.each(["--version", "-v"])("%s prints the version", async (flag) => {
    expect(await run([flag])).toMatchObject({ code: 0, stdout: "1.2.3\n" });
  });

  test.each([
    [["--prot", "1"], "Unknown option '--prot'"],
    [["--port"], "Option '--port <value>' argument missing"],
    [["start"], "there is no command start"],
    [["serv"], "there is no command serv; perhaps serve is meant"],
    [["serve", "check"], "only one command at a time, found also check"],
  ])("%j is bad usage: exit code 2 and the reason", async (args, reason) => {
    const { code, stdout, stderr } = await run(args);
    expect(code).toBe(2);
    expect(stdout).toBe("");
    expect(stderr).toBe(`sluice: ${reason}\nSee sluice --help.\n`);
  });
});

describe("sluice check", () => {
  test("prints the whole configuration as JSON, with secrets masked", async () => {
    const { code, stdout, stderr } = await run(["check"], {
      file: { auth: { token: { env: "MINE" } } },
      env: { MINE: "canary-hunter2-hunter2", OPENAI_API_KEY: "canary-key" },
    });
    expect(code).toBe(0);
    expect(stderr).toBe("");
    expect(JSON.parse(stdout)).toMatchObject({
      listen: { port: 18789 },
      auth: { token: "[secret from MINE]" },
      routes: { openai: { key: "[secret from OPENAI_API_KEY]" } },
    });
    expect(stdout).not.toContain("canary");
  });

  test("prints what a route passes on as it is written", async () => {
    const local = { dialect: "openai-chat", baseUrl: "http://127.0.0.1:1/v1", passThrough: ["GET /v1/files/*"] };
    const { stdout } = await run(["check"], {
      file: { routes: { local }, models: { m: { route: "local", model: "m" } } },
    });
    expect(JSON.parse(stdout).routes.local.passThrough).toEqual(["GET /v1/files/*"]);
  });

  test("lists every problem on stderr, without a stack, and exits with 1", async () => {
    const { code, stdout, stderr } = await run(["check"], { file: { listen: { port: "x" }, auth: 1 } });
    expect(code).toBe(1);
    expect(stdout).toBe("");
    expect(stderr.split("\n")).toEqual([
      "sluice: sluice.config.json: 2 problems",
      "  listen.port: found a string, expected a number",
      "  auth: found 1, expected an object",
      "",
    ]);
  });

  test("warns on stderr of probable mistakes", async () => {
    const { code, stderr } = await run(["check"], { env: { SLUICE_TOKEN: "short" } });
    expect(code).toBe(0);
    expect(stderr).toMatch(/^sluice: warning: auth.token: shorter/);
  });

  test.each(["check", "serve"])("warns on stderr at %s of a route whose address is refused", async (command) => {
    const routes = { lan: { dialect: "openai-chat", baseUrl: "http://172.17.0.1:11434/v1" } };
    const { code, stderr } = await run([command], { file: { routes, models: { m: { route: "lan", model: "m" } } } });
    expect(code).toBe(0);
    expect(stderr).toMatch(
      /^sluice: warning: routes.lan.baseUrl: .*set routes.lan.allowPrivateNetwork to \["172\.16\.0\.0\/12"\]$/m,
    );
  });

  test.each(["check", "serve"])(
    "warns on stderr at %s of a route whose name leads to a refused address",
    async (command) => {
      const routes = { gpu: { dialect: "openai-chat", baseUrl: "http://gpu.example.com:8000/v1" } };
      const file = { routes, models: { m: { route: "gpu", model: "m" } } };
      const { code, stderr } = await run([command], { file, resolve: async () => ["10.0.0.5"] });
      expect(code).toBe(0);
      expect(stderr).toBe(
        'sluice: warning: routes.gpu.baseUrl: gpu.example.com: the upstream\'s address is not on the public internet (it is in 10.0.0.0/8); to allow it, set routes.gpu.allowPrivateNetwork to ["10.0.0.0/8"]\n',
      );
    },
  );

  test("the start waits for no lookup", async () => {
    const routes = { far: { dialect: "openai-chat", baseUrl: "https://api.example.com/v1" } };
    const file = { routes, models: { m: { route: "far", model: "m" } } };
    expect(await run(["serve"], { file, resolve: () => new Promise(() => {}) })).toMatchObject({ code: 0, closed: 1 });
  });

  test.each(["check", "serve"])("says at %s which routes ignore the environment's proxy", async (command) => {
    const routes = { away: { dialect: "openai-chat", baseUrl: "https://api.example.com/v1" } };
    const file = { routes, models: { m: { route: "away", model: "m" } } };
    const { stderr } = await run([command], { file, env: { HTTPS_PROXY: "http://proxy:3128" } });
    expect(stderr).toMatch(/^sluice: warning: the environment's HTTPS_PROXY or HTTP_PROXY is ignored: routes\.away /m);
  });

  test("check warns when the system allows fewer open files than the limits allow sockets", async () => {
    const file = { limits: { connections: 100, openStreams: 60 }, demo: true };
    const stderr = async (command: string, openFiles: number) => (await run([command], { file, openFiles })).stderr;
    const warning =
      "sluice: warning: limits: connections and openStreams allow 160 sockets, but new ones are refused at 159 open files; raise the system's limit (ulimit -n, LimitNOFILE) or lower them\n";
    // 64 are kept for upstreams and the store.
    expect([await stderr("check", 223), await stderr("check", 224)]).toEqual([warning, ""]);
    // The defaults allow more than most systems: a start that may never need that does not warn.
    expect(await stderr("serve", 223)).toBe("");
  });

  test("flags override the environment, which overrides the file", async () => {
    const file = { listen: { host: "127.0.0.2", port: 1 } };
    const env = { SLUICE_HOST: "127.0.0.3", SLUICE_PORT: "2" };
    const listen = async (...args: string[]) =>
      JSON.parse((await run(["check", ...args], { file, env })).stdout).listen;
    expect(await listen()).toMatchObject({ host: "127.0.0.3", port: 2 });
    expect(await listen("--port", "3")).toMatchObject({ host: "127.0.0.3", port: 3 });
    expect(await listen("--host", "localhost", "--port=0")).toMatchObject({ host: "localhost", port: 0 });
    expect(await run(["check", "--config", "none.json"])).toMatchObject({
      code: 1,
      stderr:
        "sluice: none.json: 1 problem\n  the file: found no such file, expected a readable file; set SLUICE_CONFIG or --config to one\n",
    });
  });
});

describe("sluice serve", () => {
  test("is the default command: runs the gateway until it is stopped, then closes it", async () => {
    const { code, config, closed } = await run([], { file: { listen: { port: 5 } } });
    expect(code).toBe(0);
    expect(config?.listen.port).toBe(5);
    expect(closed).toBe(1);
  });

  test("prints its address on a terminal; elsewhere standard output is for the log", async () => {
    const terminal = await run(["serve"], { terminal: true });
    expect(terminal.stdout).toMatch(/^Sluice 1.2.3 listens on http:\/\/127.0.0.1:4711\n/);
    expect(terminal.stdout).toContain("ws://127.0.0.1:4711/v1/stream");
    expect(terminal.config?.log.pretty).toBe(true);
    const piped = await run(["serve"]);
    expect(piped.stdout).toBe("");
    expect(piped.config?.log.pretty).toBe(false);
    expect((await run(["serve"], { file: { log: { pretty: true } } })).stdout).toMatch(/^Sluice/);
  });

  test("does not start with an invalid configuration", async () => {
    const { code, config } = await run(["serve"], { file: { listen: { host: "0.0.0.0" } } });
    expect(code).toBe(1);
    expect(config).toBeUndefined();
  });

  test("prints why it could not start, and exits with 1", async () => {
    const createGateway = async () => {
      throw new GatewayError("store_unavailable", "the store in /x cannot be used: file is not a database");
    };
    const { code, stderr } = await run(["serve"], { createGateway });
    expect(code).toBe(1);
    expect(stderr).toBe("sluice: the store in /x cannot be used: file is not a database\n");
  });
});
