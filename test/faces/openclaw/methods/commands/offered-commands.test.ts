import { readFileSync } from "node:fs";
import { describe, expect, test } from "@jest/globals";
import { OPENCLAW_RELEASE } from "../../../../../protocol/openclaw/wire.ts";
import { isObject } from "../../../../../src/core/kernel/json.ts";
import type { OpenClawClient } from "../../../../support/openclaw/openclaw-client.ts";
import { type Rig, startRig } from "../../../../support/openclaw/openclaw-rig.ts";

interface Offered {
  readonly release: string;
  /** The words that the gateway, the page and the terminal UI share, aliases included. */
  readonly registry: readonly string[];
  /** The page's own. */
  readonly controlUi: readonly string[];
  /** The terminal UI's own. */
  readonly terminalUi: readonly string[];
}

const url = new URL("../../../../recordings/openclaw/commands.json", import.meta.url);
const offered: Offered = JSON.parse(readFileSync(url, "utf8"));
const words = [...new Set([...offered.registry, ...offered.controlUi, ...offered.terminalUi])];

type Send = (client: OpenClawClient, message: string, idempotencyKey: string) => Promise<unknown>;

/** Every way in which a client can send a message. */
const WAYS = {
  "chat.send": (client: OpenClawClient, message: string, idempotencyKey: string) =>
    client.request("chat.send", { sessionKey: "main", message, idempotencyKey }),
  "sessions.send": (client: OpenClawClient, message: string, idempotencyKey: string) =>
    client.request("sessions.send", { key: "main", message, idempotencyKey }),
  agent: (client: OpenClawClient, message: string, idempotencyKey: string) =>
    client.request("agent", { sessionKey: "main", message, idempotencyKey }),
  "sessions.create": (client: OpenClawClient, message: string, idempotencyKey: string) =>
    client.request("sessions.create", { key: `draft:${idempotencyKey}`, message, idempotencyKey }),
} satisfies Readonly<Record<string, Send>>;

/** What the gateway says to a message. */
const answerTo = async (client: OpenClawClient, send: Send, message: string, runId: string): Promise<string> => {
  const response = await send(client, message, runId);
  // `chat.send` stops the runs and says so in its response alone, as the real gateway does.
  if (isObject(response) && response.aborted === false) return "Nothing is running.";
  const { message: answer } = await client.ended(runId);
  return answer?.content.map(({ text }) => text).join("") ?? "";
};

/** With a question, these ask the side chat (`btw.test.ts`). */
const ASKING = new Set(["btw", "side"]);

async function askAll(rig: Rig, send: Send, argument = ""): Promise<readonly string[]> {
  using client = await rig.client();
  const answers = [];
  const asked = words.filter((word) => argument === "" || !ASKING.has(word));
  for (const word of asked) answers.push(await answerTo(client, send, `/${word}${argument}`, `${word}${argument}`));
  expect(rig.calls).toHaveLength(0);
  expect(rig.faults).toEqual([]);
  return answers;
}

describe("every command that OpenClaw's page and terminal UI offer", () => {
  test("is in the list of this release", () => {
    expect(offered.release).toBe(OPENCLAW_RELEASE);
    expect(words.length).toBeGreaterThan(70);
  });

  test.each(Object.entries(WAYS))("sent with %s reaches no provider, alone or with an argument", async (_, send) => {
    await using rig = await startRig();
    const answers = [...(await askAll(rig, send)), ...(await askAll(rig, send, " some words"))];
    expect(answers.filter((answer) => answer === "")).toEqual([]);
  });

  test("is answered, or refused by its name in one sentence", async () => {
    await using rig = await startRig();
    using client = await rig.client();
    const answers = await askAll(rig, WAYS["sessions.send"]);
    const { commands } = await client.request("commands.list", { scope: "text" });
    const listed = (commands as { textAliases: string[] }[]).flatMap(({ textAliases }) => textAliases);
    words.forEach((word, at) => {
      if (listed.includes(`/${word}`)) expect(answers[at]).not.toMatch(/not available here|no command/);
      else expect(answers[at]).toMatch(new RegExp(`^\`/${word}\` is not available here: [^\\n]+\\.$`));
    });
  });
});

describe("an unknown /word", () => {
  test.each([
    ["alone", "/foo"],
    ["with words", "/foo bar baz"],
    ["with lines", "/foo\nbar\nbaz"],
    ["behind blanks", "  \n/foo"],
    ["in capitals", "/FOO"],
    ["with punctuation", "/foo?"],
    ["with a colon", "/foo:bar"],
    ["of another alphabet", "/привет"],
    ["with a dash", "/foo-bar_2"],
  ])("%s is refused by name and reaches no provider", async (_, message) => {
    await using rig = await startRig();
    using client = await rig.client();
    expect(await answerTo(client, WAYS["chat.send"], message, "r1")).toMatch(
      /^There is no command `\/\S+`, and nothing was sent to the model\./,
    );
    expect(rig.calls).toHaveLength(0);
  });
});

describe("a message with a slash", () => {
  test.each([
    ["a path", "/etc/hosts is a file"],
    ["a path of folders", "/usr/bin"],
    ["a folder with its slash", "/tmp/ is full"],
    ["a file", "/index.html is missing"],
    ["a comment", "// the loop ends here"],
    ["a block comment", "/* the loop ends here */"],
    ["what is begun with two slashes, unchanged", "//status"],
    ["a number", "/2 is a half"],
    ["a pattern", "/^a+$/ matches what?"],
    ["a lone slash", "/"],
    ["a slash and a blank", "/ status"],
    ["a slash in the middle", "what does /status do?"],
    ["a regular expression", "/ab+c/gi"],
  ])("%s is for the model", async (_, message) => {
    await using rig = await startRig();
    using client = await rig.client();
    await client.request("chat.send", { sessionKey: "main", message, idempotencyKey: "r1" });
    expect(rig.call.body.messages).toEqual([{ role: "user", content: message }]);
  });

  test("that is to be taken as text is for the model, command or not", async () => {
    await using rig = await startRig();
    using client = await rig.client();
    const fields = { sessionKey: "main", idempotencyKey: "r1", suppressCommandInterpretation: true };
    await client.request("chat.send", { ...fields, message: "/new" });
    expect(rig.call.body.messages).toEqual([{ role: "user", content: "/new" }]);
  });
});
