import { expect, test } from "@jest/globals";
import { describeUi, startUi } from "../support/browser/control-ui.ts";
import { ChatScript } from "../support/upstreams/chat-script.ts";
import type { ScriptedExchange } from "../support/upstreams/scripted-upstream.ts";

const USAGE = { prompt_tokens: 4_000, completion_tokens: 200 };
const error = (message: string) => ({ error: { message, type: "test" } });

/** Each answer fails in its own way, by the newest question. */
function answer(exchange: ScriptedExchange): void {
  const [, kind] = /.*Be (\w+)/s.exec(exchange.body) ?? [];
  if (kind === "refused") exchange.json(401, error("this key is revoked")).end();
  else if (kind === "limited") exchange.json(429, error("come back tomorrow")).end();
  else if (kind === "broken") exchange.json(500, error("the model fell over")).end();
  else if (kind === "cut") new ChatScript(exchange).text("half an answer").exchange.finish();
  else new ChatScript(exchange).text("a good answer").finish({ ...USAGE, total_tokens: 4_200 });
}

/** Questions and what the page says of their failures. A refused key comes last: it closes the route. */
const FAILURES = [
  ["Be limited", /⚠️ .*come back tomorrow/],
  ["Be broken", /⚠️ .*the model fell over/],
  ["Be cut", /half an answer\s*⚠️ ./],
  ["Be refused", /⚠️ .*this key is revoked/],
] as const;

describeUi("failed turns in the Control UI", () => {
  test("keep their reasons through later turns and a reload, and the token count its last good value", async () => {
    const models = { gpt: { route: "chat", model: "gpt-test", contextWindow: 200_000 } };
    await using ui = await startUi({ config: { defaultModel: "gpt", models } });
    ui.upstream.respondWith(answer);
    const tab = await ui.open();
    const tokens = tab.page.getByLabel(/^Session context usage: 4\.2k of 200k/).first();
    const reasons = async () => {
      for (const [index, [, reason]] of FAILURES.entries()) {
        await tab.answers
          .nth(index + 1)
          .filter({ hasText: reason })
          .waitFor();
      }
    };
    await tab.send("Be good");
    await tab.untilAnswer("a good answer");
    for (const [question, reason] of FAILURES) {
      await tab.send(question);
      await tab.answers.last().filter({ hasText: reason }).waitFor();
      await tab.button("Stop generating").waitFor({ state: "detached" });
      await tokens.waitFor();
    }
    await reasons();
    await tab.shot("failed-turns");
    await tab.page.reload();
    await reasons();
    await tokens.waitFor();
    await tab.settled();
    await tab.shot("failed-turns-reloaded");
    expect(await tab.questions.count()).toBe(5);
    expect(await tab.complaints()).toEqual([]);
  });
});
