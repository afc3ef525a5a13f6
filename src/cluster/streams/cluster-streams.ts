import type { Dialect } from "../../core/dialect/dialect.ts";
import type { Clock } from "../../core/kernel/clock.ts";
import { GatewayError } from "../../core/kernel/errors.ts";
import type { ClusterObserver } from "../../core/ports/cluster-observer.ts";
import type { Elsewhere } from "../../core/stream/elsewhere.ts";
import type { LogBudget } from "../../core/stream/log-budget.ts";
import { keptMs, type RegisteredStream, type RegistryLimits } from "../../core/stream/registered-stream.ts";
import type { StreamRegistry } from "../../core/stream/registry.ts";
import type { ResumeFailure } from "../../core/stream/resume-failure.ts";
import type { LogLimits } from "../../core/stream/stream-log.ts";
import type { Member } from "../link/member.ts";
import { Appender, OUTLIVES_MS } from "./appender.ts";
import { cancelElsewhere } from "./cancelling.ts";
import { Deliveries } from "./deliveries.ts";
import { Inquiries } from "./inquiries.ts";
import { Mirrors } from "./mirrors.ts";
import { NamedStreams } from "./named-streams.ts";
import { OwnedStreams } from "./owned-streams.ts";
import { RedisNotes } from "./redis-notes.ts";
import { readStored } from "./stored-stream.ts";
import { StreamKeys } from "./stream-keys.ts";
import { type TakeOver, takeOver } from "./take-over.ts";
import { Tap } from "./tap.ts";

/** What the streams of a cluster are made of. */
export interface ClusterStreamsParts {
  readonly cluster: Member;
  readonly registry: StreamRegistry;
  readonly limits: RegistryLimits;
  readonly log: LogLimits;
  readonly budget: LogBudget;
  readonly dialects: ReadonlyMap<string, Dialect>;
  readonly clock: Clock;
  readonly fault: (error: unknown) => void;
  readonly count: ClusterObserver["count"];
}

/** Kinds of messages: to the node that runs a stream, to one whose client reads it, and to one that looks for it. */
const TO_OWNER = "stream";
const TO_READER = "stream-reader";
const TO_SEEKER = "stream-seeker";
/** How often nodes whose clients read here are checked, in milliseconds. */
const LOOK_MS = 2_000;
/** How often this process notes that it runs, and how long a gap shows that it stood still, in milliseconds. */
const TICK_MS = 500;
const STILL_MS = 1_500;
/** How long clients of other nodes' streams wait for a Redis that is away, in milliseconds; then they may try elsewhere. */
const AWAY_MS = 10_000;

/** The live streams of all nodes: those that run here are written to Redis, those of other nodes are read from there. */
export class ClusterStreams implements Elsewhere, AsyncDisposable {
  readonly #parts: ClusterStreamsParts;
  readonly #keys: StreamKeys;
  readonly #appender: Appender;
  readonly #owned: OwnedStreams;
  readonly #mirrors: Mirrors;
  readonly #inquiries: Inquiries;
  readonly #deliveries: Deliveries;
  readonly notes: RedisNotes;
  readonly names: NamedStreams;
  readonly #timer: NodeJS.Timeout;
  readonly #ticks: NodeJS.Timeout;
  #tickAt = performance.now();
  #isClosed = false;

  constructor(parts: ClusterStreamsParts) {
    const { cluster, registry, clock, limits, fault } = parts;
    const { link, node } = cluster;
    this.#parts = parts;
    this.#keys = new StreamKeys(cluster.names);
    this.notes = new RedisNotes(link, cluster.names, clock.now);
    this.#appender = new Appender({
      node,
      link,
      keys: this.#keys,
      now: clock.now,
      wall: clock.wall,
      keptMs: (registered) => keptMs(registered, limits),
      ended: ({ registered }) => this.names.ended(registered),
      removed: ({ id }) => this.names.gone(id),
      fenced: (tap) => this.#fence(tap),
      holed: () => parts.count("stream_hole"),
      fault,
    });
    this.#deliveries = new Deliveries((to, kind, body) => cluster.mailbox.send(to, kind, body), clock.now);
    this.#inquiries = new Inquiries({
      others: () => cluster.lease.others(),
      ask: (to, body) => cluster.mailbox.send(to, TO_OWNER, body),
    });
    this.names = new NamedStreams({
      ...{ link, names: cluster.names, now: clock.now, fault },
      // The same on all nodes, though their clocks differ.
      wall: () => clock.wall() - cluster.lease.clockAheadMs,
      retentionMs: () => limits.retentionMs,
      seek: (wanted) => this.#inquiries.seek(wanted),
    });
    this.#owned = new OwnedStreams({
      registry,
      named: (key) => this.names.at(key),
      tellReader: (to, body) => this.#deliveries.send(to, TO_READER, body),
      answer: (to, body) => cluster.mailbox.send(to, TO_SEEKER, body).catch(() => {}),
      recheck: ({ watcher }) => watcher instanceof Tap && watcher.recheck(),
    });
    this.#mirrors = new Mirrors({
      ...{ registry, budget: parts.budget, limits: parts.log, dialects: parts.dialects, now: clock.now, fault },
      read: (id, after, batches) => readStored(link, this.#keys, id, after, batches),
      takeOver: (id, owner) => this.#takeOver(id, owner),
      wakes: (id, woken) => cluster.wakes.on(this.#keys.wake(id), woken),
      seek: (stream, among) => this.#inquiries.seek({ stream }, among),
      tellOwner: (to, body, delivered) => this.#deliveries.send(to, TO_OWNER, body, delivered),
      tellNow: (to, body) => cluster.mailbox.send(to, TO_OWNER, body).catch(() => false),
      done: (id, to, isAcknowledged) =>
        this.#deliveries.send(to, TO_OWNER, { what: "done", stream: id, isAcknowledged }),
    });
    cluster.mailbox.on(TO_OWNER, (message) => this.#owned.take(message));
    cluster.mailbox.on(TO_SEEKER, (message) => this.#inquiries.take(message));
    cluster.mailbox.on(TO_READER, ({ body }) => this.#mirrors.lost(body.reader, body.why));
    cluster.on({
      state: (isUp) => {
        if (!isUp) this.#appender.away();
        else {
          // It may be another Redis, which lacks what was written last.
          this.#appender.recheck();
          this.#back();
        }
      },
      dataLost: () => {
        this.#appender.beginAnew();
        this.#back();
      },
      lapsed: () => this.#appender.recheck(),
      gone: (dead) => this.#clear(dead),
    });
    this.#timer = setInterval(() => void this.#look().catch(() => {}), LOOK_MS).unref();
    this.#ticks = setInterval(() => this.#tick(), TICK_MS).unref();
    registry.join(this);
  }

  /** For metrics: streams whose newest events wait to be written, and their size in bytes. */
  get behind(): { readonly streams: number; readonly bytes: number } {
    return this.#appender.behind;
  }

  /**
   * An upstream's socket was read. If this process stood still for longer than its lease, others have ended its streams, and what
   * the sockets gathered meanwhile must reach nobody. Data is then read before any timer fires.
   */
  readonly reading = (): void => {
    if (performance.now() - this.#tickAt >= STILL_MS) this.#tick();
  };

  opened(registered: RegisteredStream): Tap {
    return this.#appender.add(registered);
  }

  async find(
    id: string,
    caller: string,
    epoch: number | undefined,
    after: number,
  ): Promise<RegisteredStream | ResumeFailure> {
    const found = await this.#mirrors.find(id, caller, epoch, after);
    if (typeof found !== "string") this.#parts.count("resumed_elsewhere");
    return found;
  }

  cancel(stream: string, isMeant: (caller: string) => boolean, { code, message }: GatewayError): Promise<boolean> {
    return cancelElsewhere(stream, isMeant, {
      now: this.#parts.clock.now,
      isClosed: () => this.#isClosed,
      read: (id) => readStored(this.#parts.cluster.link, this.#keys, id, Number.MAX_SAFE_INTEGER, 1),
      seek: (id) => this.#inquiries.seek({ stream: id }),
      forward: (node) => this.#deliveries.send(node, TO_OWNER, { what: "cancel", stream, code, message }),
    });
  }

  /** Writes what is left, so that clients can read on elsewhere. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#isClosed = true;
    clearInterval(this.#timer);
    clearInterval(this.#ticks);
    this.#deliveries[Symbol.dispose]();
    this.names[Symbol.dispose]();
    await this.#appender.flush();
  }

  /** Ends all streams of a node that is gone. */
  async #clear(dead: string): Promise<void> {
    const { link } = this.#parts.cluster;
    const ids = (await link.command(["SMEMBERS", this.#keys.owned(dead)])) as string[];
    for (const id of ids) {
      const outcome = await this.#takeOver(id, dead);
      if (outcome === "kept") throw new GatewayError("cluster_unavailable", "the node may live");
    }
  }

  async #takeOver(id: string, node: string): Promise<TakeOver> {
    const { cluster, clock, limits, count } = this.#parts;
    const times = { now: clock.wall(), keptMs: limits.retentionMs, outlivesMs: OUTLIVES_MS };
    const outcome = await takeOver(cluster, this.#keys, { id, node }, times);
    if (outcome === "ended") count("stream_taken_over");
    return outcome;
  }

  #back(): void {
    this.#mirrors.back();
    // If Redis goes away again, this is done again once it is back.
    this.notes.reclaim().catch(() => {});
    void this.names.refresh();
  }

  /** Others have ended this stream, because they took this node for dead: it ends here as it did there. */
  #fence({ registered }: Tap): void {
    this.#parts.count("stream_fenced");
    registered.stream.cancel(new GatewayError("owner_lost"));
  }

  #tick(): void {
    const { lease, link } = this.#parts.cluster;
    const stoodStill = performance.now() - this.#tickAt >= STILL_MS;
    this.#tickAt = performance.now();
    // While Redis is away, nobody else has the lease either.
    if (stoodStill && link.isUp && !lease.isHeld) this.#appender.giveUp();
  }

  async #look(): Promise<void> {
    const { link, lease } = this.#parts.cluster;
    const nodes = this.#owned.readingNodes;
    if (link.awayMs >= AWAY_MS) {
      this.#owned.lose(nodes, "cluster_unavailable");
      this.#mirrors.loseAll("cluster_unavailable");
    }
    for (const node of nodes) if (!(await lease.isAlive(node))) this.#owned.lose(new Set([node]), "client_gone");
  }
}
