/** Inputs from public reports of comparable gateways, as far as the upstream's side decides them; docs/faults.md has the kinds. */
import { describe, expect, test } from "@jest/globals";
import { StreamClient } from "../support/clients/stream-client.ts";
import { startTestGateway } from "../support/gateways/gateway.ts";
import { NOT_HERE, readOuter } from "../support/recordings/outer-corpus.ts";
import { type ScriptedExchange, startScriptedUpstream } from "../support/upstreams/scripted-upstream.ts";

type Piece = string | { readonly text: string; readonly repeat: number };

interface FieldFault {
  readonly id: string;
  readonly name: string;
  readonly dialect: string;
  readonly upstream?: {
    readonly status?: number;
    readonly headers?: Readonly<Record<string, string>>;
    readonly pieces?: readonly Piece[];
    readonly chunks?: readonly string[];
  };
  readonly request?: Readonly<Record<string, unknown>>;
}

const faults = readOuter<readonly FieldFault[]>("corpus/field-faults.json");
const numbered = (pattern: RegExp) => (faults ?? []).filter(({ id }) => pattern.test(id));

const MODELS: Readonly<Record<string, string>> = {
  "openai-chat": "gpt",
  "openai-responses": "responses",
  "plain-sse": "plain",
};

const textOf = (piece: Piece) => (typeof piece === "string" ? piece : piece.text.repeat(piece.repeat));

/** Answers as the report says, in as many chunks. */
function answer(exchange: ScriptedExchange, { upstream = {} }: FieldFault): string {
  const { status = 200, headers = {} } = upstream;
  const texts = (upstream.chunks ?? upstream.pieces ?? []).map(textOf);
  const body = texts.join("");
  if (headers["transfer-encoding"] === "chunked") {
    exchange.head(status, headers);
    for (const text of texts) exchange.chunk(text);
    exchange.end();
  } else {
    exchange.head(status, { "content-length": String(Buffer.byteLength(body)), ...headers }).write(body);
  }
  return body;
}

/** The data of each event that a client was sent, in order. */
const eventsIn = (body: string) => [...body.matchAll(/^data: (.*)$/gm)].map(([, data]) => data);

async function setUp() {
  const stack = new AsyncDisposableStack();
  const upstream = stack.use(await startScriptedUpstream());
  const gateway = stack.use(await startTestGateway({ upstream: upstream.url }));
  const client = await (await StreamClient.connect(gateway.url)).hello();
  stack.defer(() => client.close());
  return { upstream, gateway, client, [Symbol.asyncDispose]: () => stack.disposeAsync() };
}

if (!faults) test.skip(NOT_HERE, () => {});

describe("a stream is relayed whole:", () => {
  for (const fault of numbered(/^field-(?:13a|37|45)/)) {
    test(`${fault.id}, ${fault.name}`, async () => {
      await using up = await setUp();
      let sent = "";
      up.upstream.respondWith((exchange) => {
        sent = answer(exchange, fault);
      });
      const { events, end } = await up.client.run("a", { model: MODELS[fault.dialect] ?? "", body: {}, flow: "none" });
      expect(end.status).toBe("completed");
      expect(events.map(({ data }) => (typeof data === "string" ? data : JSON.stringify(data)))).toEqual(
        eventsIn(sent),
      );
    });
  }
});

describe("a whole answer is relayed whole:", () => {
  for (const fault of numbered(/^field-13b/)) {
    test(`${fault.id}, ${fault.name}`, async () => {
      await using up = await setUp();
      let sent = "";
      up.upstream.respondWith((exchange) => {
        sent = answer(exchange, fault);
      });
      const response = await fetch(`${up.gateway.url}/v1/chat/completions`, {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: JSON.stringify({ model: "gpt", ...fault.request }),
      });
      expect(response.status).toBe(200);
      expect(await response.text()).toBe(sent);
    });
  }
});

describe("a second stream is completed on a fresh connection:", () => {
  for (const fault of numbered(/^field-22/)) {
    test(`${fault.id}, ${fault.name}`, async () => {
      await using up = await setUp();
      const ends = fault.name.includes("RST") ? "reset" : "finish";
      const run = async (id: string, respond: () => Promise<void>) => {
        const stream = up.client.run(id, { model: "gpt", body: {} });
        await respond();
        return (await stream).end;
      };
      const complete = (exchange: ScriptedExchange) => exchange.sse().finishChat();
      const first = await run("a", async () => void complete(await up.upstream.request()));
      const second = await run("b", async () => {
        (await up.upstream.request())[ends]();
        const fresh = await up.upstream.request();
        expect(fresh.connection).toBe(2);
        complete(fresh);
      });
      expect([first.status, second.status]).toEqual(["completed", "completed"]);
    });
  }
});

describe("an address that is refused is told with the key that allows it:", () => {
  for (const fault of numbered(/^field-30/)) {
    test.each([
      ["http://198.18.0.21:9/v1", ["198.18.0.0/15"]],
      ["http://[64:ff9b::102:304]:9/v1", ["64:ff9b::/96"]],
      ["http://172.17.0.1:9/v1", ["172.17.0.1"]],
    ])(`${fault.id}, ${fault.name}: %s`, async (baseUrl, allowPrivateNetwork) => {
      const route = { dialect: "openai-chat", baseUrl, key: "k", timeouts: { connectMs: 50 } };
      const routes = { closed: route, open: { ...route, allowPrivateNetwork } };
      const models = { gpt: { route: "closed", model: "m" } };
      await using gateway = await startTestGateway({ config: { routes, models } });
      const client = await (await StreamClient.connect(gateway.url)).hello();
      const errorOf = async (name: string) => (await client.run(name, { route: name, body: {} })).end.error;
      expect(await errorOf("closed")).toMatchObject({
        code: "upstream_not_allowed",
        retryable: false,
        message: expect.stringContaining("routes.closed.allowPrivateNetwork"),
      });
      // Nothing is there, but it was tried.
      expect(await errorOf("open")).not.toMatchObject({ details: { reason: "address_not_allowed" } });
      client.close();
    });
  }
});

describe("a route calls what its deployment asks for:", () => {
  for (const fault of numbered(/^field-31/)) {
    test(`${fault.id}, ${fault.name}`, async () => {
      await using upstream = await startScriptedUpstream();
      const azure = {
        dialect: "openai-chat",
        baseUrl: `${upstream.url}/openai/deployments/gpt-4o`,
        key: "azure-key-0123456789",
        keyHeader: "api-key",
        query: { "api-version": "2024-10-21" },
      };
      const config = { routes: { azure }, models: { gpt: { route: "azure", model: "gpt-4o" } } };
      await using gateway = await startTestGateway({ config });
      const client = await (await StreamClient.connect(gateway.url)).hello();
      const stream = client.run("a", { model: "gpt", body: {} });
      const exchange = await upstream.request();
      expect(exchange.path).toBe("/openai/deployments/gpt-4o/chat/completions?api-version=2024-10-21");
      expect(exchange.headers).toMatchObject({ "api-key": "azure-key-0123456789" });
      expect(exchange.headers).not.toHaveProperty("authorization");
      exchange.sse().finishChat();
      expect((await stream).end.status).toBe("completed");
      client.close();
    });
  }
});
