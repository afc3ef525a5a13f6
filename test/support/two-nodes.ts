import { startBreakingProxy } from "./cluster/breaking-proxy.ts";
import { startTestGateway, type TestGateway } from "./gateway.ts";
import type { TestRedis } from "./redis.ts";
import { type ScriptedExchange, type ScriptedUpstream, startScriptedUpstream } from "./scripted-upstream.ts";
import { StreamClient } from "./stream-client.ts";
import { turnsUntil } from "./turns-until.ts";

/** Two gateways in this process that are nodes of one cluster, over one scripted upstream. */
export interface TwoNodes extends AsyncDisposable {
  readonly upstream: ScriptedUpstream;
  readonly a: TestGateway;
  readonly b: TestGateway;
}

/** Names clusters apart that share a Redis. */
const prefixOf = (directory: string): string => `t${directory.replace(/[^A-Za-z0-9]/g, "").slice(-12)}`;

/** The configuration of a node in this cluster. */
export const nodeConfig = (
  redis: Pick<TestRedis, "url">,
  directory: string,
  more: Readonly<Record<string, unknown>> = {},
) => ({
  data: { store: "sqlite", directory, shared: true },
  cluster: { redis: { url: redis.url, prefix: prefixOf(directory) } },
  ...more,
});

/** Lets all nodes judge who lives, as they may once they have been members for six seconds. */
export async function letJudge(redis: TestRedis, directory: string): Promise<void> {
  const prefix = prefixOf(directory);
  const nodes = await redis.ask("SMEMBERS", `${prefix}:nodes`);
  await redis.ask("DEL", ...nodes.split("\n").map((node) => `${prefix}:new:${node}`));
}

/** What is left of a node six seconds after it renewed its lease for the last time. */
export async function letLapse(redis: TestRedis, directory: string, node: string): Promise<void> {
  await redis.ask("DEL", `${prefixOf(directory)}:node:${node}`);
}

/** A lease that outlasts the test, whatever becomes of its node and however busy the machine is. */
export async function letLast(redis: TestRedis, directory: string, node: string): Promise<void> {
  await redis.ask("SET", `${prefixOf(directory)}:node:${node}`, "", "PX", "600000");
}

/** The name of a node. */
export async function nameOf({ url }: { readonly url: string }): Promise<string> {
  const { node } = (await (await fetch(`${url}/readyz`)).json()) as { node: string };
  return node;
}

/** Starts two nodes on one data directory. */
export async function startTwoNodes(
  redis: TestRedis,
  directory: string,
  more: Readonly<Record<string, unknown>> = {},
): Promise<TwoNodes> {
  const upstream = await startScriptedUpstream();
  const config = nodeConfig(redis, directory, more);
  const a = await startTestGateway({ upstream: upstream.url, config });
  const b = await startTestGateway({ upstream: upstream.url, config });
  return {
    upstream,
    a,
    b,
    async [Symbol.asyncDispose]() {
      await Promise.all([a.close(), b.close()]);
      await upstream.close();
    },
  };
}

/** A chat chunk with this text. */
export const chunk = (text: string) => ({ choices: [{ index: 0, delta: { content: text } }] });

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

/** A node that Redis does not answer any more, and which runs on; and another one, which may judge and takes it for alive. */
export interface CutOffOwner extends AsyncDisposable {
  readonly upstream: ScriptedUpstream;
  readonly owner: TestGateway;
  readonly other: TestGateway;
  /** Lets Redis answer the owner again. */
  readonly letGo: () => void;
}

/** Starts both on one data directory, and resolves once the owner counts Redis as away. */
export async function startCutOffOwner(redis: TestRedis, directory: string): Promise<CutOffOwner> {
  const stack = new AsyncDisposableStack();
  const upstream = stack.use(await startScriptedUpstream());
  const way = stack.use(await startBreakingProxy(redis.port));
  const start = (port: number) =>
    startTestGateway({ upstream: upstream.url, config: nodeConfig({ url: `redis://127.0.0.1:${port}` }, directory) });
  const owner = stack.use(await start(way.port));
  const other = stack.use(await start(redis.port));
  way.stall();
  await letLast(redis, directory, await nameOf(owner));
  await letJudge(redis, directory);
  await turnsUntil(() => owner.log.text.includes("redis_away"));
  return { upstream, owner, other, letGo: () => way.letGo(), [Symbol.asyncDispose]: () => stack.disposeAsync() };
}
