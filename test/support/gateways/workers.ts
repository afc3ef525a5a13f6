import { randomUUID } from "node:crypto";
import { readFileSync } from "node:fs";
import { StreamClient } from "../clients/stream-client.ts";
import { turnsUntil } from "../jest/turns-until.ts";
import type { TestRedis } from "../stores/redis.ts";
import { childrenOf } from "./child-processes.ts";
import { configFor, type SluiceProcess } from "./sluice-process.ts";

type Fields = Readonly<Record<string, unknown>>;

/** A configuration of several workers on the machine, for `configFor`. */
export const workersConfig = (upstream: string, redis: TestRedis, more: Fields = {}): Fields =>
  configFor(upstream, {
    data: { shared: true },
    // The nodes of an earlier test may count as alive for a while.
    cluster: { redis: { url: redis.url, prefix: randomUUID().slice(0, 8) }, workers: 2 },
    limits: { lingerMs: 0, sockets: { upgradesPerSecond: 10_000 } },
    ...more,
  });

/** The processes of the workers, by number. */
export function workersOf({ pid }: Pick<SluiceProcess, "pid">): ReadonlyMap<number, number> {
  return new Map(
    childrenOf(pid).map((child) => {
      const environment = readFileSync(`/proc/${child}/environ`, "utf8").split("\0");
      const number = environment.find((each) => each.startsWith("SLUICE_WORKER="))?.slice("SLUICE_WORKER=".length);
      return [Number(number), child];
    }),
  );
}

/** The lines of the log so far that name this event. */
export const linesOf = ({ stdout }: Pick<SluiceProcess, "stdout">, event: string): readonly Fields[] =>
  stdout
    .split("\n")
    .filter((line) => line.includes(`"event":"${event}"`))
    .map((line) => JSON.parse(line));

/** The newest value of a metric by its name with labels. */
export const metricOf = (page: string, name: string): number =>
  Number(
    page
      .split("\n")
      .find((line) => line.startsWith(`${name} `))
      ?.slice(name.length + 1),
  );

/** The page /metrics, once every worker that runs has given its figures: one may be too late on a busy machine. */
export async function metricsOf({ url }: Pick<SluiceProcess, "url">): Promise<string> {
  let page = "";
  await turnsUntil(async () => {
    page = await (await fetch(`${url}/metrics`)).text();
    return !(metricOf(page, 'sluice_workers{state="silent"}') > 0);
  });
  return page;
}

/** Clients that have said hello, on one socket each. */
export async function connectAll(url: string, count: number): Promise<readonly StreamClient[]> {
  const clients: StreamClient[] = [];
  while (clients.length < count) clients.push(await (await StreamClient.connect(url)).hello());
  return clients;
}

/** Resolves once the log has a line of this event that fits. */
export const lineOf = async (
  sluice: SluiceProcess,
  event: string,
  fits: (line: Fields) => boolean = () => true,
): Promise<Fields> => {
  await turnsUntil(() => linesOf(sluice, event).some(fits));
  return linesOf(sluice, event).find(fits) ?? {};
};
