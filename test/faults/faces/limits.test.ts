/** The limits of both faces that docs/faces.md lists and no other test holds, at their number and one beyond it. */
import { describe, expect, test } from "@jest/globals";
import { SOCKET_FACES } from "../../support/gateways/socket-faces.ts";
import { setUp } from "./set-up.ts";

const [[, responses], [, aiSdk]] = SOCKET_FACES;

describe("the Responses socket", () => {
  test("takes a lane's name of 64 characters, and none of 65", async () => {
    await using up = await setUp(responses);
    up.upstream.respondWith((exchange) => void responses.finish(responses.begin(exchange)));
    const longest = "l".repeat(64);
    up.client.ask(longest);
    expect(await up.client.end(longest)).toMatchObject({ as: "completed" });
    up.client.ask(`${longest}l`);
    await up.client.until(() => up.client.endings().length === 2);
    expect(up.client.endings()[1]).toMatchObject({ as: "refused", message: expect.stringContaining("64") });
    expect(up.upstream.requests).toBe(1);
  });
});

describe("the AI SDK's chat", () => {
  const tools = (count: number, nameLength = 4) =>
    Array.from({ length: count }, (_, at) => ({ name: String(at).padStart(nameLength, "t"), parameters: {} }));

  test.each([
    ["a chat id of 256 characters", (over: number) => ({ id: "c".repeat(256 + over) })],
    ["256 tools", (over: number) => ({ body: { model: "gpt", tools: tools(256 + over) } })],
    ["a tool's name of 128 characters", (over: number) => ({ body: { model: "gpt", tools: tools(1, 128 + over) } })],
  ])("takes %s, and none beyond", async (_, fields) => {
    await using up = await setUp(aiSdk);
    up.upstream.respondWith((exchange) => void aiSdk.finish(aiSdk.begin(exchange)));
    up.client.ask("a", fields(0));
    expect(await up.client.end("a")).toMatchObject({ as: "completed" });
    up.client.ask("b", fields(1));
    expect(await up.client.end("b")).toMatchObject({ as: "refused" });
    expect(up.upstream.requests).toBe(1);
  });

  test("reads limits.streamsPerConnection answers at once on a socket, and others go on", async () => {
    await using up = await setUp(aiSdk, { limits: { streamsPerConnection: 2 } });
    for (const id of ["a", "b", "c"]) up.client.ask(id);
    expect(await up.client.end("c")).toMatchObject({ as: "refused" });
    for (let at = 0; at < 2; at++) aiSdk.finish(aiSdk.begin(await up.upstream.request()));
    for (const id of ["a", "b"]) expect(await up.client.end(id)).toMatchObject({ as: "completed" });
    up.client.ask("d");
    aiSdk.finish(aiSdk.begin(await up.upstream.request()));
    expect(await up.client.end("d")).toMatchObject({ as: "completed" });
  });
});
