/** What providers put where a count should be, and what is made of it. */
import { describe, expect, test } from "@jest/globals";
import { callerOf, openLeasedRelay } from "../support/relay/reserving-relay.ts";
import { startScriptedUpstream } from "../support/upstreams/scripted-upstream.ts";

const TEXT = "word".repeat(500);
const delta = { choices: [{ index: 0, delta: { content: TEXT } }] };
const last = { choices: [{ index: 0, delta: {}, finish_reason: "stop" }] };

/** The usage of a whole chat completion of 500 tokens whose provider reports these. */
async function usageOf(reports: readonly unknown[], text = true) {
  await using upstream = await startScriptedUpstream();
  await using up = await openLeasedRelay(upstream.url, { dialect: "openai-chat" });
  const { terminal } = up.open({
    caller: callerOf({ tokensPerDay: 100_000 }),
    body: { messages: [{ role: "user", content: TEXT }] },
  });
  const exchange = (await upstream.request()).sse();
  if (text) exchange.event(delta);
  exchange.event(last);
  for (const usage of reports) exchange.event({ choices: [], usage });
  exchange.event("[DONE]").end();
  return (await terminal).usage;
}

describe("the provider's figures", () => {
  test.each<[string, unknown]>([
    ["zero", { prompt_tokens: 0, completion_tokens: 0 }],
    ["negative", { prompt_tokens: -7, completion_tokens: -1 }],
    ["a fraction", { prompt_tokens: 7.5, completion_tokens: 0.5 }],
    ["a text", { prompt_tokens: "7", completion_tokens: "3" }],
    ["null", { prompt_tokens: null, completion_tokens: null }],
    ["missing", {}],
    ["no object", 7],
    ["beyond any count", { prompt_tokens: 1e300, completion_tokens: 2 ** 53 }],
  ])("that are %s beside text are none: both are estimated", async (_, usage) => {
    const settled = await usageOf([usage]);
    expect(settled).toMatchObject({ source: "estimated", outputTokens: 500 });
    expect(settled.inputTokens).toBeGreaterThan(500);
  });

  test("are kept one by one: an output of zero leaves the input as reported", async () => {
    const usage = { prompt_tokens: 700, completion_tokens: 0, prompt_tokens_details: { cached_tokens: 100 } };
    expect(await usageOf([usage])).toEqual({
      source: "estimated",
      inputTokens: 700,
      outputTokens: 500,
      cacheReadTokens: 100,
    });
  });

  test("are kept one by one: an input of zero leaves the output as reported", async () => {
    const settled = await usageOf([{ prompt_tokens: 0, completion_tokens: 480 }]);
    expect(settled).toMatchObject({ source: "estimated", outputTokens: 480 });
    expect(settled.inputTokens).toBeGreaterThan(500);
  });

  test("that fall to zero at the end keep their earlier values", async () => {
    const reports = [
      { prompt_tokens: 700, completion_tokens: 480 },
      { prompt_tokens: 0, completion_tokens: 0 },
    ];
    expect(await usageOf(reports)).toEqual({ source: "exact", inputTokens: 700, outputTokens: 480 });
  });

  test("that fall are replaced by the earlier ones", async () => {
    const reports = [
      { prompt_tokens: 700, completion_tokens: 480 },
      { prompt_tokens: 600, completion_tokens: 470 },
    ];
    expect(await usageOf(reports)).toEqual({ source: "exact", inputTokens: 700, outputTokens: 480 });
  });

  test("that only the total includes are taken from there", async () => {
    expect(await usageOf([{ prompt_tokens: 700, completion_tokens: 480, total_tokens: 2_000 }])).toEqual({
      source: "exact",
      inputTokens: 700,
      outputTokens: 1_300,
    });
  });

  test("that are only a total are both estimated", async () => {
    expect(await usageOf([{ total_tokens: 2_000 }])).toMatchObject({ source: "estimated", outputTokens: 500 });
  });

  test("of an answer without text are exact with an output of zero", async () => {
    expect(await usageOf([{ prompt_tokens: 700, completion_tokens: 0 }], false)).toEqual({
      source: "exact",
      inputTokens: 700,
      outputTokens: 0,
    });
  });
});

test("zeros beside text disable no cap, neither midway nor at the end", async () => {
  await using upstream = await startScriptedUpstream();
  await using up = await openLeasedRelay(upstream.url, { dialect: "openai-chat" });
  const caller = callerOf({ tokensPerDay: 1_700 });
  const open = () => up.open({ caller, body: { max_tokens: 600, messages: [{ role: "user", content: TEXT }] } });
  const usage = { prompt_tokens: 0, completion_tokens: 0 };
  upstream.respondWith((exchange) => {
    exchange
      .sse()
      .event({ ...delta, usage })
      .event({ ...last, usage })
      .event({ choices: [], usage })
      .event("[DONE]")
      .end();
  });
  expect((await open().terminal).usage).toMatchObject({ source: "estimated", outputTokens: 500 });
  // Of 1,700 a prompt and an answer of 500 each are spent: the next one has less left than it asks for.
  expect(await open().terminal).toMatchObject({ status: "failed", error: { code: "cap_exceeded" } });
  expect(open).toThrow("ci has used up its tokens per day (1700)");
});
