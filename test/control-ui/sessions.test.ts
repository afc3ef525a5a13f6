import { expect, test } from "@jest/globals";
import { describeUi, startUi, type UiStage } from "../support/browser/control-ui.ts";
import type { UiTab } from "../support/browser/ui-tab.ts";
import { ChatScript } from "../support/upstreams/chat-script.ts";

/** Begins a session on the page for new ones, and has its question answered. */
async function begin(ui: UiStage, tab: UiTab, question: string, answer: string): Promise<void> {
  await tab.goto(`${ui.gateway.url}/ui/new`);
  await tab.send(question);
  new ChatScript(await ui.upstream.request()).text(answer).finish();
  await tab.untilAnswer(answer);
  await tab.untilOwnAddress();
  await tab.settled();
}

const row = (tab: UiTab, title: string) => tab.page.locator("a:visible").filter({ hasText: title }).first();

async function choose(tab: UiTab, title: string, item: string | RegExp): Promise<void> {
  await row(tab, title).click({ button: "right" });
  await tab.page.getByRole("menuitem", { name: item }).first().click();
}

describeUi("sessions in the Control UI", () => {
  test("a new one appears in the list of every tab, under its first words", async () => {
    await using ui = await startUi();
    const [one, other] = [await ui.open(), await ui.open("sessions")];
    await begin(ui, one, "Plan a trip to the coast", "Take the early train");
    await row(one, "Plan a trip to the coast").waitFor();
    await row(other, "Plan a trip to the coast").waitFor();
    await one.shot("sessions-new");
    expect(one.refused).toEqual([]);
  });

  test("is pinned, renamed and archived from its menu", async () => {
    await using ui = await startUi();
    const tab = await ui.open();
    await begin(ui, tab, "Plan a trip to the coast", "Take the early train");
    await choose(tab, "Plan a trip to the coast", /^Pin session/);
    await tab.until("sessions.patch", { pinned: true });
    await choose(tab, "Plan a trip to the coast", /^Rename/);
    const name = tab.page.locator("input:visible").first();
    await name.fill("The coast");
    await name.press("Enter");
    await row(tab, "The coast").waitFor();
    await tab.shot("sessions-renamed");
    await choose(tab, "The coast", /^Archive session/);
    await tab.until("sessions.patch", { archived: true });
    await row(tab, "The coast").waitFor({ state: "detached" });
    await tab.goto(`${ui.gateway.url}/ui/sessions`);
    await tab.page.getByText("Archived", { exact: true }).first().click();
    await tab.page.locator("main").getByText("The coast").first().waitFor();
    await tab.shot("sessions-archived");
    expect(await tab.complaints()).toEqual([]);
  });

  test("is deleted for good", async () => {
    await using ui = await startUi();
    const tab = await ui.open();
    await begin(ui, tab, "Forget this", "Gladly");
    await choose(tab, "Forget this", /^Delete/);
    await tab.page
      .getByRole("button", { name: /^Delete/ })
      .last()
      .click();
    await tab.until("sessions.delete", {});
    await row(tab, "Forget this").waitFor({ state: "detached" });
    expect(tab.refused).toEqual([]);
  });

  test("is found by what was said in it", async () => {
    await using ui = await startUi();
    const tab = await ui.open();
    await begin(ui, tab, "Where is the lighthouse", "It stands on the northern rock");
    await tab.goto(`${ui.gateway.url}/ui/sessions`);
    await tab.page.getByPlaceholder(/exact words/).fill("northern rock");
    await tab.page.getByRole("button", { name: "Search", exact: true }).last().click();
    await tab.untilText("It stands on the northern rock");
    await tab.shot("sessions-search");
  });

  test("one answered in the background is unread until it is opened", async () => {
    await using ui = await startUi();
    const tab = await ui.open();
    await begin(ui, tab, "First of two", "The first answer");
    await tab.send("Take your time");
    const slow = new ChatScript(await ui.upstream.request());
    await begin(ui, tab, "Second of two", "The second answer");
    slow.text("Done at last").finish();
    await tab.page
      .getByLabel(/unread/i)
      .first()
      .waitFor();
    await tab.shot("sessions-unread");
    await row(tab, "First of two").click();
    await tab.untilAnswer("Done at last");
    await tab.until("sessions.patch", { unread: false });
  });

  test("one beside `main` survives five reloads in mid-answer, and its address opens it in another tab", async () => {
    await using ui = await startUi();
    const tab = await ui.open();
    await tab.goto(`${ui.gateway.url}/ui/new`);
    await tab.send("Plan a trip to the coast");
    const answer = new ChatScript(await ui.upstream.request());
    let text = "";
    for (let reload = 1; reload <= 5; reload++) {
      text += `stop${reload} `;
      answer.text(`stop${reload} `);
      await tab.untilAnswer(text);
      await tab.untilOwnAddress();
      await tab.page.reload({ waitUntil: "domcontentloaded" });
      await tab.untilAnswer(text);
    }
    const other = await ui.open(await tab.untilOwnAddress());
    await other.untilAnswer(text);
    answer.text("home").finish();
    for (const each of [tab, other]) await each.untilAnswer(`${text}home`);
    await other.shot("sessions-second-tab");
    expect(ui.upstream.requests).toBe(1);
    expect([...tab.refused, ...other.refused]).toEqual([]);
  });
});
