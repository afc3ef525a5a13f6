import type { ServerFrame } from "../../../protocol/stream.ts";
import { type EventFrame, StreamClient } from "../clients/stream-client.ts";
import type { TestGateway } from "../gateways/gateway.ts";
import { turnsUntil } from "../jest/turns-until.ts";
import type { ScriptedExchange, ScriptedUpstream } from "../upstreams/scripted-upstream.ts";

/** A chat chunk with this text. */
export const chunk = (text: string) => ({ choices: [{ index: 0, delta: { content: text } }] });

/** Picks the event with this sequence. */
export const isEvent = (seq: number) => (frame: ServerFrame) => frame.type === "event" && frame.seq === seq;

/** The sequences of events. */
export const seqsOf = (events: readonly EventFrame[]): readonly number[] => events.map(({ seq }) => seq);

/** A stream that has been opened on a node, its client and its upstream's side. */
export interface OpenedStream extends Disposable {
  readonly client: StreamClient;
  readonly stream: string;
  readonly exchange: ScriptedExchange;
}

/** Opens a stream on a node, with the id `one`. */
export async function openOn(
  { url }: Pick<TestGateway, "url">,
  upstream: ScriptedUpstream,
  more: Readonly<Record<string, unknown>> = {},
): Promise<OpenedStream> {
  const client = await (await StreamClient.connect(url)).hello();
  client.send({ type: "open", id: "one", model: "gpt", body: { messages: [] }, flow: "none", ...more });
  const opened = await client.take((frame) => frame.type === "opened" || frame.type === "error");
  if (opened.type !== "opened") throw new Error(JSON.stringify(opened));
  const exchange = await upstream.request();
  exchange.sse();
  return { client, stream: opened.stream, exchange, [Symbol.dispose]: () => client[Symbol.dispose]() };
}

/** The same, once its client has had these texts, an event each. */
export async function openWith(
  node: Pick<TestGateway, "url">,
  upstream: ScriptedUpstream,
  texts: readonly string[],
  more: Readonly<Record<string, unknown>> = {},
): Promise<OpenedStream> {
  const opened = await openOn(node, upstream, more);
  for (const text of texts) opened.exchange.event(chunk(text));
  await opened.client.take(isEvent(texts.length));
  return opened;
}

/** Reads a stream on, on this node. */
export async function resumeOn(
  { url }: Pick<TestGateway, "url">,
  stream: string,
  after: number,
  more: Readonly<Record<string, unknown>> = {},
): Promise<StreamClient> {
  const client = await (await StreamClient.connect(url)).hello();
  client.send({ type: "resume", id: "one", stream, epoch: 1, after, flow: "none", ...more });
  return client;
}

/** Reads a stream on from its beginning, on this node, as often as that is refused for now. */
export async function resumedOn(node: Pick<TestGateway, "url">, stream: string): Promise<StreamClient> {
  for (;;) {
    const client = await resumeOn(node, stream, 0);
    const answer = await client.next();
    if (answer.type === "resumed") return client;
    client[Symbol.dispose]();
    if (answer.type !== "error" || answer.error.code !== "cluster_unavailable") throw new Error(JSON.stringify(answer));
  }
}

/**
 * Ends a stream, asked of this node, and says how that was answered, once nobody is too late for that: `ended` also if one who
 * was too late did it.
 */
export async function endOn(
  { url }: Pick<TestGateway, "url">,
  stream: string,
  headers: Readonly<Record<string, string>> = {},
): Promise<string> {
  let wasLate = false;
  let status = 503;
  await turnsUntil(async () => {
    ({ status } = await fetch(`${url}/v1/streams/${stream}`, { method: "DELETE", headers }));
    wasLate ||= status === 503;
    return status !== 503;
  });
  return status === 204 || (status === 404 && wasLate) ? "ended" : String(status);
}
