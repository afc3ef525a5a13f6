import { startTestGateway, type TestGateway } from "../gateways/gateway.ts";
import type { TestRedis } from "../stores/redis.ts";
import { type ScriptedUpstream, startScriptedUpstream } from "../upstreams/scripted-upstream.ts";

/** Two gateways in this process that are nodes of one cluster, over one scripted upstream. */
export interface TwoNodes extends AsyncDisposable {
  readonly upstream: ScriptedUpstream;
  readonly a: TestGateway;
  readonly b: TestGateway;
}

/** What the names of a cluster's keys begin with: it tells clusters apart that share a Redis. */
export const prefixOf = (directory: string): string => `t${directory.replace(/[^A-Za-z0-9]/g, "").slice(-12)}`;

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
