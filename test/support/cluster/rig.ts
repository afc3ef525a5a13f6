import { fork } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { TestPostgres } from "../stores/postgres-server.ts";
import { TestRedis } from "../stores/redis-server.ts";
import type { FloodRecord } from "../upstreams/flood-upstream.ts";
import { Fleet, type FleetParts } from "./fleet.ts";

/** An upstream in its own process, and three nodes over a Redis and a PostgreSQL that nobody else uses. */
export interface Rig extends AsyncDisposable {
  /** The one that nodes use now. */
  readonly redis: TestRedis;
  readonly postgres: TestPostgres;
  readonly fleet: Fleet;
  /** Lets the nodes use another Redis, and ends the one they had. */
  turnTo(redis: TestRedis): Promise<void>;
  /** The flood upstream's record of its answers. */
  records(): Promise<Readonly<Record<string, FloodRecord>>>;
}

/** What a rig is made of. */
export interface RigOptions extends Pick<FleetParts, "built" | "nodes" | "config"> {
  /** Arguments of `redis-server`. */
  readonly redis?: readonly string[];
  /** Where the upstream is; without it, a flood upstream is started in its own process. */
  readonly upstream?: string;
}

const UPSTREAM = fileURLToPath(new URL("../../soak/upstream-process.ts", import.meta.url));

/** Starts everything; whatever was started ends with it. */
export async function startRig(options: RigOptions): Promise<Rig> {
  await using stack = new AsyncDisposableStack();
  const upstream = options.upstream ?? (await forkUpstream(stack));
  let redis = await TestRedis.start(...(options.redis ?? []));
  stack.defer(() => redis.stop());
  const postgres = stack.adopt(await TestPostgres.start(), (server) => server.stop());
  const fleet = stack.use(await Fleet.start({ ...options, redis, postgres, upstream }));
  const owned = stack.move();
  return {
    ...{ postgres, fleet },
    get redis() {
      return redis;
    },
    async turnTo(other) {
      const former = redis;
      redis = other;
      for (const place of fleet.places) place.redis.turnTo(other.port);
      await former.stop();
    },
    records: async () => (await (await fetch(upstream)).json()) as Record<string, FloodRecord>,
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

async function forkUpstream(stack: AsyncDisposableStack): Promise<string> {
  const child = fork(UPSTREAM, { execArgv: [] });
  stack.defer(async () => {
    child.disconnect();
    if (child.exitCode === null) await once(child, "exit");
  });
  const [url] = (await once(child, "message")) as [string];
  return url;
}
