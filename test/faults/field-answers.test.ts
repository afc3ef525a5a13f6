/** What the field sent, played through the gateway, where the outer corpus lies beside the checkout. */
import { expect, test } from "@jest/globals";
import { StreamClient } from "../support/clients/stream-client.ts";
import { startTestGateway } from "../support/gateways/gateway.ts";
import { NOT_HERE, readOuter } from "../support/recordings/outer-corpus.ts";
import { type ScriptedExchange, startScriptedUpstream } from "../support/upstreams/scripted-upstream.ts";

interface Fault {
  readonly id: string;
  readonly name: string;
  readonly dialect: string;
  readonly request?: Readonly<Record<string, unknown>>;
  readonly upstream: {
    readonly chunks: readonly string[];
    readonly ends: "clean" | "open" | "reset";
    readonly every?: { readonly ms: number; readonly chunk: string };
  };
}

const faults = readOuter<readonly Fault[]>("corpus/field-faults.json");

/** Our reading of what is right, by the id of the input. */
const RIGHT: Readonly<Record<string, object>> = {
  "field-01a": { status: "completed", lastSeq: 2 },
  "field-01b": { status: "completed", lastSeq: 3, usage: { source: "exact", inputTokens: 3, outputTokens: 2 } },
  "field-01c": { status: "completed", lastSeq: 6, usage: { source: "exact", inputTokens: 10, outputTokens: 5 } },
  "field-01d": { status: "failed", lastSeq: 1, error: { code: "upstream_truncated" } },
  "field-02a": { status: "completed", lastSeq: 2 },
  "field-02b": { status: "completed", lastSeq: 2 },
  "field-03a": { status: "failed", lastSeq: 3, error: { code: "upstream_reset" } },
  "field-03b": { status: "failed", lastSeq: 4, error: { code: "upstream_reset" } },
  "field-04a": { status: "completed", usage: { source: "exact", inputTokens: 20, outputTokens: 603 } },
  "field-04b": { status: "completed", usage: { source: "exact", inputTokens: 21, outputTokens: 60 } },
  "field-04c": {
    status: "completed",
    usage: { source: "exact", inputTokens: 21, outputTokens: 60, reasoningTokens: 60 },
  },
  "field-06a": { status: "completed", usage: { source: "estimated", outputTokens: 54 } },
  "field-06b": { status: "completed", usage: { source: "estimated", outputTokens: 7 } },
  "field-06c": { status: "completed", usage: { source: "estimated", outputTokens: 7 } },
  "field-07": { status: "completed", usage: { source: "exact", inputTokens: 203_000, outputTokens: 4_500 } },
  "field-12": { status: "completed", lastSeq: 4, usage: { source: "exact", inputTokens: 12, outputTokens: 20 } },
};

/** How the body goes on and ends behind its chunks. */
async function answer(exchange: ScriptedExchange, { ends, every }: Fault["upstream"]): Promise<void> {
  if (ends === "clean") exchange.end();
  else if (ends === "reset") exchange.reset();
  else if (every) {
    const timer = setInterval(() => exchange.chunk(every.chunk), every.ms);
    await exchange.closed;
    clearInterval(timer);
  }
}

const ids = Object.keys(RIGHT);
if (!faults) test.skip(NOT_HERE, () => {});
else {
  test.each(faults.filter(({ id }) => ids.includes(id)).map((fault) => [fault.id, fault.name, fault] as const))(
    "%s: %s",
    async (id, _name, fault) => {
      await using upstream = await startScriptedUpstream();
      const route = {
        dialect: fault.dialect,
        baseUrl: fault.dialect === "anthropic-messages" ? upstream.url : `${upstream.url}/v1`,
      };
      const models = { m: { route: "r", model: "m" } };
      await using gateway = await startTestGateway({ config: { routes: { r: route }, models } });
      const client = await (await StreamClient.connect(gateway.url)).hello();
      client.send({ type: "open", id: "a", model: "m", body: fault.request ?? { messages: [] } });
      const exchange = (await upstream.request()).sse();
      const { chunks, ends } = fault.upstream;
      for (const chunk of chunks) exchange.chunk(chunk);
      // What a reset overtakes in the kernel never arrives.
      if (ends === "reset") await client.take((frame) => frame.type === "event" && frame.seq === chunks.length);
      const played = answer(exchange, fault.upstream);
      const { end } = await client.rest("a");
      await played;
      expect(end).toMatchObject(RIGHT[id] ?? {});
      expect(end.usage.inputTokens).toBeGreaterThan(0);
      client.close();
    },
  );

  test("every input is there", () => {
    expect(faults.map(({ id }) => id)).toEqual(expect.arrayContaining(ids));
  });
}
