import { expect, test } from "@jest/globals";
import { describeUi, startUi, type UiStage } from "../support/browser/control-ui.ts";
import type { UiTab } from "../support/browser/ui-tab.ts";
import { ChatScript } from "../support/upstreams/chat-script.ts";

/** A session of its own with two questions and their answers. */
async function conversation(ui: UiStage): Promise<UiTab> {
  const tab = await ui.open("new");
  for (const [question, answer] of [
    ["Where shall we go", "To the sea"],
    ["And when", "In May"],
  ] as const) {
    await tab.send(question);
    new ChatScript(await ui.upstream.request()).text(answer).finish();
    await tab.untilAnswer(answer);
  }
  await tab.untilOwnAddress();
  await tab.settled();
  return tab;
}

async function switchTo(tab: UiTab, headline: string): Promise<void> {
  await tab.page.getByRole("button", { name: "Session branches" }).click();
  await tab.shot("branches-menu");
  await tab.page.locator("wa-dropdown-item").filter({ hasText: headline }).click();
}

describeUi("going back to a question in the Control UI, in a session of its own", () => {
  test("asks it otherwise, shows that in another tab, and goes back to the old branch, across reloads", async () => {
    await using ui = await startUi();
    const tab = await conversation(ui);
    const other = await ui.open(await tab.untilOwnAddress());
    await other.untilAnswer("In May");
    await tab.rewind("And when");
    await tab.shot("branches-rewound");
    await tab.send("And for how long");
    const answer = new ChatScript(await ui.upstream.request());
    expect(answer.exchange.body).not.toContain("In May");
    answer.text("For a week").finish();
    await tab.untilAnswer("For a week");
    await other.untilAnswer("For a week");
    await other.untilQuestions(["Where shall we go", "And for how long"]);
    await tab.page.reload({ waitUntil: "domcontentloaded" });
    await tab.untilAnswer("For a week");
    await switchTo(tab, "In May");
    await tab.untilAnswer("In May");
    await tab.untilQuestions(["Where shall we go", "And when"]);
    await tab.page.reload({ waitUntil: "domcontentloaded" });
    await tab.untilAnswer("In May");
    await tab.untilQuestions(["Where shall we go", "And when"]);
    await tab.send("By train");
    new ChatScript(await ui.upstream.request()).text("Or by boat").finish();
    await tab.untilAnswer("Or by boat");
    await tab.untilQuestions(["Where shall we go", "And when", "By train"]);
    expect([...tab.refused, ...other.refused]).toEqual([]);
  });

  test("asks the first one again, unchanged: another answer beside the first", async () => {
    await using ui = await startUi();
    const tab = await conversation(ui);
    await tab.rewind("Where shall we go");
    await tab.untilQuestions([]);
    await tab.page.keyboard.press("Enter");
    new ChatScript(await ui.upstream.request()).text("To the hills").finish();
    await tab.untilAnswer("To the hills");
    await tab.untilQuestions(["Where shall we go"]);
    await switchTo(tab, "In May");
    await tab.untilAnswer("In May");
    expect(tab.refused).toEqual([]);
  });

  test("forks a session from it, which has the conversation before it and survives a reload", async () => {
    await using ui = await startUi();
    const tab = await conversation(ui);
    const address = tab.page.url();
    await tab.choose("And when", "Fork from here");
    await tab.composerHolds("And when");
    await tab.page.waitForURL((url) => url.href !== address);
    await tab.untilQuestions(["Where shall we go"]);
    await tab.send("And with whom");
    new ChatScript(await ui.upstream.request()).text("With friends").finish();
    await tab.untilAnswer("With friends");
    await tab.page.reload({ waitUntil: "domcontentloaded" });
    await tab.untilAnswer("With friends");
    await tab.untilQuestions(["Where shall we go", "And with whom"]);
    await tab.shot("branches-forked");
    await tab.goto(address);
    await tab.untilAnswer("In May");
    await tab.untilQuestions(["Where shall we go", "And when"]);
    expect(tab.refused).toEqual([]);
  });
});
