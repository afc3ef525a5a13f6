import { expect, test } from "@jest/globals";
import { ChatScript } from "../support/chat-script.ts";
import { describeUi, startUi, type UiStage } from "../support/control-ui.ts";
import type { UiTab } from "../support/ui-tab.ts";

/** Begins a session on the page for new ones, and has its question answered. */
async function begin(ui: UiStage, tab: UiTab, question: string, answer: string): Promise<void> {
  await tab.goto(`${ui.gateway.url}/ui/new`);
  await tab.send(question);
  new ChatScript(await ui.upstream.request()).text(answer).finish();
  await tab.untilAnswer(answer);
}

const row = (tab: UiTab, title: string) => tab.page.locator("a:visible").filter({ hasText: title }).first();

describeUi("several sessions in the Control UI", () => {
  test("one is moved into a new group, which a second tab shows and a reload keeps", async () => {
    await using ui = await startUi();
    const [tab, other] = [await ui.open(), await ui.open()];
    for (const each of [tab, other]) each.page.setDefaultTimeout(12_000);
    await begin(ui, tab, "Plan a trip to the coast", "Take the early train");
    await begin(ui, tab, "Name a river in Spain", "The Ebro is one");
    await row(tab, "Plan a trip").click({ button: "right" });
    await tab.page.getByRole("menuitem", { name: "Move to group" }).first().click();
    await tab.shot("groups-menu");
    await tab.page
      .getByRole("menuitem", { name: /new group/i })
      .first()
      .click();
    await tab.shot("groups-new");
    const name = tab.page.locator("input:visible").last();
    await name.fill("Journeys");
    await name.press("Enter");
    await tab.until("sessions.patch", { category: "Journeys" });
    await other.untilText("Journeys");
    for (const each of [other, tab]) {
      await each.page.reload();
      await each.untilText("Journeys");
      await row(each, "Plan a trip").waitFor();
      await row(each, "Name a river").waitFor();
    }
    await other.shot("groups-second-tab");
    expect([...tab.refused, ...other.refused]).toEqual([]);
  });

  test("two are selected and archived by one request, which a second tab sees", async () => {
    await using ui = await startUi();
    const [tab, other] = [await ui.open(), await ui.open()];
    for (const each of [tab, other]) each.page.setDefaultTimeout(12_000);
    await begin(ui, tab, "Plan a trip to the coast", "Take the early train");
    await begin(ui, tab, "Name a river in Spain", "The Ebro is one");
    await begin(ui, tab, "Count the moons of Mars", "There are two");
    await row(other, "Plan a trip").waitFor();
    await row(tab, "Plan a trip").click({ modifiers: ["Control"] });
    await row(tab, "Name a river").click({ modifiers: ["Control"] });
    await tab.shot("groups-selected");
    await row(tab, "Name a river").click({ button: "right" });
    await tab.shot("groups-selected-menu");
    await tab.page
      .getByRole("menuitem", { name: /^Archive/ })
      .first()
      .click();
    await tab.until("sessions.patchMany", {});
    for (const each of [tab, other]) {
      for (const title of ["Plan a trip", "Name a river"]) await row(each, title).waitFor({ state: "detached" });
      await row(each, "Count the moons").waitFor();
    }
    expect([...tab.refused, ...other.refused]).toEqual([]);
  });
});
