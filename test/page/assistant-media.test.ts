import { describe, expect, test } from "@jest/globals";
import type { Caller, Grant } from "../../src/core/caller/caller.ts";
import { InboundBudget } from "../../src/core/caller/inbound-budget.ts";
import { GatewayError } from "../../src/core/kernel/errors.ts";
import type { MessageFile } from "../../src/core/ports/message-file.ts";
import { createAssistantMedia } from "../../src/page/assistant-media.ts";

const PATH = "/__openclaw__/assistant-media";
const SOURCE = "media://inbound/m1-0.png";
const BYTES = Buffer.from("\x89PNG", "latin1");
const PICTURE: MessageFile = { mimeType: "image/png", fileName: "dot.png", sizeBytes: 4, read: () => BYTES };

const granting = (...scopes: string[]): Caller => ({
  name: "key",
  grant: { scopes: new Set(scopes) } as unknown as Grant,
});

function served(file: MessageFile | undefined = PICTURE) {
  const time = { now: 1_795_000_000_000 };
  const revoked = new Set<Caller>();
  const callers: Record<string, Caller> = {
    chat: granting("chat"),
    streams: granting("streams"),
    token: { name: "token" },
  };
  const asked: string[] = [];
  const room = new InboundBudget({ maxBytes: 8, maxBytesEach: 8 });
  const media = createAssistantMedia({
    callerOf: ({ authorization }) => callers[authorization?.slice("Bearer ".length) ?? ""],
    current(caller) {
      if (revoked.has(caller)) throw new GatewayError("unauthorized");
      return caller;
    },
    async fileOf(sessionKey, source) {
      asked.push(source);
      if (sessionKey === "agent:") throw new GatewayError("bad_request");
      return sessionKey === "agent:main:main" && source === SOURCE ? file : undefined;
    },
    reserve: ({ name }, bytes) => room.reserve(name, bytes),
    now: () => time.now,
  });
  const get = (query: Record<string, string>, bearer?: string, path = PATH, method = "GET") =>
    media({
      method,
      path,
      query: new URLSearchParams({ source: SOURCE, sessionKey: "agent:main:main", ...query }),
      headers: bearer === undefined ? {} : { authorization: `Bearer ${bearer}` },
      remoteAddress: "127.0.0.1",
    });
  const ticket = async (bearer: string) => {
    const answer = await get({ meta: "1" }, bearer);
    return String(JSON.parse(String(answer?.body)).mediaTicket);
  };
  return { get, ticket, time, revoked, callers, asked, room };
}

describe("a file of a conversation", () => {
  test.each([PATH, `/ui${PATH}`])(
    "is served at %s to a caller that may chat, and shown without rights",
    async (path) => {
      expect(await served().get({}, "chat", path)).toEqual({
        status: 200,
        headers: {
          "content-type": "image/png",
          "content-disposition": "inline; filename*=UTF-8''dot.png",
          "cache-control": "private, no-cache",
          "content-security-policy": "default-src 'none'; sandbox; frame-ancestors 'none'",
          "cross-origin-resource-policy": "same-origin",
          "referrer-policy": "no-referrer",
          "x-content-type-options": "nosniff",
        },
        body: BYTES,
        over: expect.any(Function),
      });
    },
  );

  test("takes memory until it is sent: one more is refused before it is decoded", async () => {
    let decoded = 0;
    const read = () => {
      decoded++;
      return BYTES;
    };
    const file = { ...PICTURE, read };
    const { get, room } = served(file);
    const sending = [await get({}, "chat"), await get({}, "chat")];
    await expect(get({}, "chat")).rejects.toMatchObject({ code: "overloaded" });
    expect(decoded).toBe(2);
    await get({ meta: "1" }, "chat");
    expect(decoded).toBe(2);
    for (const page of sending) page?.over?.();
    expect(room.usedBytes).toBe(0);
    await expect(get({}, "chat")).resolves.toMatchObject({ status: 200 });
  });

  test("is refused without credentials, and to a key without chat", async () => {
    const { get, asked } = served();
    for (const meta of ["0", "1"]) {
      await expect(get({ meta })).rejects.toMatchObject({ code: "unauthorized" });
      await expect(get({ meta }, "wrong")).rejects.toMatchObject({ code: "unauthorized" });
      await expect(get({ meta }, "streams")).rejects.toMatchObject({ code: "forbidden" });
    }
    expect(asked).toEqual([]);
  });

  test.each([
    ["image/svg+xml", "application/octet-stream"],
    ["text/html", "application/octet-stream"],
    ["text/plain", "text/plain; charset=utf-8"],
    ["application/pdf", "application/pdf"],
  ])("of type %s is only downloaded, as %s", async (mimeType, type) => {
    const { get } = served({ ...PICTURE, mimeType, fileName: "a'b\r\n\ud800.x" });
    expect(await get({}, "token")).toMatchObject({
      headers: { "content-type": type, "content-disposition": "attachment; filename*=UTF-8''a%27b%0D%0A%EF%BF%BD.x" },
    });
  });

  test("that is not there is not found", async () => {
    const { get } = served();
    const missing = [
      { source: "media://inbound/../secret" },
      { source: "" },
      { sessionKey: "x" },
      { sessionKey: "agent:" },
    ];
    for (const query of missing) {
      await expect(get(query, "chat")).rejects.toMatchObject({ code: "not_found" });
      const described = await get({ ...query, meta: "1" }, "chat");
      expect(JSON.parse(String(described?.body))).toEqual({
        available: false,
        code: "file-not-found",
        reason: "File not found",
        retryable: false,
      });
    }
  });

  test("is read, not written", async () => {
    expect(await served().get({}, "chat", PATH, "POST")).toMatchObject({
      status: 405,
      headers: { allow: "GET, HEAD" },
    });
  });

  test("at any other path is none of this route's", () => {
    expect(served().get({}, "chat", `${PATH}/`)).toBeUndefined();
  });
});

describe("a ticket", () => {
  test("comes with the description of a file and opens it without credentials for five minutes", async () => {
    const { get, ticket, time } = served();
    const described = await get({ meta: "1" }, "chat");
    expect(JSON.parse(String(described?.body))).toEqual({
      available: true,
      mimeType: "image/png",
      sizeBytes: 4,
      mediaTicket: expect.stringMatching(/^[\w-]{32}$/),
      mediaTicketExpiresAt: new Date(time.now + 300_000).toISOString(),
    });
    const mediaTicket = await ticket("chat");
    time.now += 299_999;
    expect(await get({ mediaTicket })).toMatchObject({ status: 200 });
    time.now += 1;
    await expect(get({ mediaTicket })).rejects.toMatchObject({ code: "not_found" });
  });

  test("opens nothing else, and neither describes a file nor issues another", async () => {
    const { get, ticket } = served();
    const mediaTicket = await ticket("chat");
    await expect(get({ mediaTicket, source: "media://inbound/m1-1.png" })).rejects.toMatchObject({ code: "not_found" });
    await expect(get({ mediaTicket, sessionKey: "agent:main:x" })).rejects.toMatchObject({ code: "not_found" });
    await expect(get({ mediaTicket, meta: "1" })).rejects.toMatchObject({ code: "unauthorized" });
    await expect(get({ mediaTicket: "" }, "chat")).rejects.toMatchObject({ code: "not_found" });
  });

  test("is worth nothing once its caller's key is revoked", async () => {
    const { get, ticket, revoked, callers } = served();
    const mediaTicket = await ticket("chat");
    if (callers.chat) revoked.add(callers.chat);
    await expect(get({ mediaTicket })).rejects.toMatchObject({ code: "unauthorized" });
  });
});
