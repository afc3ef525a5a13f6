import type { Level } from "pino";
import type { ClusterNews } from "../core/ports/cluster-observer.ts";
import { type LogFields, lineText } from "./log-fields.ts";

/** The line of a change in a node's part in its cluster, and its level. */
export function clusterLine(news: ClusterNews): { readonly level: Level; readonly fields: LogFields } {
  const fields = { event: "cluster", state: news.kind };
  switch (news.kind) {
    case "redis_away": {
      const { redis, reason } = news;
      return { level: "error", fields: { ...fields, redis, code: "cluster_unavailable", reason: lineText(reason) } };
    }
    case "redis_back":
      return { level: "info", fields: { ...fields, redis: news.redis, awayMs: Math.round(news.awayMs) } };
    case "not_ready":
      return { level: "error", fields: { ...fields, code: "cluster_unavailable", reason: lineText(news.reason) } };
    case "data_lost":
      return { level: "error", fields };
    case "lease_lost":
      return { level: "warn", fields };
    case "node_gone":
      return { level: "warn", fields: { ...fields, gone: lineText(news.gone) } };
    case "leader": {
      const { leader, isHere } = news;
      return {
        level: "info",
        fields: { ...fields, isHere, ...(leader !== undefined && { leader: lineText(leader) }) },
      };
    }
    case "clock_off":
      return { level: "warn", fields: { ...fields, aheadMs: Math.round(news.aheadMs) } };
    case "clock_right":
    case "ready":
      return { level: "info", fields };
  }
}
