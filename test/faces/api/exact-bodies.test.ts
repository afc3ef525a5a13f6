/** What a client wrote goes upstream as it wrote it, though JavaScript would write it in other digits. */
import { gzipSync, zstdCompressSync } from "node:zlib";
import { describe, expect, test } from "@jest/globals";
import { StreamClient } from "../../support/clients/stream-client.ts";
import { startKeyedGateway } from "../../support/gateways/keyed-gateway.ts";
import { temporaryDirectories } from "../../support/stores/temporary-directory.ts";
import { startScriptedUpstream } from "../../support/upstreams/scripted-upstream.ts";
import { CHAT, chunk, FINISH, MESSAGES, RESPONSES, setUp } from "./set-up.ts";

const directory = temporaryDirectories();

const NUMBERS =
  '"x":[9223372036854775807,-9223372036854775808,18446744073709551615,1.0,1e308,1E-9,-0,1.7976931348623157e+308]';
const POLLUTING =
  '"tools":[{"input_schema":{"properties":{"__proto__":{"type":"string"},"constructor":{"prototype":{}}}}}]';

describe.each([
  ["messages", MESSAGES],
  ["chat completions", CHAT],
  ["responses", RESPONSES],
] as const)("%s", (_, asked) => {
  test("relays numbers digit for digit, and keys of any name", async () => {
    await using up = await setUp();
    const text = `${JSON.stringify(asked.body).slice(0, -1)},${NUMBERS},${POLLUTING}}`;
    const asking = up.post({ path: asked.path, body: text });
    const exchange = await up.upstream.request();
    expect(exchange.body).toContain(NUMBERS);
    expect(exchange.body).toContain(POLLUTING);
    exchange.json(400, { error: { message: "enough was seen" } });
    await asking;
    expect(Object.hasOwn(Object.prototype, "prototype")).toBe(false);
  });
});

test("the stream face relays them too, and accepts its own numbers in any notation", async () => {
  await using up = await setUp();
  using client = await (await StreamClient.connect(up.gateway.url)).hello();
  client.send(
    `{"type":"open","id":"a","model":"gpt","retry":true,"body":{"messages":[],${NUMBERS},${POLLUTING},"__proto__":1.0}}`,
  );
  const exchange = await up.upstream.request();
  expect(exchange.body).toContain(NUMBERS);
  expect(exchange.body).toContain(POLLUTING);
  expect(exchange.body).toContain('"__proto__":1.0');
  exchange.sse().event(chunk("a"));
  expect(await client.next()).toMatchObject({ type: "opened" });
  expect(await client.next()).toMatchObject({ type: "event", seq: 1 });
  client.send('{"type":"ack","received":2.0,"streams":{"a":1e0}}');
  exchange.event(FINISH).event("[DONE]").end();
  expect(await client.next()).toMatchObject({ type: "event", seq: 2 });
});

test("a max_tokens written as 4096.0 is a limit", async () => {
  await using upstream = await startScriptedUpstream();
  await using gateway = await startKeyedGateway(directory(), upstream.url);
  const secret = await gateway.makeKey("alice", "--tokens-per-day", "100");
  const asking = fetch(gateway.url + MESSAGES.path, {
    method: "POST",
    headers: { "content-type": "application/json", "x-api-key": secret },
    body: `{"model":"claude","stream":true,"max_tokens":4096.0,"messages":[{"role":"user","content":"Hi"}]}`,
  });
  const exchange = await upstream.request();
  // Lowered to what the cap leaves, as 4096 would be.
  expect(JSON.parse(exchange.body).max_tokens).toBeLessThan(100);
  exchange.json(400, { error: { message: "enough was seen" } });
  await (await asking).text();
});

test("a compressed request is decompressed before it is parsed", async () => {
  await using up = await setUp();
  for (const [encoding, pack] of [
    ["zstd", zstdCompressSync],
    ["gzip", gzipSync],
  ] as const) {
    const response = fetch(up.gateway.url + RESPONSES.path, {
      method: "POST",
      headers: { "content-type": "application/json", "content-encoding": encoding },
      body: pack(Buffer.from(JSON.stringify({ ...RESPONSES.body, stream: false }))),
    });
    const exchange = await up.upstream.request();
    expect([exchange.headers["content-encoding"], JSON.parse(exchange.body)]).toMatchObject([
      undefined,
      { input: "Hi" },
    ]);
    exchange.json(200, { object: "response", status: "completed", output: [] });
    expect((await response).status).toBe(200);
  }
});
