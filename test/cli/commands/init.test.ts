import { type ChildProcess, spawn } from "node:child_process";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { fileURLToPath } from "node:url";
import { stripVTControlCharacters } from "node:util";
import { afterAll, describe, expect, test } from "@jest/globals";
import { PROVIDER_NAMES, providerNamed } from "../../../src/config/providers.ts";
import { COMPILED } from "../../support/gateways/compiled.ts";
import { temporaryDirectories } from "../../support/stores/temporary-directory.ts";

const directory = temporaryDirectories();
const main = fileURLToPath(new URL("../../../src/main.ts", import.meta.url));
const SECRET = "sk-canary-0123456789abcdef";

const children: ChildProcess[] = [];
afterAll(() => {
  for (const child of children) child.kill("SIGKILL");
});

interface Ran {
  readonly code: number | null;
  readonly output: string;
  readonly cwd: string;
  readonly config: { readonly [key: string]: unknown } | undefined;
}

const configIn = (cwd: string, file = "sluice.config.json") =>
  existsSync(join(cwd, file)) ? JSON.parse(readFileSync(join(cwd, file), "utf8")) : undefined;

/** Runs the real program with nothing on its standard input. */
async function run(args: readonly string[], env: Record<string, string> = {}, cwd = directory()): Promise<Ran> {
  const child = spawn(process.execPath, [main, ...args], {
    cwd,
    env: { ...COMPILED, ...env },
    stdio: ["ignore", "pipe", "pipe"],
  });
  const output = Promise.all([text(child.stdout), text(child.stderr)]);
  const code = await new Promise<number | null>((exited) => child.once("exit", exited));
  return { code, output: (await output).join(""), cwd, config: configIn(cwd) };
}

const init = (args: readonly string[], env = {}, cwd = directory()) => run(["init", ...args], env, cwd);

/** Runs `sluice init` on a terminal of its own, and types each answer when its question has come. */
async function converse(turns: readonly (readonly [question: string, answer: string])[], env = {}): Promise<Ran> {
  const cwd = directory();
  const command = `"${process.execPath}" "${main}" init`;
  const child = spawn("script", ["-qec", command, "/dev/null"], {
    cwd,
    env: { ...COMPILED, PATH: process.env.PATH, ...env },
    stdio: ["pipe", "pipe", "inherit"],
  });
  children.push(child);
  let output = "";
  let read = 0;
  const left = [...turns];
  child.stdout.setEncoding("utf8").on("data", (more: string) => {
    output = stripVTControlCharacters(output + more);
    const [question, answer] = left[0] ?? [];
    const at = question === undefined ? -1 : output.indexOf(question, read);
    // Answered once the whole prompt stands there.
    if (at < 0 || !output.endsWith(": ")) return;
    read = output.length;
    left.shift();
    child.stdin.write(answer ?? "");
  });
  const code = await new Promise<number | null>((exited) => child.once("exit", exited));
  expect(left).toEqual([]);
  return { code, output, cwd, config: configIn(cwd) };
}

const ALL = ["--providers", "anthropic", "--where", "here", "--for", "me"];

describe("on a terminal, sluice init", () => {
  test("asks which providers, where and for whom, writes the file and says what comes next", async () => {
    const { code, output, config } = await converse([
      ["Which providers?", "anthropic, vllm=http://10.0.0.5:8000/v1\n"],
      ["vllm: a model", "llama\n"],
      ["Where will clients reach it?", "chat.example.com\n"],
      ["For whom?", "others\n"],
    ]);
    expect(config).toEqual({
      listen: { host: "0.0.0.0" },
      allowedHosts: ["chat.example.com"],
      auth: { required: true },
      routes: {
        anthropic: { preset: "anthropic", key: { env: "ANTHROPIC_API_KEY" } },
        vllm: { preset: "vllm", baseUrl: "http://10.0.0.5:8000/v1" },
      },
      models: {
        "claude-sonnet": { route: "anthropic", model: "claude-sonnet-5", name: "Claude Sonnet" },
        "claude-haiku": { route: "anthropic", model: "claude-haiku-4-5", name: "Claude Haiku" },
        llama: { route: "vllm", model: "llama" },
      },
    });
    expect(output).toMatch(/Wrote sluice\.config\.json\. Next:\s+1\. set the environment variable ANTHROPIC_API_KEY/);
    for (const step of ["sluice check", "sluice keys create <name>", "TLS"]) expect(output).toContain(step);
    expect(code).toBe(0);
  });

  test("takes the key in the environment, this machine and one user for empty answers", async () => {
    const turns = ["Which providers?", "Where will clients", "For whom?"].map((question) => [question, "\n"] as const);
    const { code, config, output } = await converse(turns, { ANTHROPIC_API_KEY: SECRET });
    expect([code, Object.keys(config ?? {})]).toEqual([0, ["routes", "models"]]);
    expect(output).not.toContain("set the environment variable");
    expect(output).not.toContain(SECRET);
  });

  test("asks again, with the reason, for an answer it cannot use", async () => {
    const { code, config } = await converse([
      ["Which providers?", "opnrouter\n"],
      ["providers are demo, or some of", "azure\n"],
      ["azure: its address", "my-resource\n"],
      ["the address of azure is an http or https URL", "https://mine.openai.azure.com/openai/v1\n"],
      ["azure: a model", "my-gpt\n"],
      ["Where will clients", "here\n"],
      ["For whom?", "me\n"],
    ]);
    expect(code).toBe(0);
    expect(config?.routes).toEqual({
      azure: {
        preset: "azure",
        baseUrl: "https://mine.openai.azure.com/openai/v1",
        key: { env: "AZURE_OPENAI_API_KEY" },
      },
    });
  });

  test.each([
    ["Ctrl+D", "\x04"],
    ["Ctrl+C", "\x03"],
  ])("writes nothing after %s", async (_key, typed) => {
    const { code, config, output } = await converse([["Which providers?", typed]]);
    expect([code, config]).toEqual([1, undefined]);
    expect(output).toMatch(/^sluice: .*nothing is written/m);
  });
});

describe("without a terminal, sluice init", () => {
  test("takes every answer from its options", async () => {
    const { code, config } = await init(ALL);
    expect(code).toBe(0);
    expect(config?.routes).toEqual({ anthropic: { preset: "anthropic", key: { env: "ANTHROPIC_API_KEY" } } });
  });

  test.each([
    [[], "give --providers, --where, --for"],
    [["--providers", "demo", "--for", "me"], "give --where"],
    [["--providers", "vllm", "--where", "here", "--for", "me"], "vllm needs a model"],
    [["--providers", "azure", "--where", "here", "--for", "me"], "azure needs its address"],
    [["--providers", "azrue", "--where", "here", "--for", "me"], "providers are demo, or some of anthropic"],
    [["--providers", "vllm,vllm", "--where", "here", "--for", "me"], "each provider once"],
    [[...ALL, "--models", "vllm=llama"], "--models names a provider that is not among"],
    [["--providers", "demo", "--where", "not a host", "--for", "me"], "where is here, or the host name"],
    [["--providers", "demo", "--where", "0.0.0.0", "--for", "me"], "where is here, or the host name"],
    [["--providers", "demo", "--where", "http://[::]:80", "--for", "me"], "where is here, or the host name"],
    [["--providers", "demo", "--where", "here", "--for", "nobody"], "for whom is me or others"],
    [["--provider", "demo"], "Unknown option '--provider'"],
  ])("refuses %j with 2 and the reason, and writes nothing", async (args, reason) => {
    const { code, output, config } = await init(args);
    expect([code, config]).toEqual([2, undefined]);
    expect(output).toContain(reason);
  });

  test.each(["openai vllm", "openai,  vllm", "openai,vllm ,"])("takes the list %j", async (providers) => {
    const { config } = await init([
      "--providers",
      providers,
      "--models",
      "vllm = llama",
      "--where",
      "here",
      "--for",
      "me",
    ]);
    expect(Object.keys(config?.routes ?? {})).toEqual(["openai", "vllm"]);
  });

  test.each(["localhost", "127.0.0.1", "http://localhost:18789"])(
    "listens on this machine only for %s",
    async (where) => {
      const { config } = await init(["--providers", "demo", "--where", where, "--for", "me"]);
      expect([config?.listen, config?.allowedHosts]).toEqual([undefined, undefined]);
    },
  );

  test("never overwrites a file, and may write another", async () => {
    const cwd = directory();
    writeFileSync(join(cwd, "sluice.config.json"), '{"demo":true}');
    const refused = await init(ALL, {}, cwd);
    expect([refused.code, refused.config]).toEqual([1, { demo: true }]);
    expect(refused.output).toContain("sluice.config.json exists and is not overwritten");
    const other = await init([...ALL, "--config", "other.json"], {}, cwd);
    expect([other.code, Object.keys(configIn(cwd, "other.json"))]).toEqual([0, ["routes", "models"]]);
    expect(other.output).toContain("sluice check --config other.json");
  });

  test("writes a reference where the environment has a key, and quotes no secret in an answer", async () => {
    const { cwd, output } = await init(ALL, { ANTHROPIC_API_KEY: SECRET, SLUICE_TOKEN: SECRET });
    expect(readFileSync(join(cwd, "sluice.config.json"), "utf8") + output).not.toContain(SECRET);
    const pasted = await init(["--providers", `openrouter=${SECRET}`, "--where", "here", "--for", "me"]);
    expect([pasted.code, pasted.config]).toEqual([2, undefined]);
    expect(pasted.output).not.toContain(SECRET);
  });
});

describe("what sluice init writes", () => {
  test.each([
    ["here", "me", undefined, {}],
    ["here", "others", { required: true }, {}],
    ["10.0.0.9", "me", { token: { env: "SLUICE_TOKEN" } }, { SLUICE_TOKEN: SECRET }],
    ["https://sluice.example.com/", "others", { required: true }, {}],
  ])("for %s and %s is accepted by sluice check once its variables are set", async (where, whom, auth, env) => {
    const { cwd, config } = await init(["--providers", "demo", "--where", where, "--for", whom]);
    expect(config?.auth).toEqual(auth);
    const { code, output } = await run(["check"], env, cwd);
    expect([code, output]).toEqual([0, expect.not.stringContaining("allowedHosts: empty")]);
  });

  test("is accepted with every preset", async () => {
    const own = (form: string) => `=${form.replace(/<\w+>/g, "mine")}`;
    const providers = PROVIDER_NAMES.map((name) => {
      const form = providerNamed(name)?.addressForm;
      return `${name}${form === undefined ? "" : own(form)}`;
    });
    const models = PROVIDER_NAMES.map((name) => `${name}=${name}-model`);
    const answers = ["--providers", providers.join(), "--models", models.join(), "--where", "here", "--for", "me"];
    const { cwd, code } = await init(answers);
    const keys = PROVIDER_NAMES.flatMap((name) => providerNamed(name)?.keyEnv ?? []);
    const env = Object.fromEntries(keys.map((key) => [key, SECRET]));
    const check = await run(["check"], env, cwd);
    expect([code, check.code]).toEqual([0, 0]);
    expect(check.output).not.toContain(SECRET);
  });
});
