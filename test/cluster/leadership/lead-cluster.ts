import { randomUUID } from "node:crypto";
import { Leadership } from "../../../src/cluster/leadership/leadership.ts";
import { Names } from "../../../src/cluster/link/names.ts";
import { Wakes } from "../../../src/cluster/link/wakes.ts";
import type { TestRedis } from "../../support/stores/redis.ts";
import { openLink } from "../../support/stores/redis-link.ts";

export const LEASE_MS = 60_000;

/** What a node is like, if not like others. */
export interface MemberOptions {
  /** Whether it would lead, asked when it may. */
  readonly isWilling?: () => boolean;
  /** Nobody wakes it: it looks who leads when the test says so. */
  readonly isDeaf?: boolean;
}

/** A fresh cluster, whose nodes leave it when it is disposed. */
export function startCluster({ url }: Pick<TestRedis, "url">) {
  const names = new Names(randomUUID().slice(0, 8));
  const members = new AsyncDisposableStack();
  /** A node that has a lease, and has not looked who leads. */
  const join = async (node: string, options: MemberOptions = {}) =>
    members.use(await startMember(url, names, node, options));
  return {
    join,
    /** The same once it has looked: it leads if nobody did. */
    async open(node: string, options?: MemberOptions) {
      const member = await join(node, options);
      await member.lead.open();
      return member;
    },
    [Symbol.asyncDispose]: () => members.disposeAsync(),
  };
}

async function startMember(url: string, names: Names, node: string, { isWilling = () => true, isDeaf }: MemberOptions) {
  await using made = new AsyncDisposableStack();
  const link = made.use(await openLink(url));
  const wakes = new Wakes(link);
  if (!isDeaf) wakes.open();
  made.defer(() => wakes.close());
  let hasLease = true;
  let mayJudge = true;
  const renew = async () => {
    if (hasLease) await link.command(["SET", names.lease(node), "", "PX", String(LEASE_MS)]);
  };
  await renew();
  const heard: string[] = [];
  const lead = new Leadership(
    {
      cluster: {
        ...{ node, link, names, wakes },
        lease: {
          isAlive: async (other) => !mayJudge || (await link.command(["EXISTS", names.lease(other)])) === 1,
          renew,
        },
        on() {},
      },
      what: "it",
      about: { is: node },
      isWilling,
    },
    {
      changed: (leader) => void heard.push(leader ? `${leader.node} leads` : "nobody leads"),
      regained: () => void heard.push("regained"),
      fault(error) {
        throw error;
      },
    },
  );
  made.use(lead);
  const stack = made.move();
  return {
    lead,
    link,
    /** What it has heard of the lead, in order. */
    heard,
    /** Its lease is gone, and is not renewed until it is given again. */
    async loseLease() {
      hasLease = false;
      await link.command(["DEL", names.lease(node)]);
    },
    async giveLease() {
      hasLease = true;
      await renew();
    },
    /** Whether it may take a node without a lease for dead. */
    letJudge(does: boolean) {
      mayJudge = does;
    },
    leave: () => lead[Symbol.asyncDispose](),
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  };
}
