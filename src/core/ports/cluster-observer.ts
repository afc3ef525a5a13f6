/** Which Redis: of live streams, of reservations, or one for both. */
export type RedisRole = "streams" | "money" | "both";

/** A change of a node's state in its cluster: a line of the log each. No field holds a secret. */
export type ClusterNews =
  | { readonly kind: "redis_away"; readonly redis: RedisRole; readonly reason: string | undefined }
  | { readonly kind: "redis_back"; readonly redis: RedisRole; readonly awayMs: number }
  /** Redis had lost its data. */
  | { readonly kind: "data_lost" }
  /** This node's lease had lapsed, and it has a new one. */
  | { readonly kind: "lease_lost" }
  /** A dead node was cleared away by this one. */
  | { readonly kind: "node_gone"; readonly gone: string }
  /** Another node serves conversations now, or this one, or none. */
  | { readonly kind: "leader"; readonly leader: string | undefined; readonly isHere: boolean }
  /** This node's clock differs from that of Redis by seconds, or does no more. Negative: it is behind. */
  | { readonly kind: "clock_off"; readonly aheadMs: number }
  | { readonly kind: "clock_right" }
  /** Nothing was heard from Redis for so long that opens are refused; or they are accepted again. */
  | { readonly kind: "not_ready"; readonly reason: string | undefined }
  | { readonly kind: "ready" };

/** What is only counted. */
export type ClusterCount =
  /** A stream of this node went on, or ended, elsewhere: it was given up here. */
  | "stream_fenced"
  /** This node ended a stream whose owner is gone. */
  | "stream_taken_over"
  /** Events were missed while Redis was away, and are marked as missing. */
  | "stream_hole"
  /** A client resumed here what runs or ran on another node. */
  | "resumed_elsewhere"
  /** What a dead node had reserved was settled by this one. */
  | "hold_settled"
  /** Counters of caps were made anew from the ledger. */
  | "counters_rebuilt";

/** What the log and the metrics learn of a node's part in its cluster. Never throws. */
export interface ClusterObserver {
  changed(news: ClusterNews): void;
  count(what: ClusterCount, by?: number): void;
}

/** State of a node's part in its cluster, read at each scrape. */
export interface ClusterGauges {
  /** Running streams whose newest events wait to be written to Redis, and these events' size. */
  readonly appendsBehind?: () => { readonly streams: number; readonly bytes: number };
  /** Reservations of this node's running streams under caps. */
  readonly holds?: () => number;
  /** Whether this node serves conversations for all. */
  readonly leads?: () => boolean;
  /** Clients that this node passes on to the one that serves them. */
  readonly forwarded?: () => number;
}
