import { describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import { OPENCLAW_ATTACHMENTS } from "../../../../protocol/openclaw/wire.ts";
import { MAX_TEXT_FILE_BYTES } from "../../../../src/faces/chat/attached-files.ts";
import { readAttachments } from "../../../../src/faces/openclaw/files/attachments.ts";

const HEADS = {
  "image/png": "\x89PNG\r\n\x1a\n",
  "image/jpeg": "\xff\xd8\xff\xe0",
  "image/gif": "GIF89a",
  "image/webp": "RIFF\0\0\0\0WEBP",
  "application/pdf": "%PDF-1.7\n",
} as const;

const file = (content: string | Buffer, mimeType?: string, fileName?: string) => ({
  content: Buffer.from(content as string, "latin1").toString("base64"),
  ...(mimeType !== undefined && { mimeType }),
  ...(fileName !== undefined && { fileName }),
});
/** A file of this many bytes that begins as its type does. */
const sized = (mimeType: keyof typeof HEADS, bytes: number) => file(HEADS[mimeType].padEnd(bytes, "\0"), mimeType);
const first = (attachment: ReturnType<typeof file>) => readAttachments([attachment])[0];

describe("an attached file is", () => {
  test.each(["image/png", "image/jpeg", "image/gif", "image/webp"] as const)(
    "a picture when its bytes are those of %s, whatever its name says",
    (mimeType) => {
      for (const declared of [mimeType, "text/plain", "application/octet-stream", "audio/mpeg", undefined]) {
        expect(first(file(HEADS[mimeType], declared, "a.txt"))).toMatchObject({ type: "image", mimeType });
      }
    },
  );

  test("a document when its bytes are those of a PDF", () => {
    expect(first(file(HEADS["application/pdf"], "text/plain", "plan.pdf"))).toMatchObject({
      type: "document",
      mimeType: "application/pdf",
      fileName: "plan.pdf",
    });
  });

  test.each([
    ["text/plain", "note.txt"],
    ["application/json", "a.json"],
    ["application/octet-stream", "main.rs"],
    ["image/svg+xml", "logo.svg"],
    [undefined, undefined],
  ])("a text when its bytes are UTF-8: %s", (mimeType, fileName) => {
    const content = Buffer.from("\ufeffÄ line\r\nof <text> 💧\n").toString("latin1");
    const read = first(file(content, mimeType, fileName));
    expect(read).toMatchObject({ type: "textFile", text: "Ä line\r\nof <text> 💧\n" });
  });

  test("refused when no model reads it, under its name and without its folders", () => {
    const unreadable = [
      file("\xff\xfb\x90\0", "audio/mpeg", "C:\\music\\song\u202e.mp3"),
      file("plain words", "video/mp4", "song.mp3"),
      file("no picture", "image/png", "song.mp3"),
      file("<b>no document</b>", "application/pdf", "song.mp3"),
      file("caf\xe9", "text/plain", "song.mp3"),
      file("a\0b", "text/plain", "song.mp3"),
      file("PK\x03\x04\xff", "application/zip", "song.mp3"),
    ];
    for (const attachment of unreadable) {
      expect(() => first(attachment)).toThrow(/^song\.mp3 cannot be sent to a model: only PNG, JPEG, GIF and WebP/);
    }
  });

  test("refused when it is empty", () => {
    expect(() => first(file("", "text/plain", "note.txt"))).toThrow("note.txt is empty");
    expect(() => first({ ...file(""), content: "data:text/plain;base64," })).toThrow("the attached file is empty");
  });
});

describe("base64", () => {
  test("may be a data URL, broken into lines", () => {
    const content = `data:text/plain;base64,${Buffer.from("hello").toString("base64").replace("g", "g\n")}`;
    expect(readAttachments([{ content }])).toMatchObject([{ type: "textFile", text: "hello" }]);
  });

  test("has its own characters, apart from white space, or is refused", () => {
    const characters = fc.constantFrom(..."AZaz09+/=-_ \n.");
    const texts = fc.oneof(
      fc.string({ unit: characters }),
      fc.uint8Array().map((bytes) => Buffer.from(bytes).toString("base64")),
    );
    const head = Buffer.from(`${HEADS["image/png"]}\0`, "latin1").toString("base64");
    fc.assert(
      fc.property(texts, (rest) => {
        const content = `${head}${rest}`;
        const base64 = content.replace(/\s/g, "");
        const read = () => readAttachments([{ mimeType: "image/png", content }]);
        if (/^[A-Za-z0-9+/]+={0,2}$/.test(base64)) expect(read()).toMatchObject([{ base64 }]);
        else expect(read).toThrow("attachment content must be base64");
      }),
    );
  });
});

describe("at its limit a file is accepted, one byte more is refused:", () => {
  test("a picture", () => {
    const { maxImageBytes } = OPENCLAW_ATTACHMENTS;
    expect(first(sized("image/png", maxImageBytes))).toMatchObject({ type: "image" });
    expect(() => first(sized("image/png", maxImageBytes + 1))).toThrow(
      "exceeds 6291456 bytes, the limit for a picture",
    );
  });

  test("a text", () => {
    expect(first(file("a".repeat(MAX_TEXT_FILE_BYTES)))).toMatchObject({ type: "textFile" });
    expect(() => first(file("a".repeat(MAX_TEXT_FILE_BYTES + 1)))).toThrow(
      "exceeds 1048576 bytes, the limit for a text",
    );
  });

  test("all files together", () => {
    const { maxBytes } = OPENCLAW_ATTACHMENTS;
    const half = maxBytes / 2;
    const fits = [sized("application/pdf", half), sized("application/pdf", half)];
    expect(readAttachments(fits)).toHaveLength(2);
    expect(() => readAttachments([...fits, file("a")])).toThrow("the attached files exceed 19464192 bytes together");
  });
});
