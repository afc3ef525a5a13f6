import { setTimeout } from "node:timers/promises";
import type { Random } from "../../../src/demo/random.ts";
import { configFor, type SluiceProcess, startSluice } from "../gateways/sluice-process.ts";
import type { TestPostgres } from "../stores/postgres-server.ts";
import type { TestRedis } from "../stores/redis-server.ts";
import { type BreakingProxy, startBreakingProxy } from "./breaking-proxy.ts";
import { wallClock } from "./history.ts";
import type { ClientNode } from "./resuming-client.ts";

/** A place for a node: its own ways to Redis and PostgreSQL stay when the node is replaced. */
export interface Place {
  readonly index: number;
  readonly redis: BreakingProxy;
  readonly postgres: BreakingProxy;
}

/** One life of a node. */
export interface FleetNode extends ClientNode {
  readonly place: Place;
  readonly process: SluiceProcess;
}

/** What a fleet is made of. */
export interface FleetParts {
  readonly redis: TestRedis;
  readonly postgres: TestPostgres;
  readonly upstream: string;
  /** Whether the nodes run the build. */
  readonly built: boolean;
  readonly nodes?: number;
  /** On top of the configuration of a node. */
  readonly config?: Readonly<Record<string, unknown>>;
}

/** Node processes that are one cluster, each with its own proxy before Redis and before PostgreSQL. */
export class Fleet implements AsyncDisposable {
  readonly schema = "sluice_cluster";
  readonly places: readonly Place[];
  readonly #parts: FleetParts;
  readonly #nodes = new Map<number, FleetNode>();
  /** When a life of a node was lost, by its name: wall clock, in milliseconds. */
  readonly lostAt = new Map<string, number>();
  /** What processes that are gone have said. */
  readonly said: string[] = [];
  #lives = 0;

  private constructor(parts: FleetParts, places: readonly Place[]) {
    this.#parts = parts;
    this.places = places;
  }

  static async start(parts: FleetParts): Promise<Fleet> {
    const { redis, postgres, nodes = 3 } = parts;
    const places = await Promise.all(
      Array.from({ length: nodes }, async (_, index) => ({
        index,
        redis: await startBreakingProxy(redis.port),
        postgres: await startBreakingProxy(postgres.port),
      })),
    );
    const fleet = new Fleet(parts, places);
    await Promise.all(places.map((place) => fleet.begin(place)));
    return fleet;
  }

  /** Those that run. */
  get nodes(): readonly FleetNode[] {
    return [...this.#nodes.values()];
  }

  /** One of those that run. */
  any(random: Random): FleetNode {
    const { nodes } = this;
    const node = nodes[Math.floor(random() * nodes.length)];
    if (!node) throw new Error("no node runs");
    return node;
  }

  /** Starts a node in an empty place. */
  async begin(place: Place): Promise<FleetNode> {
    const { postgres, upstream, built, config } = this.#parts;
    const env = {
      REDIS: `redis://127.0.0.1:${place.redis.port}`,
      DATABASE: postgres.url.replace(String(postgres.port), String(place.postgres.port)),
    };
    const usual = configFor(upstream);
    const process = await startSluice(
      {
        ...usual,
        log: { level: "info", pretty: false },
        routes: { chat: { ...usual.routes.chat, maxConnections: 4_096 } },
        data: { store: "postgres", shared: true, postgres: { url: { env: "DATABASE" }, schema: this.schema } },
        cluster: { redis: { url: { env: "REDIS" } } },
        ...config,
      },
      { built, env },
    );
    const node = { name: `${place.index}.${++this.#lives}`, url: process.url, place, process };
    this.#nodes.set(place.index, node);
    return node;
  }

  /** Kills a node, and starts another in its place. */
  async replace(node: FleetNode): Promise<void> {
    await this.kill(node);
    await this.begin(node.place);
  }

  /** Kills a node, and says when that was. */
  async kill(node: FleetNode): Promise<void> {
    this.lostAt.set(node.name, wallClock());
    this.#nodes.delete(node.place.index);
    node.process.kill("SIGKILL");
    await node.process.exit;
    await this.#bury(node);
  }

  /** Freezes a node for so long: for the others it is lost, until it has a new name. */
  async freeze(node: FleetNode, forMs: number): Promise<FleetNode> {
    this.lostAt.set(node.name, wallClock());
    this.#nodes.delete(node.place.index);
    node.process.kill("SIGSTOP");
    await setTimeout(forMs);
    node.process.kill("SIGCONT");
    const woken = { ...node, name: `${node.place.index}.${++this.#lives}` };
    this.#nodes.set(node.place.index, woken);
    return woken;
  }

  /** Asks a node to leave; resolves with its exit code once it has. */
  async stop(node: FleetNode): Promise<number | string> {
    this.#nodes.delete(node.place.index);
    node.process.kill("SIGTERM");
    const code = await node.process.exit;
    await this.#bury(node);
    return code;
  }

  /** Resolves when a new connection to a node is answered as ready. */
  async ready(node: FleetNode, withinMs: number): Promise<boolean> {
    const until = performance.now() + withinMs;
    while (performance.now() < until) {
      const response = await fetch(`${node.url}/readyz`).catch(() => undefined);
      if (response?.status === 200) return true;
      await setTimeout(100);
    }
    return false;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.nodes.map((node) => this.#bury(node)));
    await Promise.all(this.places.flatMap(({ redis, postgres }) => [redis, postgres].map(end)));
  }

  async #bury({ name, process }: FleetNode): Promise<void> {
    const lines = `${process.stdout}${process.stderr}`.split("\n");
    this.said.push(...lines.filter(isFault).map((line) => `${name} ${line}`));
    await process[Symbol.asyncDispose]();
  }
}

/** Whether a line of a node's output tells of a fault of its own: that an engine is away is none. */
const isFault = (line: string): boolean =>
  line.startsWith("{")
    ? line.includes('"level":"error"') && !/"state":|"code":"\w+_unavailable"/.test(line)
    : line !== "";

const end = (proxy: BreakingProxy) => proxy[Symbol.asyncDispose]();
