import { expect, test } from "@jest/globals";
import { describeUi, startUi } from "../support/browser/control-ui.ts";
import { ChatScript } from "../support/upstreams/chat-script.ts";

/** Pages of the sidebar and the settings, and words that each shows once it has what it asked for. */
const PAGES: readonly (readonly [page: string, words: string | RegExp])[] = [
  ["sessions", "agent:main:main"],
  ["usage", "Daily Token Usage"],
  ["logs", "sluice/started"],
  ["debug", "Snapshots"],
  ["agents", "Sluice"],
  ["systems", "Gateway"],
  ["automations", "Automations"],
  ["activity", "Activity"],
  ["tasks", "Tasks"],
  ["plugins", "Plugins"],
  ["skills", "Skills"],
  ["settings/connection", "Connection"],
  ["settings/model-providers", "Provider access"],
  ["settings/agents", "Agents"],
  ["settings/appearance", "Language"],
  ["settings/channels", "Channels"],
  ["settings/devices", "Devices"],
  ["settings/profile", "Profile"],
  ["settings/search", "Search"],
  ["settings/updates", "Updates"],
  ["settings/advanced", "Advanced"],
  ["settings/security", "Security"],
];

describeUi("the pages of the Control UI", () => {
  test("none shows an error, and none of their requests is refused", async () => {
    await using ui = await startUi();
    const tab = await ui.open();
    await tab.send("Something to list");
    new ChatScript(await ui.upstream.request()).text("An answer").finish();
    await tab.untilAnswer("An answer");
    const wrong: unknown[] = [];
    for (const [page, words] of PAGES) {
      await tab.visit(`/ui/${page}`);
      await tab.page.locator("main").filter({ hasText: words }).waitFor();
      await tab.settled();
      await tab.shot(`page-${page.replace("/", "-")}`);
      wrong.push(...(await tab.complaints()).map((line) => `${page}: ${line}`));
      wrong.push(...tab.refused.splice(0).map(({ method, message }) => `${page}: ${method}: ${message}`));
    }
    expect(wrong).toEqual([]);
  }, 240_000);
});
