/** The example's page, so the real `useChat` of `@ai-sdk/react`, in Chromium. */
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { type ChatPage, noChatPage, startChatPages } from "../../support/browser/chat-page.ts";
import { SCRIPTS } from "../../support/upstreams/dialect-script.ts";
import type { ScriptedExchange } from "../../support/upstreams/scripted-upstream.ts";

type Model = keyof typeof SCRIPTS;
const MODELS = Object.keys(SCRIPTS) as Model[];
const PNG = Buffer.from("\x89PNG\r\n\x1a\n", "latin1");

const shows = (chat: ChatPage, text: string) => chat.answers.last().filter({ hasText: text }).waitFor();

if (noChatPage !== "") test.skip(`a page with useChat: skipped, there is ${noChatPage}`, () => {});
else {
  let pages: Awaited<ReturnType<typeof startChatPages>> | undefined;
  beforeAll(async () => {
    pages = await startChatPages();
  });
  afterAll(() => pages?.close());

  describe.each(MODELS)("a page with useChat and the model %s", (model) => {
    const open = () => {
      if (!pages) throw new Error("not started");
      return pages.open(model);
    };
    const answer = (exchange: ScriptedExchange) => SCRIPTS[model](exchange);

    test("shows reasoning and text, and sends a chosen file", async () => {
      await using chat = await open();
      await chat.page.getByLabel("Files").setInputFiles({ name: "quay.png", mimeType: "image/png", buffer: PNG });
      await chat.send("What is it?");
      const exchange = await chat.upstream.request();
      expect(exchange.body).toContain(PNG.toString("base64"));
      const script = answer(exchange);
      script.thinking("A quay?");
      script.text("A harbour.");
      script.finish();
      await chat.status("ready");
      await shows(chat, "A harbour.");
      expect(await chat.page.locator("article.assistant .reasoning").textContent()).toBe("A quay?");
      expect(await chat.page.locator("article.user img").getAttribute("src")).toContain("data:image/png");
    });

    test("runs its tool, and the model goes on in the same message", async () => {
      await using chat = await open();
      await chat.send("What time is it?");
      const first = answer(await chat.upstream.request());
      first.call("c1", "page_time");
      first.finish();
      const second = await chat.upstream.request();
      expect(second.body).toMatch(/c1/);
      expect(second.body).toMatch(/zone/);
      const rest = answer(second);
      rest.text("It is six.");
      rest.finish();
      await shows(chat, "It is six.");
      await chat.status("ready");
      expect(await chat.answers.count()).toBe(1);
    });

    test("shows a failure as a sentence, and goes on with the next question", async () => {
      await using chat = await open();
      await chat.send("Hello");
      (await chat.upstream.request()).json(400, { error: { message: "too long" } });
      await chat.status("error");
      const told = await chat.page.getByRole("alert").textContent();
      expect(told).toMatch(/^The provider refused the request with status 400 \(route \w+\): too long\.$/);
      await chat.send("Again");
      const script = answer(await chat.upstream.request());
      script.text("Yes.");
      script.finish();
      await shows(chat, "Yes.");
    });

    test("stops: the provider's connection closes, and the text stays", async () => {
      await using chat = await open();
      await chat.send("Hello");
      const exchange = await chat.upstream.request();
      answer(exchange).text("One");
      await shows(chat, "One");
      await chat.page.getByRole("button", { name: "Stop" }).click();
      await exchange.closed;
      await chat.status("ready");
      await shows(chat, "One");
    });

    test("that is loaded again in mid-answer shows all of it, once", async () => {
      await using chat = await open();
      await chat.send("Hello");
      const script = answer(await chat.upstream.request());
      script.text("One, ");
      await shows(chat, "One, ");
      await chat.page.reload();
      script.text("two, ");
      await shows(chat, "One, two, ");
      script.text("three.");
      script.finish();
      await shows(chat, "One, two, three.");
      await chat.status("ready");
      expect(await chat.page.locator("article").count()).toBe(2);
      expect(chat.upstream.requests).toBe(1);
    });
  });
}
