/** What providers in the field refuse with, played through the gateway, where the outer corpus lies beside the checkout. */
import { expect, test } from "@jest/globals";
import { StreamClient } from "../support/clients/stream-client.ts";
import { startTestGateway } from "../support/gateways/gateway.ts";
import { startRig } from "../support/openclaw/openclaw-rig.ts";
import { NOT_HERE, readOuter } from "../support/recordings/outer-corpus.ts";
import { type ScriptedExchange, startScriptedUpstream } from "../support/upstreams/scripted-upstream.ts";

interface Fault {
  readonly id: string;
  readonly name: string;
  readonly dialect: string;
  readonly request?: { readonly stream?: boolean };
  readonly upstream: {
    readonly status: number;
    readonly headers: Readonly<Record<string, string>>;
    readonly body?: string;
    readonly chunks?: readonly string[];
  };
}

const faults = readOuter<readonly Fault[]>("corpus/field-faults.json");

/** Our reading of what is right: the status and headers of the HTTP API, and how the stream ends on the stream face. */
interface Right {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string | null>>;
  readonly error?: object;
  readonly end: object;
}

const EXCEEDED = "the request (9120 tokens) exceeds the context size (4096)";
const BALANCE = "insufficient balance on this account";
const extra = (place: string) => `${place}Extra inputs are not permitted`;
const refused = (status: number, message: string, details: object = {}, code = "upstream_http_error") => ({
  status: "failed",
  error: { code, message, retryable: false, details: { status, ...details } },
});

const RIGHT: Readonly<Record<string, Right>> = {
  "field-09a": {
    status: 400,
    error: { message: EXCEEDED, type: "exceed_context_size_error" },
    end: refused(400, EXCEEDED, { type: "exceed_context_size_error" }),
  },
  "field-09b": {
    status: 400,
    error: { message: EXCEEDED, code: "InvalidParameter" },
    end: refused(400, EXCEEDED, { type: "InvalidParameter" }),
  },
  "field-10a": {
    status: 400,
    headers: { "x-should-retry": "false" },
    error: { message: BALANCE, type: "insufficient_quota" },
    end: { status: "failed", error: { code: "upstream_error_event", message: BALANCE, retryable: false } },
  },
  "field-10b": {
    status: 400,
    headers: { "x-should-retry": "false" },
    error: { message: BALANCE },
    end: { status: "failed", error: { code: "upstream_bad_response", message: BALANCE } },
  },
  "field-17a": {
    status: 429,
    headers: {
      "retry-after": "287441",
      "x-should-retry": "false",
      "anthropic-ratelimit-unified-status": "rejected",
      "anthropic-ratelimit-unified-reset": "1800000000",
    },
    error: { type: "rate_limit_error", message: "usage limit reached" },
    end: { status: "failed", error: { code: "upstream_rate_limited", retryable: false, retryAfterMs: 287_441_000 } },
  },
  "field-17b": {
    status: 200,
    headers: {
      "anthropic-ratelimit-tokens-remaining": "399000",
      "x-sluice-upstream-request-id": "req_upstream_2",
    },
    end: { status: "completed" },
  },
  "field-44a": { status: 422, error: { message: extra("") }, end: refused(422, extra("")) },
  "field-44b": {
    status: 422,
    error: { message: extra("body.messages: "), param: "messages" },
    end: refused(422, extra("body.messages: "), { param: "messages" }),
  },
  "field-44c": {
    status: 422,
    error: { message: extra("body.stream_options: "), type: "invalid_request_error", param: "stream_options" },
    end: refused(422, extra("body.stream_options: "), { param: "stream_options" }),
  },
  "field-44d": { status: 422, error: { message: extra("") }, end: refused(422, extra("")) },
};

const PATHS: Readonly<Record<string, string>> = {
  "openai-chat": "/v1/chat/completions",
  "anthropic-messages": "/v1/messages",
};

function answer(exchange: ScriptedExchange, { status, headers, body, chunks }: Fault["upstream"]): void {
  const length = body === undefined ? {} : { "content-length": String(Buffer.byteLength(body)) };
  exchange.head(status, { ...headers, ...length });
  if (body !== undefined) exchange.write(body);
  for (const chunk of chunks ?? []) exchange.chunk(chunk);
  if (chunks) exchange.end();
}

if (!faults) test.skip(NOT_HERE, () => {});
else {
  const ids = Object.keys(RIGHT);
  const played = faults.filter(({ id }) => ids.includes(id)).map((fault) => [fault.id, fault.name, fault] as const);

  test.each(played)("%s: %s", async (id, _name, { dialect, request, upstream: said }) => {
    const right = RIGHT[id];
    if (!right) throw new Error("no reading");
    await using upstream = await startScriptedUpstream();
    upstream.respondWith((exchange) => answer(exchange, said));
    const baseUrl = dialect === "anthropic-messages" ? upstream.url : `${upstream.url}/v1`;
    const models = { m: { route: "r", model: "m" } };
    const config = { routes: { r: { dialect, baseUrl } }, models };
    await using gateway = await startTestGateway({ config });

    const response = await fetch(gateway.url + PATHS[dialect], {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ model: "m", stream: true, messages: [], ...request }),
    });
    const text = await response.text();
    expect([response.status, text]).toEqual([right.status, expect.any(String)]);
    for (const [name, value] of Object.entries(right.headers ?? {})) {
      expect([name, response.headers.get(name)]).toEqual([name, value]);
    }
    if (right.error) expect(JSON.parse(text).error).toMatchObject(right.error);

    const client = await (await StreamClient.connect(gateway.url)).hello();
    client.send({ type: "open", id: "a", model: "m", body: { messages: [] } });
    expect((await client.rest("a")).end).toMatchObject(right.end);
    client.close();
  });

  const empty = faults.filter(({ id }) => id.startsWith("field-34"));
  test.each(empty.map((fault) => [fault.id, fault.name, fault] as const))(
    "%s: %s",
    async (_id, _name, { upstream }) => {
      await using rig = await startRig();
      using client = await rig.client();
      await client.request("chat.send", { sessionKey: "main", message: "Hi", idempotencyKey: "r1" });
      for (const chunk of upstream.chunks ?? []) rig.call.event(undefined, chunk.replace(/^data: /, "").trim());
      const text = expect.stringMatching(/^\[No text: .+\]$/);
      expect(await client.ended("r1")).toMatchObject({ state: "final", message: { content: [{ text }] } });
    },
  );

  test("every input is there", () => {
    expect(faults.map(({ id }) => id)).toEqual(expect.arrayContaining([...ids, "field-34a", "field-34b"]));
  });
}
