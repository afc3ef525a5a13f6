import type { ContentBlockParam } from "@anthropic-ai/sdk/resources/messages";
import { expect, test } from "@jest/globals";
import type { ChatCompletionContentPart } from "openai/resources/chat/completions";
import type { ResponseInputContent } from "openai/resources/responses/responses";
import type { Part } from "../../src/core/dialect/dialect.ts";
import { promptCharacters } from "../../src/core/relay/prompt-size.ts";
import { anthropicMessages } from "../../src/dialects/anthropic-messages.ts";
import { googleGemini } from "../../src/dialects/google-gemini.ts";
import { openaiChat } from "../../src/dialects/openai-chat.ts";
import { openaiResponses } from "../../src/dialects/openai-responses.ts";

const pdf = (base64: string): Part => ({ type: "document", mimeType: "application/pdf", base64, fileName: "plan.pdf" });
const say = (role: "user" | "assistant", ...content: Part[]) => ({ messages: [{ role, content }] });

/** The parts as the vendors' own clients declare them. */
const PARTS = {
  anthropic: {
    type: "document",
    source: { type: "base64", media_type: "application/pdf", data: "JVBERi0=" },
    title: "plan.pdf",
  } satisfies ContentBlockParam,
  chat: {
    type: "file",
    file: { filename: "plan.pdf", file_data: "data:application/pdf;base64,JVBERi0=" },
  } satisfies ChatCompletionContentPart,
  responses: {
    type: "input_file",
    filename: "plan.pdf",
    file_data: "data:application/pdf;base64,JVBERi0=",
  } satisfies ResponseInputContent,
};

test.each([
  [anthropicMessages, "messages", PARTS.anthropic],
  [openaiChat, "messages", PARTS.chat],
  [openaiResponses, "input", PARTS.responses],
] as const)("$name carries a PDF as its own kind of part, and not in an answer", (dialect, field, part) => {
  expect(dialect.conversation(say("user", pdf("JVBERi0=")))[field]).toMatchObject([{ role: "user", content: [part] }]);
  expect(() => dialect.conversation(say("assistant", pdf("JVBERi0=")))).toThrow("cannot be sent to this provider");
});

test("Gemini carries a PDF and a picture as data, in an answer too", () => {
  for (const role of ["user", "assistant"] as const) {
    const { contents } = googleGemini.conversation(say(role, pdf("JVBERi0=")));
    expect(contents).toMatchObject([{ parts: [{ inlineData: { mimeType: "application/pdf", data: "JVBERi0=" } }] }]);
  }
});

test("a recording in a request of Gemini counts by its time, and the address of a file as a page", () => {
  const size = (part: object) => promptCharacters({ contents: [{ role: "user", parts: [part as never] }] });
  const data = "A".repeat(4_000_000);
  expect(size({ inlineData: { mimeType: "audio/mp3", data } })).toBeLessThan(40_000);
  expect(size({ inline_data: { mime_type: "image/png", data } })).toBeLessThan(7_000);
  expect(size({ inlineData: { mimeType: "text/plain", data } })).toBeGreaterThan(4_000_000);
  expect(size({ fileData: { mimeType: "application/pdf", fileUri: "https://f.example/1" } })).toBeGreaterThan(12_000);
});

test.each([anthropicMessages, openaiChat, openaiResponses, googleGemini])(
  "$name: a PDF counts by its pages and a picture as one, not by their characters",
  (dialect) => {
    const base64 = "A".repeat(4_000_000);
    const size = (part: Part) => promptCharacters(dialect.conversation(say("user", part)));
    // 60 pages of 50 KB at 12,000 characters each.
    expect(size(pdf(base64))).toBeGreaterThan(715_000);
    expect(size(pdf(base64))).toBeLessThan(725_000);
    expect(size({ type: "image", mimeType: "image/png", base64 })).toBeLessThan(7_000);
  },
);
