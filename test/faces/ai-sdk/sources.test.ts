import { expect, test } from "@jest/globals";
import { readRecording } from "../../support/recordings/own-recordings.ts";
import { setUp } from "./set-up.ts";

const TIDES = { type: "source-url", url: "https://tides.example/", title: "Tides" };
const MOON = { type: "source-url", url: "https://moon.example/", title: "Moon" };
const documentOf = (title: string, mediaType: string) => ({ type: "source-document", title, mediaType });

test.each([
  ["claude", "anthropic-messages/server-tool.sse", [TIDES]],
  [
    "claude",
    "anthropic-messages/citations.sse",
    [documentOf("almanac.pdf", "application/pdf"), documentOf("Document 2", "text/plain"), TIDES],
  ],
  ["gpt", "openai-chat/annotations.sse", [TIDES, MOON]],
  ["gpt", "openai-chat/citations-in-every-chunk.sse", [TIDES, MOON]],
  ["responses", "openai-responses/web-search.sse", [TIDES]],
  [
    "responses",
    "openai-responses/files.sse",
    [documentOf("almanac.pdf", "text/plain"), documentOf("table.csv", "application/octet-stream")],
  ],
])("the sources that %s names in %s are parts of the message, and are not sent back", async (model, name, sources) => {
  await using up = await setUp();
  const chat = up.chat({ body: { model } });
  const sending = chat.sendMessage({ text: "When?" });
  (await up.upstream.request()).sse().chunk(readRecording(name)).end();
  await sending;
  expect(chat).toMatchObject({ status: "ready", error: undefined });
  const parts = chat.parts.filter(({ type }) => type.startsWith("source-"));
  expect(parts).toMatchObject(sources);
  const ids = parts.map((part) => ("sourceId" in part ? part.sourceId : undefined));
  expect(new Set(ids).size).toBe(sources.length);

  const page = up.chat({ body: { model } });
  await page.resumeStream();
  expect(page.parts).toEqual(chat.parts);

  void page.sendMessage({ text: "And?" });
  const { body } = await up.upstream.request();
  expect(body).toContain(chat.said);
  expect(body).not.toMatch(/tides\.example|moon\.example|almanac|table\.csv/);
});

test("a search that ran at the provider shows its call and result, and the page is not asked to run it", async () => {
  await using up = await setUp();
  const ran: string[] = [];
  const chat = up.chat({ body: { model: "claude" }, tool: (name) => ran.push(name) });
  const sending = chat.sendMessage({ text: "When?" });
  (await up.upstream.request()).sse().chunk(readRecording("anthropic-messages/server-tool.sse")).end();
  await sending;
  expect(chat.parts.find(({ type }) => type === "dynamic-tool")).toMatchObject({
    toolName: "web_search",
    providerExecuted: true,
    state: "output-available",
    input: { query: "tide" },
    output: [{ type: "web_search_result", title: "Tides", url: "https://tides.example/", page_age: null }],
  });
  expect({ ran, asked: up.upstream.requests, said: chat.said }).toEqual({ ran: [], asked: 1, said: "High at six" });
});
