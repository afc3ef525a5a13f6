import { Mailbox } from "./link/mailbox.ts";
import type { ClusterListener, Member } from "./link/member.ts";
import { Names } from "./link/names.ts";
import { NodeLease } from "./link/node-lease.ts";
import { RedisLink } from "./link/redis-link.ts";
import { Wakes } from "./link/wakes.ts";

/** What a node is made from. */
export interface ClusterOptions {
  /** Names this run of this node: another run is another node. */
  readonly node: string;
  readonly url: string;
  /** Where reservations are kept, if not in the same Redis. */
  readonly moneyUrl: string | undefined;
  readonly caFile: string | undefined;
  readonly prefix: string;
  readonly fault: (error: unknown) => void;
}

/** This process as a node of a cluster: its connections to Redis, its lease and its mailbox. */
export class Cluster implements Member, AsyncDisposable {
  readonly node: string;
  readonly names: Names;
  readonly link: RedisLink;
  readonly money: RedisLink;
  readonly lease: NodeLease;
  readonly mailbox: Mailbox;
  readonly wakes: Wakes;
  readonly #listeners: ClusterListener[] = [];

  private constructor({ node, url, moneyUrl, caFile, prefix, fault }: ClusterOptions) {
    this.node = node;
    this.names = new Names(prefix);
    const isOne = moneyUrl === undefined || moneyUrl === url;
    const probeKey = this.names.probe;
    this.link = new RedisLink(
      { url, caFile, probeKey },
      {
        state: (isUp, reason) => {
          // Before all parts: others may already count this node as gone, and Redis may have lost its data.
          if (isUp) void this.lease.renew();
          else this.lease.doubt();
          this.#notify((listener) => listener.state?.(isUp, reason));
          if (isOne) this.#notify((listener) => listener.moneyState?.(isUp, reason));
        },
      },
    );
    const state = (isUp: boolean, reason: string | undefined) =>
      this.#notify((listener) => listener.moneyState?.(isUp, reason));
    this.money = isOne ? this.link : new RedisLink({ url: moneyUrl, caFile, probeKey }, { state });
    this.lease = new NodeLease(node, this.link, this.names, "", {
      dataLost: () => this.#notify((listener) => listener.dataLost?.()),
      lapsed: () => this.#notify((listener) => listener.lapsed?.()),
      gone: async (dead) => {
        for (const listener of this.#listeners) await listener.gone?.(dead);
      },
      cleared: (dead) => this.#notify((listener) => listener.cleared?.(dead)),
      fault,
    });
    this.mailbox = new Mailbox(node, this.link, this.names, fault);
    this.wakes = new Wakes(this.link);
  }

  /** Joins the cluster. Rejects, with everything closed, with `cluster_unavailable`. */
  static async join(options: ClusterOptions): Promise<Cluster> {
    const cluster = new Cluster(options);
    try {
      await cluster.link.open();
      if (cluster.money !== cluster.link) await cluster.money.open();
      await cluster.lease.open();
    } catch (error) {
      await cluster[Symbol.asyncDispose]();
      throw error;
    }
    cluster.mailbox.open();
    cluster.wakes.open();
    return cluster;
  }

  /** Adds a part of the node, before `watch`. Parts are called in the order in which they were added. */
  on(listener: ClusterListener): void {
    this.#listeners.push(listener);
  }

  /** All parts have been added: dead nodes are cleared away from now on, until disposed, before one of the parts ends. */
  watch(): Disposable {
    return this.lease.watch();
  }

  /** Leaves the cluster. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.mailbox.close();
    this.wakes.close();
    await this.lease.close();
    if (this.money !== this.link) this.money.close();
    this.link.close();
  }

  #notify(call: (listener: ClusterListener) => void): void {
    for (const listener of this.#listeners) call(listener);
  }
}
