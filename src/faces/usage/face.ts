import { mayDo } from "../../core/caller/caller.ts";
import type { Clock } from "../../core/kernel/clock.ts";
import { toGatewayError } from "../../core/kernel/errors.ts";
import type { Ledger } from "../../core/ledger/ledger.ts";
import { readUsageQuery } from "../../core/ledger/usage-query.ts";
import { usageView } from "../../core/ledger/usage-view.ts";
import { type HttpExchange, type HttpFace, requireKnownQuery } from "../../core/ports/http-face.ts";

/** Where usage is reported. */
export const USAGE_PATH = "/v1/usage";

/** What the face is built from. */
export interface UsageFaceParts {
  readonly ledger: Pick<Ledger, "usage">;
  readonly clock: Pick<Clock, "wall">;
}

/**
 * `GET /v1/usage`: sums of the ledger. Callers see their own streams; the scope `admin` sees all. docs/usage.md describes the
 * response.
 */
export function createUsageFace({ ledger, clock }: UsageFaceParts): HttpFace {
  async function respond(exchange: HttpExchange): Promise<void> {
    const { caller } = exchange;
    requireKnownQuery(exchange, ["by", "since", "until", "tz", "caller"]);
    const words = Object.fromEntries(["by", "since", "until", "tz"].map((name) => [name, exchange.query(name)]));
    const whose = mayDo(caller, "admin") ? exchange.query("caller") : caller.name;
    const report = await ledger.usage({ ...readUsageQuery(words, clock.wall()), caller: whose });
    exchange.respond({
      status: 200,
      headers: { "content-type": "application/json", "x-content-type-options": "nosniff" },
      body: `${JSON.stringify(usageView(report))}\n`,
    });
  }

  return {
    name: "usage",
    scope: "any",
    matches: (method, path) => method === "GET" && path === USAGE_PATH,
    handle(exchange) {
      respond(exchange).catch((error: unknown) => exchange.refuse(toGatewayError(error)));
    },
  };
}
