import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { freePort } from "./free-port.ts";
import type { Row } from "./row.ts";
import { rowOf } from "./sluice.ts";

const REDIS = "redis-server";

/** This gateway as a node of a cluster, or as several on one machine. Redis runs unpinned beside it, and its CPU is not counted. */
const clustered = (name: string, what: string, workers: number): Row => ({
  ...rowOf({}),
  name,
  what,
  // Only where it is named.
  scenarios: [],
  missing: () =>
    spawnSync(REDIS, ["--version"]).status === 0 ? undefined : `${REDIS} is missing (Debian's package redis-server)`,
  async start(upstreamPort, cpus) {
    const redis = await startRedis();
    const more = {
      data: { store: "sqlite", shared: true },
      cluster: { workers, redis: { url: `redis://127.0.0.1:${redis.port}` } },
    };
    try {
      const running = await rowOf({ more }).start(upstreamPort, cpus);
      return {
        ...running,
        pids: [...running.pids, ...running.pids.flatMap(childrenOf)],
        async stop() {
          await running.stop();
          await redis.stop();
        },
      };
    } catch (error) {
      await redis.stop();
      throw error;
    }
  },
});

const childrenOf = (pid: number): readonly number[] =>
  readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8").split(" ").filter(Boolean).map(Number);

/** A Redis without persistence. */
async function startRedis() {
  const port = await freePort();
  const directory = mkdtempSync(join(tmpdir(), "sluice-bench-redis-"));
  const where = ["--port", String(port), "--bind", "127.0.0.1", "--dir", directory, "--save", ""];
  const child = spawn(REDIS, where, { stdio: ["ignore", "pipe", "ignore"] });
  const end = () => void child.kill("SIGKILL");
  process.on("exit", end);
  for await (const line of createInterface(child.stdout)) if (line.includes("Ready to accept")) break;
  child.stdout.resume();
  return {
    port,
    async stop() {
      process.off("exit", end);
      const ended = once(child, "exit");
      end();
      await ended;
      rmSync(directory, { recursive: true, force: true });
    },
  };
}

/** Compare them with `sluice-sqlite`, on all cores: `--rows sluice-sqlite,sluice-clustered,sluice-workers --cpus all`. */
export const sluiceWorkers: readonly Row[] = [
  clustered("sluice-clustered", "this gateway as the only node of a cluster, with SQLite and Redis", 1),
  clustered("sluice-workers", "the same as two workers behind one port", 2),
];
