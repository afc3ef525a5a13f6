import { setImmediate as turn } from "node:timers/promises";
import { expect, test } from "@jest/globals";
import { describeUi, startUi, type UiStage } from "../support/browser/control-ui.ts";
import type { UiTab } from "../support/browser/ui-tab.ts";
import { OpenClawClient } from "../support/openclaw/openclaw-client.ts";
import { ChatScript } from "../support/upstreams/chat-script.ts";

/** An answer of 2.2 KB. */
const PIECES = Array.from({ length: 200 }, (_, index) => `${String(index).padStart(4, "0")} words `);
const TURNS = 3;

async function answerInPieces(ui: UiStage): Promise<void> {
  const answer = new ChatScript(await ui.upstream.request());
  for (const piece of PIECES) {
    answer.text(piece);
    await turn();
  }
  answer.finish();
}

/** What a turn costs on average, in bytes into the page, with everything that the page asks for because of it. */
async function costOfTurn(ui: UiStage, tab: UiTab): Promise<number> {
  await tab.composer.waitFor();
  await tab.settled();
  const before = tab.receivedBytes;
  for (let asked = 1; asked <= TURNS; asked++) {
    await tab.send(`Question ${asked} of ${TURNS}`);
    await answerInPieces(ui);
    await tab.untilAnswer(PIECES.join(""));
    await tab.button("Stop generating").waitFor({ state: "detached" });
    await tab.settled();
    expect(await tab.questions.last().textContent()).toContain(`Question ${asked} of ${TURNS}`);
  }
  expect(await tab.complaints()).toEqual([]);
  return (tab.receivedBytes - before) / TURNS;
}

/** 250 questions and answers of 2.2 KB each in `main`. */
async function fill(ui: UiStage): Promise<void> {
  using client = await OpenClawClient.dial(ui.gateway.url);
  await client.connect();
  for (let asked = 1; asked <= 250; asked++) {
    const runId = `earlier-${asked}`;
    await client.request("chat.send", { sessionKey: "main", message: `Earlier ${asked}`, idempotencyKey: runId });
    new ChatScript(await ui.upstream.request()).text(PIECES.join("")).finish();
    await client.ended(runId);
  }
}

describeUi("a turn of 200 pieces in the Control UI", () => {
  test("costs at most 60 KB in a fresh session", async () => {
    await using ui = await startUi();
    expect(await costOfTurn(ui, await ui.open())).toBeLessThanOrEqual(60_000);
  });

  test("costs at most 70 KB after 500 messages, which the page still shows", async () => {
    await using ui = await startUi();
    await fill(ui);
    const tab = await ui.open();
    await tab.untilText("Earlier 250");
    expect(await costOfTurn(ui, tab)).toBeLessThanOrEqual(70_000);
    await tab.untilText("Earlier 250");
    await tab.shot("bytes-after-500-messages");
  });

  test("costs at most 70 KB in a session with an address of its own", async () => {
    await using ui = await startUi();
    const tab = await ui.open("new");
    await tab.send("Begin here");
    await answerInPieces(ui);
    await tab.untilAnswer(PIECES.join(""));
    await tab.untilOwnAddress();
    expect(await costOfTurn(ui, tab)).toBeLessThanOrEqual(70_000);
  });
});
