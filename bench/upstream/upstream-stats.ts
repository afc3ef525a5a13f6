import { Histogram, type HistogramData } from "../figures/histogram.ts";

/** The figures of one group of streams. */
export interface GroupReport {
  readonly open: number;
  readonly events: number;
  /** Bytes the kernel accepted. */
  readonly bytes: number;
  /** Streams waiting for their socket now. */
  readonly blocked: number;
  /** How often a socket was full. */
  readonly blocks: number;
  readonly blockedUs: number;
}

export interface UpstreamReport {
  readonly events: number;
  readonly streams: number;
  readonly groups: Readonly<Record<string, GroupReport>>;
  /** How late the pacer was, in microseconds, without writes that waited for their socket. */
  readonly lag: HistogramData;
  /** When the other side closed a stream's socket before its end, by key. */
  readonly closed: Readonly<Record<string, number>>;
}

/** A running stream, as the figures see it. */
export interface CountedStream {
  readonly group: number;
  readonly pendingBytes: number;
  readonly blockedSinceUs: number | undefined;
}

interface Totals {
  events: number;
  bytes: number;
  blocks: number;
  blockedUs: number;
}

/** The upstream's statistics. */
export class UpstreamStats {
  readonly open = new Set<CountedStream>();
  #lag = new Histogram();
  #groups = new Map<number, Totals>();
  #closed: Record<string, number> = {};
  #streams = 0;

  opened(stream: CountedStream): void {
    this.open.add(stream);
    this.#streams++;
  }

  late(lagUs: number): void {
    this.#lag.record(lagUs);
  }

  wrote(group: number, events: number, bytes: number): void {
    const totals = this.#totals(group);
    totals.events += events;
    totals.bytes += bytes;
  }

  blocked(group: number): void {
    this.#totals(group).blocks++;
  }

  unblocked(group: number, us: number): void {
    this.#totals(group).blockedUs += us;
  }

  closed(key: number, atUs: number): void {
    this.#closed[key] ??= atUs;
  }

  /** Forgets everything except the running streams. */
  reset(): void {
    this.#lag = new Histogram();
    this.#groups = new Map();
    this.#closed = {};
    this.#streams = 0;
  }

  report(nowUs: number): UpstreamReport {
    const groups: Record<string, GroupReport> = {};
    for (const [group, totals] of this.#groups) groups[group] = this.#reportGroup(group, totals, nowUs);
    const events = [...this.#groups.values()].reduce((sum, totals) => sum + totals.events, 0);
    return {
      events,
      streams: this.#streams,
      groups,
      lag: this.#lag.toData(),
      closed: this.#closed,
    };
  }

  #reportGroup(group: number, totals: Totals, nowUs: number): GroupReport {
    const open = [...this.open].filter((stream) => stream.group === group);
    const waiting = open.filter((stream) => stream.blockedSinceUs !== undefined);
    return {
      open: open.length,
      events: totals.events,
      bytes: totals.bytes - open.reduce((sum, stream) => sum + stream.pendingBytes, 0),
      blocked: waiting.length,
      blocks: totals.blocks,
      blockedUs:
        totals.blockedUs + waiting.reduce((sum, { blockedSinceUs = nowUs }) => sum + nowUs - blockedSinceUs, 0),
    };
  }

  #totals(group: number): Totals {
    let totals = this.#groups.get(group);
    if (!totals) {
      totals = { events: 0, bytes: 0, blocks: 0, blockedUs: 0 };
      this.#groups.set(group, totals);
    }
    return totals;
  }
}
