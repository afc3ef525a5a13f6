/** What the start page says clients need, run as it is written. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { text } from "node:stream/consumers";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { startTestGateway, type TestGateway } from "../support/gateways/gateway.ts";
import { loadClients } from "./browser-modules.ts";

const { CLIENTS, snippetOf } = await loadClients();
const ROOT = new URL("../../", import.meta.url);
const PREFIX = "/claw/one";
const TOKEN = "a-token-of-this-test";

const model = (alias: string, dialect: string) => ({ alias, dialect, name: alias, route: "any" });
const named = (name: string) => {
  const client = CLIENTS.find((one) => one.name === name);
  if (!client) throw new Error(`no client ${name}`);
  return client;
};

let gateway: TestGateway;
beforeAll(async () => {
  const listen = { port: 0, basePath: PREFIX };
  gateway = await startTestGateway({ config: { listen, demo: true, routes: {}, models: {}, auth: { token: TOKEN } } });
});
afterAll(() => gateway.close());

/** The text for the models that the page finds, at the address where it finds itself. */
async function snippetHere(name: string): Promise<string> {
  const http = gateway.url + PREFIX;
  const response = await fetch(`${http}/start.json`, { headers: { authorization: `Bearer ${TOKEN}` } });
  const { models } = (await response.json()) as { models: ReturnType<typeof model>[] };
  const snippet = snippetOf(named(name), http, models);
  if (snippet.text === undefined) throw new Error(snippet.missing);
  // A short answer; all else is as it is pasted.
  return snippet.text.replace("Say a word.", "[[5x1]]");
}

async function run(command: string, args: readonly string[]): Promise<string> {
  const child = spawn(command, args, {
    cwd: ROOT,
    env: { PATH: process.env.PATH, SLUICE_KEY: TOKEN },
    stdio: ["ignore", "pipe", "pipe"],
  });
  const [stdout, stderr] = await Promise.all([text(child.stdout), text(child.stderr), once(child, "exit")]);
  return stdout || stderr;
}

describe("below a prefix, with a token, at the demo's models", () => {
  test.each([
    ["curl, Messages", /event: message_stop/],
    ["curl, Chat Completions", /data: \[DONE\]/],
    ["curl, Responses", /event: response\.completed/],
  ])("%s streams to the end", async (name, end) => {
    expect(await run("sh", ["-c", await snippetHere(name)])).toMatch(end);
  });

  test.each(["OpenAI SDK", "Anthropic SDK"])("the %s prints an answer", async (name) => {
    const printed = await run(process.execPath, ["--input-type=module", "-e", await snippetHere(name)]);
    expect(printed).toMatch(/^\S.{20}/);
    expect(printed).not.toMatch(/Error/);
  });
});

test("agents and SDKs get the text of docs/agents.md, which is run with each client", () => {
  const docs = readFileSync(new URL("docs/agents.md", ROOT), "utf8");
  const models = [
    model("claude-sonnet-5", "anthropic-messages"),
    model("gpt-5", "openai-chat"),
    model("gpt-5", "openai-responses"),
  ];
  const documented = CLIENTS.filter(({ group }) => group !== "HTTP");
  expect(documented.length).toBeGreaterThan(10);
  for (const client of documented) {
    const section = docs.split(`\n## ${client.name}\n`)[1]?.split("\n## ")[0] ?? "";
    const [, block] = /```\w+\n([\s\S]*?)\n```/.exec(section) ?? [];
    expect([client.name, snippetOf(client, "http://127.0.0.1:18789", models).text]).toEqual([client.name, block]);
  }
});

test("a client whose dialect no model speaks is told so, instead of getting a text that fails", () => {
  const { text: given, missing } = snippetOf(named("Claude Code"), "http://x", [model("gpt", "openai-chat")]);
  expect(given).toBeUndefined();
  expect(missing).toBe("Claude Code speaks Anthropic Messages, and no model of this gateway does.");
});
