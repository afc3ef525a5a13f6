import { type BreakingProxy, startBreakingProxy } from "../cluster/breaking-proxy.ts";
import { startTestGateway, type TestGateway } from "../gateways/gateway.ts";
import { configFor, type SluiceProcess, startSluice } from "../gateways/sluice-process.ts";
import { turnsUntil } from "../jest/turns-until.ts";
import type { TestRedis } from "../stores/redis.ts";
import { type ScriptedUpstream, startScriptedUpstream } from "../upstreams/scripted-upstream.ts";
import { letJudge, letLast, nameOf, nodeConfig } from "./two-nodes.ts";

/** A node in a process of its own, to be killed or frozen, and another one in this process. */
export interface OwnerProcess extends AsyncDisposable {
  readonly upstream: ScriptedUpstream;
  readonly owner: SluiceProcess;
  readonly other: TestGateway;
}

/** Starts both on one data directory. The owner may reach Redis another way. */
export async function startOwnerProcess(
  redis: TestRedis,
  directory: string,
  ownersRedis: Pick<TestRedis, "url"> = redis,
): Promise<OwnerProcess> {
  await using made = new AsyncDisposableStack();
  const upstream = made.use(await startScriptedUpstream());
  const owner = made.use(await startSluice(configFor(upstream.url, nodeConfig(ownersRedis, directory))));
  const other = made.use(await startTestGateway({ upstream: upstream.url, config: nodeConfig(redis, directory) }));
  const stack = made.move();
  return { upstream, owner, other, [Symbol.asyncDispose]: () => stack.disposeAsync() };
}

/** The Redis that is reached through a proxy. */
export const redisBehind = ({ port }: Pick<BreakingProxy, "port">) => ({ url: `redis://127.0.0.1:${port}` });

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
  await using made = new AsyncDisposableStack();
  const upstream = made.use(await startScriptedUpstream());
  const way = made.use(await startBreakingProxy(redis.port));
  const start = (reached: Pick<TestRedis, "url">) =>
    startTestGateway({ upstream: upstream.url, config: nodeConfig(reached, directory) });
  const owner = made.use(await start(redisBehind(way)));
  const other = made.use(await start(redis));
  way.stall();
  await letLast(redis, directory, await nameOf(owner));
  await letJudge(redis, directory);
  await turnsUntil(() => owner.log.text.includes("redis_away"));
  const stack = made.move();
  return { upstream, owner, other, letGo: () => way.letGo(), [Symbol.asyncDispose]: () => stack.disposeAsync() };
}
