import { startTestGateway, type TestGateway } from "../gateways/gateway.ts";
import type { TestRedis } from "../stores/redis.ts";

/** A node of a cluster, in this process. */
export const startNode = (
  redis: TestRedis,
  {
    upstream,
    prefix,
    directory,
    ...config
  }: Readonly<Record<string, unknown>> & {
    readonly upstream: string;
    /** One cluster has one. */
    readonly prefix: string;
    /** The data directory that all nodes share. */
    readonly directory: string;
  },
): Promise<TestGateway> =>
  startTestGateway({
    upstream,
    config: {
      data: { store: "sqlite", directory, shared: true },
      cluster: { redis: { url: redis.url, prefix } },
      ...config,
    },
  });
