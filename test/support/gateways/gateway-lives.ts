/** Gateways over one store that are killed while they serve, so that others go on. */
import { setTimeout as after } from "node:timers/promises";
import type { Random } from "../../../src/demo/random.ts";
import { type SluiceProcess, startSluice } from "./sluice-process.ts";

/** One gateway after the other, or a cluster whose nodes lead one after the other. */
export interface GatewayLives extends AsyncDisposable {
  /** Starts what is missing. Resolves with where a client may connect. */
  next(): Promise<string>;
  /** Kills the one that serves. */
  kill(): void;
}

/** One gateway at a time. */
export function oneGateway(config: object, built: boolean): GatewayLives {
  let gateway: SluiceProcess | undefined;
  return {
    async next() {
      await gateway?.[Symbol.asyncDispose]();
      gateway = await startSluice(config, { built });
      return gateway.url;
    },
    kill: () => gateway?.kill("SIGKILL"),
    async [Symbol.asyncDispose]() {
      await gateway?.[Symbol.asyncDispose]();
    },
  };
}

/** Where the newest line stands that says that this node leads; -1 if its newest says something else. */
const leadsAt = ({ stdout }: SluiceProcess): number => {
  const line = stdout.slice(stdout.lastIndexOf('"state":"leader"')).split("\n", 1)[0] ?? "";
  return /"isHere":true/.test(line) ? stdout.lastIndexOf('"state":"leader"') : -1;
};

/** The node that leads. Resolves once there is one. */
export async function leaderOf(nodes: readonly SluiceProcess[]): Promise<SluiceProcess> {
  for (;;) {
    const leader = nodes.find((node) => leadsAt(node) >= 0);
    if (leader) return leader;
    await after(20);
  }
}

/** Several nodes; a client connects to one that does not serve it itself. Killed ones are replaced, for which nobody waits. */
export function severalNodes(config: object, built: boolean, count: number, random: Random): GatewayLives {
  const nodes: SluiceProcess[] = [];
  const gone: SluiceProcess[] = [];
  const starting = new Set<Promise<void>>();
  let leader: SluiceProcess | undefined;
  const start = () => {
    const started = startSluice(config, { built }).then((node) => {
      nodes.push(node);
      starting.delete(started);
    });
    starting.add(started);
  };
  return {
    async next() {
      while (nodes.length + starting.size < count) start();
      // A node that serves and one that does not.
      while (nodes.length < 2) await Promise.race(starting);
      leader = await leaderOf(nodes);
      const others = nodes.filter((node) => node !== leader);
      return others[Math.floor(random() * others.length)]?.url ?? "";
    },
    kill() {
      if (!leader) return;
      leader.kill("SIGKILL");
      nodes.splice(nodes.indexOf(leader), 1);
      gone.push(leader);
    },
    async [Symbol.asyncDispose]() {
      await Promise.all(starting);
      await Promise.all([...nodes, ...gone].map((node) => node[Symbol.asyncDispose]()));
    },
  };
}
