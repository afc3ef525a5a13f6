import { expect, test } from "@jest/globals";
import { CONTROL_UI, describeUi, startUi } from "../support/browser/control-ui.ts";
import { startPlainUiServer } from "../support/browser/plain-ui-server.ts";
import { ChatScript } from "../support/upstreams/chat-script.ts";

describeUi("chat in the Control UI", () => {
  test("a message is sent and its answer grows on the page", async () => {
    await using ui = await startUi();
    const tab = await ui.open();
    await tab.send("Say something");
    const answer = new ChatScript(await ui.upstream.request());
    answer.text("first words");
    await tab.untilAnswer("first words");
    answer.text(" and more");
    await tab.untilAnswer("first words and more");
    await tab.shot("chat-streaming");
    answer.finish();
    await tab.button("Stop generating").waitFor({ state: "detached" });
    await tab.settled();
    await tab.untilQuestions(["Say something"]);
    expect(await tab.answers.count()).toBe(1);
    expect(await tab.complaints()).toEqual([]);
    expect(tab.refused).toEqual([]);
    await tab.shot("chat-answered");
  });

  test("Stop closes the upstream's connection and keeps what was said", async () => {
    await using ui = await startUi();
    const tab = await ui.open();
    await tab.send("Count for ever");
    const exchange = await ui.upstream.request();
    new ChatScript(exchange).text("one two three");
    await tab.untilAnswer("one two three");
    await tab.button("Stop generating").click();
    await exchange.closed;
    await tab.button("Stop generating").waitFor({ state: "detached" });
    await tab.untilAnswer("one two three");
    await tab.shot("chat-stopped");
    await tab.page.reload();
    await tab.untilAnswer("one two three");
  });

  test("a reload in mid-answer, ten times over, neither loses nor repeats a word", async () => {
    await using ui = await startUi();
    const tab = await ui.open();
    await tab.send("Tell me all of it");
    const answer = new ChatScript(await ui.upstream.request());
    let text = "";
    for (let reload = 1; reload <= 10; reload++) {
      for (const piece of [`part${reload} `, `of the story `]) {
        text += piece;
        answer.text(piece);
      }
      await tab.untilAnswer(text);
      await tab.page.reload({ waitUntil: "domcontentloaded" });
      await tab.untilAnswer(text);
    }
    answer.text("end.").finish();
    text += "end.";
    await tab.untilAnswer(text);
    await tab.button("Stop generating").waitFor({ state: "detached" });
    await tab.settled();
    await tab.shot("chat-reloaded");
    await tab.untilQuestions(["Tell me all of it"]);
    expect(await tab.answers.count()).toBe(1);
    expect(ui.upstream.requests).toBe(1);
    await tab.page.reload();
    await tab.untilAnswer(text);
    // Twelve times the page is loaded.
  }, 300_000);

  test("two tabs show the same answer as it grows, whichever asked", async () => {
    await using ui = await startUi();
    const [one, two] = [await ui.open(), await ui.open()];
    await two.composer.waitFor();
    await one.send("For both of us");
    const answer = new ChatScript(await ui.upstream.request());
    answer.text("seen in");
    await Promise.all([one.untilAnswer("seen in"), two.untilAnswer("seen in")]);
    answer.text(" both tabs").finish();
    await Promise.all([one.untilAnswer("seen in both tabs"), two.untilAnswer("seen in both tabs")]);
    await two.untilText("For both of us");
    await two.shot("chat-second-tab");
    for (const tab of [one, two]) {
      await tab.settled();
      await tab.untilQuestions(["For both of us"]);
    }
  });

  test("an error shows the provider's message", async () => {
    await using ui = await startUi();
    const tab = await ui.open();
    await tab.send("Ask too much");
    const exchange = await ui.upstream.request();
    const message = "You exceeded your current quota, please check your plan.";
    exchange.json(402, { error: { message, type: "insufficient_quota", code: "insufficient_quota" } });
    // The page shows the beginning of a long message, and the rest behind "Details".
    await tab.untilText("The provider's quota is used up (route chat): You exceeded your current quota");
    await tab.shot("chat-error");
  });

  test("a truncated answer keeps its beginning and says that it was truncated", async () => {
    await using ui = await startUi();
    const tab = await ui.open();
    await tab.send("Break off");
    const exchange = await ui.upstream.request();
    new ChatScript(exchange).text("it began well");
    await tab.untilAnswer("it began well");
    exchange.reset();
    await tab.button("Stop generating").waitFor({ state: "detached" });
    await tab.untilText("it began well");
    await tab.shot("chat-cut");
    await tab.page.reload();
    await tab.untilText("it began well");
  });

  test("the page signs in with a token in its address, and removes it from there", async () => {
    await using ui = await startUi({ token: "a-token-of-sixteen-or-more" });
    const tab = await ui.open();
    await tab.composer.waitFor();
    await tab.send("Hello");
    new ChatScript(await ui.upstream.request()).text("signed in").finish();
    await tab.untilAnswer("signed in");
    expect(tab.page.url()).not.toContain("token");
  });

  test("a message sent during an answer waits for its turn, even across a reload", async () => {
    await using ui = await startUi();
    const tab = await ui.open();
    await tab.send("The first question");
    const first = new ChatScript(await ui.upstream.request());
    first.text("a long answer");
    await tab.untilAnswer("a long answer");
    await tab.send("The second question");
    await tab.until("chat.send", { message: "The second question" });
    await tab.page.reload({ waitUntil: "domcontentloaded" });
    await tab.untilText("The second question");
    await tab.shot("chat-queued");
    expect(ui.upstream.requests).toBe(1);
    first.finish();
    new ChatScript(await ui.upstream.request()).text("the second answer").finish();
    await tab.untilAnswer("the second answer");
    await tab.settled();
    await tab.untilQuestions(["The first question", "The second question"]);
  });

  test("the model is chosen from the menu and answers the next question", async () => {
    await using ui = await startUi();
    const tab = await ui.open();
    await tab.composer.waitFor();
    await tab.send("/model chat/gpt");
    await tab.page.keyboard.press("Enter");
    await tab.until("sessions.patch", {});
    await tab.send("Who are you?");
    const exchange = await ui.upstream.request();
    expect(JSON.parse(exchange.body)).toMatchObject({ model: "gpt-test" });
    new ChatScript(exchange).text("The model gpt").finish();
    await tab.untilAnswer("The model gpt");
  });

  test("commands are answered in the chat, or refused by name, and reach no provider", async () => {
    await using ui = await startUi();
    const tab = await ui.open();
    await tab.composer.waitFor();
    // The page then knows its commands: a menu of them that opened later would take the Enter.
    await tab.settled();
    const command = async (text: string) => {
      await tab.composer.fill(text);
      // Closes the page's own menu of commands.
      await tab.page.keyboard.press("Escape");
      await tab.page.keyboard.press("Enter");
    };
    await command("/status");
    await tab.untilText("Route: chat (openai-chat)");
    await command("/goal win");
    await tab.untilText("is not available here");
    await command("/nosuch thing");
    await tab.untilText("There is no command");
    expect(ui.upstream.requests).toBe(0);
    await command("//nosuch thing");
    expect((await ui.upstream.request()).body).toContain("//nosuch thing");
    expect(ui.upstream.requests).toBe(1);
  });

  test("thinking and tool calls are shown beside the answer", async () => {
    await using ui = await startUi();
    const tab = await ui.open();
    await tab.send("What is the weather?");
    const answer = new ChatScript(await ui.upstream.request()).thinking("They ask about the weather.");
    answer.text("I would have to look").call("get_weather", { city: "Oslo" }).finish();
    await tab.untilAnswer("I would have to look");
    await tab.untilText("They ask about the weather.");
    await tab.untilText(/get.?weather/i);
    await tab.button("Stop generating").waitFor({ state: "detached" });
    await tab.settled();
    await tab.shot("chat-thinking-and-tool");
    expect(await tab.answers.allInnerTexts()).toEqual(["I would have to look"]);
  });

  test("the page may be served from elsewhere if its origin is allowed", async () => {
    await using elsewhere = await startPlainUiServer(CONTROL_UI);
    await using ui = await startUi({ from: elsewhere.url, config: { allowedOrigins: [elsewhere.url] } });
    const tab = await ui.open();
    await tab.button(/switch to/i).click();
    await tab.send("Across origins");
    new ChatScript(await ui.upstream.request()).text("answered there").finish();
    await tab.untilAnswer("answered there");
    await tab.shot("chat-elsewhere");
  });
});
