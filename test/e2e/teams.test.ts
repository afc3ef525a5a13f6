/** Teams above keys, and the gateway's caps above teams, in a gateway that runs. */
import { expect, test } from "@jest/globals";
import { runTeams } from "../../src/cli/commands/keys/teams.ts";
import { configSchema } from "../../src/config/schema.ts";
import type { UsageReport } from "../../src/core/ledger/ledger.ts";
import { startKeyedGateway } from "../support/gateways/keyed-gateway.ts";
import { runCommand } from "../support/openclaw/command-world.ts";
import { temporaryDirectories } from "../support/stores/temporary-directory.ts";
import { type Script, startScriptedUpstream } from "../support/upstreams/scripted-upstream.ts";

const newDirectory = temporaryDirectories();
const messages = [{ role: "user", content: "Hi" }];

/** A gateway whose provider counts 7 tokens of input and 393 of output for every answer. */
async function setUp(config: Record<string, unknown> = {}) {
  const stack = new AsyncDisposableStack();
  const directory = newDirectory();
  const upstream = stack.use(await startScriptedUpstream());
  const asked: number[] = [];
  const answer: Script = (exchange) => {
    asked.push((JSON.parse(exchange.body) as { readonly max_tokens: number }).max_tokens);
    exchange.sse().event({ choices: [{ index: 0, delta: { content: "Hello" } }] });
    exchange.event({ choices: [{ index: 0, delta: {}, finish_reason: "stop" }] });
    exchange
      .event({ choices: [], usage: { prompt_tokens: 7, completion_tokens: 393 } })
      .event("[DONE]")
      .end();
  };
  upstream.respondWith(answer);
  const start = async () => stack.use(await startKeyedGateway(directory, upstream.url, config));
  const teams = async (...args: readonly string[]) => {
    const { code, stderr } = await runCommand(runTeams, [...args, "--data", directory]);
    if (code !== 0) throw new Error(stderr);
  };
  return { upstream, asked, answer, start, teams, [Symbol.asyncDispose]: () => stack.disposeAsync() };
}

/** Asks for an answer of up to 500 tokens; resolves with the status and the error's words. */
async function ask(url: string, secret: string): Promise<readonly [number, string]> {
  const answer = await fetch(`${url}/v1/chat/completions`, {
    method: "POST",
    headers: { authorization: `Bearer ${secret}`, "content-type": "application/json" },
    body: JSON.stringify({ model: "gpt", max_tokens: 500, stream: true, messages }),
  });
  return [answer.status, await answer.text()];
}

/** Asks until the answer is as wanted. */
async function until(url: string, secret: string, isSo: (answer: readonly [number, string]) => boolean) {
  for (;;) {
    const answer = await ask(url, secret);
    if (isSo(answer)) return answer;
  }
}

/** Resolves with the usage by team, once as many streams as that have ended. */
async function usage(
  url: string,
  secret: string,
  ended: number,
): Promise<readonly (readonly [string | null, number])[]> {
  for (;;) {
    const answer = await fetch(`${url}/v1/usage?by=team`, { headers: { authorization: `Bearer ${secret}` } });
    const { lines } = (await answer.json()) as UsageReport;
    if (lines.reduce((sum, { completed }) => sum + completed, 0) === ended)
      return lines.map(({ group, exact }) => [group, (exact.inputTokens ?? 0) + (exact.outputTokens ?? 0)] as const);
  }
}

test("a team's keys share its cap, after a restart, too, and the refusal names the team and no other key", async () => {
  await using up = await setUp();
  await up.teams("create", "research", "--tokens-per-month", "1000");
  const first = await up.start();
  const alice = await first.makeKey("alice", "--team", "research");
  const bob = await first.makeKey("bob", "--team", "research");
  const carol = await first.makeKey("carol");
  expect((await ask(first.url, alice))[0]).toBe(200);
  expect((await ask(first.url, bob))[0]).toBe(200);
  await first.close();
  const next = await up.start();
  expect((await ask(next.url, bob))[0]).toBe(200);
  expect(up.asked.slice(0, 2)).toEqual([500, 500]);
  expect(up.asked[2]).toBeLessThan(200);
  const [status, words] = await ask(next.url, bob);
  expect(status).toBe(400);
  expect(words).toContain("team research has used up its tokens per month (1000)");
  expect(words).not.toContain("alice");
  expect((await ask(next.url, carol))[0]).toBe(200);
});

test("a change of a team's caps, and a key's move to another team, count while the gateway runs", async () => {
  await using up = await setUp();
  await up.teams("create", "research", "--tokens-per-day", "1000000");
  await up.teams("create", "sales");
  const { url, makeKey, keys } = await up.start();
  const root = await makeKey("root", "--scopes", "admin");
  const alice = await makeKey("alice", "--team", "research");
  expect((await ask(url, alice))[0]).toBe(200);
  expect(await usage(url, root, 1)).toEqual([["research", 400]]);
  await up.teams("change", "research", "--tokens-per-day", "5");
  const [, words] = await until(url, alice, ([status]) => status !== 200);
  expect(words).toContain("the tokens per day of team research (5)");
  const before = (await usage(url, root, up.upstream.requests))[0]?.[1] ?? 0;
  await keys("change", "alice", "--team", "sales");
  await until(url, alice, ([status]) => status === 200);
  // What it spent before stays with the team for which it did.
  expect(new Map(await usage(url, root, up.upstream.requests))).toEqual(
    new Map([
      ["research", before],
      ["sales", 400],
    ]),
  );
});

test("the gateway's caps hold for callers without a key, too, and follow the configuration while it runs", async () => {
  const token = "the-token-of-this-test";
  await using upstream = await startScriptedUpstream();
  const config = {
    auth: { token },
    routes: { chat: { dialect: "openai-chat", baseUrl: `${upstream.url}/v1`, key: "k" } },
    models: { gpt: { route: "chat", model: "gpt-test" } },
  };
  await using up = await setUp({ ...config, caps: { tokensPerDay: 600 } });
  upstream.respondWith(up.answer);
  const gateway = await up.start();
  const bob = await gateway.makeKey("bob");
  expect((await ask(gateway.url, bob))[0]).toBe(200);
  expect((await ask(gateway.url, token))[0]).toBe(200);
  const [status, words] = await ask(gateway.url, token);
  expect(status).toBe(400);
  expect(words).toContain("the gateway has used up its tokens per day (600)");
  expect(words).not.toContain("bob");
  const reload = (caps: object) =>
    gateway.reload(() =>
      configSchema({ env: {}, readFile: () => "" }).parse({ ...config, caps, limits: { drainMs: 1 } }),
    );
  expect(reload({ tokensPerDay: 2_000 })).toMatchObject({ changed: expect.arrayContaining(["caps.tokensPerDay"]) });
  expect((await ask(gateway.url, token))[0]).toBe(200);
  // Caps that come later find what was spent before.
  reload({});
  expect((await ask(gateway.url, bob))[0]).toBe(200);
  reload({ tokensPerMonth: 1_600 });
  expect((await ask(gateway.url, bob))[1]).toContain("the gateway has used up its tokens per month (1600)");
});
