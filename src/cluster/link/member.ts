import type { Mailbox } from "./mailbox.ts";
import type { Names } from "./names.ts";
import type { LeaseEvents, NodeLease } from "./node-lease.ts";
import type { RedisLink } from "./redis-link.ts";
import type { Wakes } from "./wakes.ts";

/** What parts of a node hear of the cluster. What they ask of Redis in these calls may fail. */
export interface ClusterListener extends Partial<Omit<LeaseEvents, "fault">> {
  /** The Redis of live streams is up again, or away. */
  state?(isUp: boolean, reason: string | undefined): void;
  /** So is the Redis of reservations: the same one, unless another is configured. */
  moneyState?(isUp: boolean, reason: string | undefined): void;
}

/** This process as a node of its cluster, as the node's parts see it. */
export interface Member {
  /** Names this run of this node: another run is another node. */
  readonly node: string;
  readonly names: Names;
  /** For streams and everything else that is live. */
  readonly link: RedisLink;
  /** For reservations; the same as `link` unless another Redis is configured. */
  readonly money: RedisLink;
  readonly lease: NodeLease;
  readonly mailbox: Mailbox;
  readonly wakes: Wakes;
  /** Adds a part of the node. Parts are called in the order in which they were added. */
  on(listener: ClusterListener): void;
}
