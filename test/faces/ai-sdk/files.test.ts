import { describe, expect, test } from "@jest/globals";
import type { FileUIPart } from "ai";
import { readRecording } from "../../support/recordings/own-recordings.ts";
import type { ScriptedExchange } from "../../support/upstreams/scripted-upstream.ts";
import { said, setUp } from "./set-up.ts";

const base64 = (text: string) => Buffer.from(text, "latin1").toString("base64");
const file = (mediaType: string, content: string, filename?: string): FileUIPart => ({
  type: "file",
  mediaType,
  url: `data:${mediaType};base64,${base64(content)}`,
  ...(filename !== undefined && { filename }),
});

const PNG = "\x89PNG\r\n\x1a\n";
const PDF = "%PDF-1.7\n";
const FILES = [
  file("image/png", PNG, "quay.png"),
  file("application/pdf", PDF, "almanac.pdf"),
  file("text/csv", "hour,height\n6,4.1\n", "tides.csv"),
];
const CSV = '<file name="tides.csv">\nhour,height\n6,4.1\n\n</file>';
const [png, pdf] = [base64(PNG), base64(PDF)];

/** What each provider gets of these files, and a picture that it may send back. */
const DIALECTS = {
  gpt: [
    { type: "image_url", image_url: { url: `data:image/png;base64,${png}` } },
    { type: "file", file: { filename: "almanac.pdf", file_data: `data:application/pdf;base64,${pdf}` } },
    { type: "text", text: CSV },
    { type: "text", text: "Read them" },
  ],
  claude: [
    { type: "image", source: { type: "base64", media_type: "image/png", data: png } },
    { type: "document", source: { type: "base64", media_type: "application/pdf", data: pdf }, title: "almanac.pdf" },
    { type: "text", text: CSV },
    { type: "text", text: "Read them" },
  ],
  responses: [
    { type: "input_image", image_url: `data:image/png;base64,${png}` },
    { type: "input_file", filename: "almanac.pdf", file_data: `data:application/pdf;base64,${pdf}` },
    { type: "input_text", text: CSV },
    { type: "input_text", text: "Read them" },
  ],
} as const;

const bodyOf = (exchange: ScriptedExchange) => JSON.parse(exchange.body);

describe("the files of a question", () => {
  test.each(Object.entries(DIALECTS))("reach a model behind %s: a picture, a PDF, a text", async (model, content) => {
    await using up = await setUp();
    void up.chat({ body: { model } }).sendMessage({ text: "Read them", files: FILES });
    const { messages, input } = bodyOf(await up.upstream.request());
    expect((messages ?? input)[0].content).toEqual(content);
  });

  test("are what their bytes say, whatever type the page names", async () => {
    await using up = await setUp();
    const url = `data:application/octet-stream;charset=utf-8;base64,${png}`;
    void up.chat().sendMessage({ text: "?", files: [{ type: "file", mediaType: "", url }] });
    expect(bodyOf(await up.upstream.request()).messages[0].content[0].image_url.url).toBe(
      DIALECTS.gpt[0].image_url.url,
    );
  });

  test("may be percent-encoded, as a data: URL may be", async () => {
    await using up = await setUp();
    const files = [
      { type: "file", mediaType: "text/plain", url: "data:text/plain,50%25%20of%20it", filename: "a.txt" },
    ] as const;
    void up.chat().sendMessage({ text: "?", files: [...files] });
    expect(bodyOf(await up.upstream.request()).messages[0].content[0].text).toBe(
      '<file name="a.txt">\n50% of it\n</file>',
    );
  });

  test.each([
    [
      "a film",
      file("video/mp4", "\0\0\0\x20ftyp", "a.mp4"),
      "a.mp4 cannot be sent to a model: only PNG",
      "unsupported",
    ],
    ["an archive", file("application/zip", "PK\x03\x04\0", "a.zip"), "a.zip cannot be sent to a model", "unsupported"],
    [
      "an address",
      { ...FILES[0], url: "https://a.example/b.png" },
      "quay.png has to be sent as a data: URL",
      "bad_request",
    ],
    [
      "no base64",
      { ...FILES[0], url: "data:image/png;base64,????" },
      "quay.png: attachment content must be base64",
      "bad_request",
    ],
    ["nothing", { ...FILES[0], url: "data:image/png;base64," }, "quay.png is empty", "bad_request"],
  ])("that are %s are refused with a sentence, before any provider is asked", async (_, refused, sentence, code) => {
    await using up = await setUp();
    const chat = up.chat();
    await chat.sendMessage({ text: "Read it", files: [refused as FileUIPart] });
    expect(chat.error?.message).toContain(sentence);
    expect(chat.failures).toMatchObject([{ code, retryable: false }]);
    expect(up.upstream.requests).toBe(0);
    expect(up.gateway.log.text).not.toContain(refused.url);
  });

  test("that were refused do not keep the chat from going on", async () => {
    await using up = await setUp();
    const chat = up.chat();
    await chat.sendMessage({ text: "Watch it", files: [file("video/mp4", "\0", "a.mp4"), ...FILES] });
    const again = chat.sendMessage({ text: "Then without" });
    const exchange = await up.upstream.request();
    const [question, ...more] = bodyOf(exchange).messages;
    expect(more).toEqual([]);
    expect(question.content).toEqual([
      ...DIALECTS.gpt.slice(0, 3),
      { type: "text", text: "Watch it" },
      { type: "text", text: "Then without" },
    ]);
    exchange.sse().event(said("Yes")).finishChat();
    await again;
    expect(chat.said).toBe("Yes");
  });
});

test.each([
  ["gpt", "openai-chat/picture.sse", "A harbour:", `data:image/png;base64,${png}`],
  ["responses", "openai-responses/files.sse", "At six", "data:image/webp;base64,UklGRgAAAABXRUJQ"],
])(
  "a file that a model behind %s makes is a part of its message, and is not sent back",
  async (model, name, text, url) => {
    await using up = await setUp();
    const chat = up.chat({ body: { model } });
    const sending = chat.sendMessage({ text: "Draw it" });
    (await up.upstream.request()).sse().chunk(readRecording(name)).end();
    await sending;
    expect(chat).toMatchObject({ said: text, status: "ready" });
    expect(chat.parts.filter(({ type }) => type === "file")).toMatchObject([
      { url, mediaType: /data:([^;]+)/.exec(url)?.[1] },
    ]);
    void chat.sendMessage({ text: "And?" });
    const next = await up.upstream.request();
    expect(next.body).toContain(text);
    expect(next.body).not.toContain(url);
  },
);
