import { randomUUID } from "node:crypto";
import { leaderOf } from "../gateways/gateway-lives.ts";
import { configFor, startSluice } from "../gateways/sluice-process.ts";
import { startScriptedUpstream } from "../upstreams/scripted-upstream.ts";

/** What two nodes share. */
export interface SharedByNodes {
  readonly redisUrl: string;
  /** The configuration's `data`. */
  readonly data: Readonly<Record<string, unknown>>;
  /** More of the configuration. */
  readonly [setting: string]: unknown;
}

/** A busy machine may leave an answer alone for long. */
const PATIENT = { timeouts: { idleMs: 600_000 } };

/** Two nodes as processes, of which the first leads, over one upstream. */
export async function startLeaderAndFollower({ redisUrl, ...more }: SharedByNodes) {
  await using made = new AsyncDisposableStack();
  const upstream = made.use(await startScriptedUpstream());
  const { routes, ...rest } = configFor(upstream.url);
  const config = {
    ...rest,
    routes: { chat: { ...routes.chat, ...PATIENT } },
    cluster: { redis: { url: redisUrl, prefix: randomUUID().slice(0, 8) } },
    ...more,
  };
  const leader = made.use(await startSluice(config));
  await leaderOf([leader]);
  const follower = made.use(await startSluice(config));
  const stack = made.move();
  return { upstream, leader, follower, [Symbol.asyncDispose]: () => stack.disposeAsync() };
}
