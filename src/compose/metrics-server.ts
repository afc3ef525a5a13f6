import type { Config } from "../config/schema.ts";
import type { Observer } from "../core/ports/observer.ts";
import { METRICS_PATH, type MetricsResponse } from "../observe/metrics-page.ts";
import type { OriginRules } from "../transport/admit/origin.ts";
import { type PageServer, startPageServer } from "../transport/http/page-server.ts";

/** Which pages and host names may be named in a request to the gateway. */
export function originsOf({ allowedOrigins, allowedHosts, listen, metrics }: Config): OriginRules {
  const hosts = [listen.host, ...(metrics.listen ? [metrics.listen.host] : [])];
  return { allowedOrigins, allowedHosts: [...allowedHosts, ...hosts] };
}

/** The page, if metrics are on, and who learns of refusals. */
export interface MetricsServerParts {
  readonly page: ((request: { readonly method: string }) => Promise<MetricsResponse>) | undefined;
  readonly observer: Pick<Observer, "refused" | "fault">;
}

/** Starts the listener that only serves `/metrics`, if there is to be one. Rejects if its address cannot be bound. */
export async function startMetricsServer(
  config: Config,
  { page, observer }: MetricsServerParts,
): Promise<PageServer | undefined> {
  const { listen } = config.metrics;
  if (!page || !listen) return undefined;
  return startPageServer({
    ...listen,
    path: METRICS_PATH,
    name: "metrics",
    observer,
    origins: originsOf(config),
    page,
  });
}
