import { expect, test } from "@jest/globals";
import { describeUi, startUi } from "../support/browser/control-ui.ts";
import { ChatScript } from "../support/upstreams/chat-script.ts";

describeUi("beside a conversation in the Control UI", () => {
  test("a side question is answered in its panel and is there after a reload; preferences are stored", async () => {
    await using ui = await startUi();
    const tab = await ui.open("new");
    await tab.send("Plan a trip to the coast");
    new ChatScript(await ui.upstream.request()).text("Take the early train").finish();
    await tab.untilAnswer("Take the early train");
    await tab.untilOwnAddress();
    await tab.until("users.prefs.set", {});
    await tab.send("/btw Which train?");
    await tab.shot("side-chat-asked");
    new ChatScript(await ui.upstream.request()).text("The one at six").finish();
    await tab.untilText("The one at six");
    await tab.shot("side-chat");
    await tab.until("sessions.companion.ask", { question: "Which train?" });
    await tab.page.reload();
    await tab.untilText("Take the early train");
    await tab.settled();
    await tab.shot("side-chat-reloaded");
    await tab.untilText("The one at six");
    await tab.page.setViewportSize({ width: 390, height: 844 });
    await tab.settled();
    await tab.shot("side-chat-390");
    expect(await tab.page.evaluate("document.documentElement.scrollWidth <= innerWidth")).toBe(true);
    expect(tab.refused).toEqual([]);
  });
});
