import { expect, test } from "@jest/globals";
import { readUIMessageStream, type UIMessage, type UIMessageChunk, uiMessageChunkSchema } from "ai";
import { chunksOfParts } from "../../../src/faces/ai-sdk/messages/earlier-parts.ts";

const PARTS: UIMessage["parts"] = [
  { type: "step-start" },
  { type: "reasoning", id: "r1", text: "Hm.", state: "done", providerMetadata: { anthropic: { signature: "signed" } } },
  { type: "text", text: "I look.", state: "done" },
  {
    type: "tool-weather",
    toolCallId: "c1",
    state: "output-available",
    input: { city: "Ulm" },
    output: { sky: "grey" },
  },
  {
    type: "dynamic-tool",
    toolName: "found",
    toolCallId: "c2",
    state: "output-error",
    input: { a: [1] },
    errorText: "no",
  },
  { type: "tool-weather", toolCallId: "c3", state: "input-available", input: {} },
  {
    type: "tool-search",
    toolCallId: "c4",
    state: "output-available",
    input: { q: "x" },
    output: 1,
    providerExecuted: true,
  },
  { type: "step-start" },
  { type: "text", text: "", state: "done" },
  { type: "file", mediaType: "image/png", url: "data:image/png;base64,AA==" },
  { type: "source-url", sourceId: "s", url: "https://example.com" },
  { type: "data-mood", id: "d", data: { mood: "good" } },
];

/** The message that the SDK makes of chunks. */
async function messageOf(chunks: readonly UIMessageChunk[]): Promise<UIMessage | undefined> {
  let message: UIMessage | undefined;
  const stream = ReadableStream.from(chunks);
  for await (const newer of readUIMessageStream({ stream, terminateOnError: true })) message = newer;
  return message;
}

test("the SDK makes the same parts again of their chunks", async () => {
  const chunks = chunksOfParts(PARTS) as UIMessageChunk[];
  const { validate } = uiMessageChunkSchema();
  for (const chunk of chunks) expect(await validate?.(chunk)).toMatchObject({ success: true });
  const message = await messageOf([{ type: "start", messageId: "m" }, ...chunks]);
  expect(message?.parts).toMatchObject(PARTS);
});

test("a call whose result is known is not run again, and one without is", () => {
  const available = chunksOfParts(PARTS).filter(({ type }) => type === "tool-input-available");
  expect(available).toMatchObject([{ toolCallId: "c3" }]);
});
