/** However a client gives a stream up before its first event, its prompt counts under its key's cap. */
import { expect, test } from "@jest/globals";
import { StreamClient } from "../../support/clients/stream-client.ts";
import { type KeyedGateway, startKeyedGateway } from "../../support/gateways/keyed-gateway.ts";
import { OpenClawClient } from "../../support/openclaw/openclaw-client.ts";
import { temporaryDirectories } from "../../support/stores/temporary-directory.ts";
import { type ScriptedUpstream, startScriptedUpstream } from "../../support/upstreams/scripted-upstream.ts";

const directory = temporaryDirectories();
const TEXT = "word".repeat(7_500);
const messages = [{ role: "user", content: TEXT }];

interface Place {
  readonly gateway: KeyedGateway;
  readonly upstream: ScriptedUpstream;
  readonly secret: string;
}

async function overStream({ gateway, upstream, secret }: Place, leave: (client: StreamClient) => void): Promise<void> {
  const client = await (await StreamClient.connect(gateway.url, { token: secret })).hello();
  client.send({ type: "open", id: "a", model: "gpt", away: "cancel", body: { max_tokens: 64, messages } });
  const exchange = await upstream.request();
  leave(client);
  await exchange.closed;
  client.close();
}

async function overHttp({ gateway, upstream, secret }: Place, stream: boolean): Promise<void> {
  const hangUp = new AbortController();
  const answer = fetch(`${gateway.url}/v1/chat/completions`, {
    method: "POST",
    headers: { authorization: `Bearer ${secret}`, "content-type": "application/json" },
    body: JSON.stringify({ model: "gpt", stream, max_tokens: 64, messages }),
    signal: hangUp.signal,
  });
  const exchange = await upstream.request();
  hangUp.abort();
  await expect(answer).rejects.toThrow();
  await exchange.closed;
}

const WAYS: readonly [string, (place: Place) => Promise<void>][] = [
  ["cancels it", (place) => overStream(place, (client) => client.send({ type: "cancel", id: "a" }))],
  ["loses its socket", (place) => overStream(place, (client) => client.ws.terminate())],
  ["hangs up on HTTP", (place) => overHttp(place, true)],
  ["hangs up on a whole answer", (place) => overHttp(place, false)],
  [
    "stops its run",
    async ({ gateway, upstream, secret }) => {
      const client = await OpenClawClient.dial(gateway.url);
      await client.connect({ token: secret, scopes: ["operator.read", "operator.write"] });
      await client.request("chat.send", { sessionKey: "main", message: TEXT, idempotencyKey: "r1" });
      const exchange = await upstream.request();
      await client.request("chat.abort", { sessionKey: "main", runId: "r1" });
      await exchange.closed;
      client.hangUp();
    },
  ],
];

test.each(WAYS)("a client that %s before the answer began cannot send its prompt again", async (_, giveUp) => {
  await using upstream = await startScriptedUpstream();
  await using gateway = await startKeyedGateway(directory(), upstream.url);
  const secret = await gateway.makeKey("ci", "--tokens-per-day", "10000", "--scopes", "streams,chat");
  await giveUp({ gateway, upstream, secret });
  const client = await (await StreamClient.connect(gateway.url, { token: secret })).hello();
  client.send({ type: "open", id: "b", model: "gpt", body: { max_tokens: 64, messages } });
  expect(await client.take(({ type }) => type === "error" || type === "opened")).toMatchObject({
    type: "error",
    error: { code: "cap_exceeded", details: { cap: "tokensPerDay", used: expect.any(Number) } },
  });
  expect(upstream.requests).toBe(1);
  client.close();
  await client.closed;
});
