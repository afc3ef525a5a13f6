import { setTimeout } from "node:timers/promises";
import type { Caps } from "../../../src/core/caller/caller.ts";
import type { GatewayKey } from "../../../src/core/caller/key-ring.ts";
import { openPostgresKeys } from "../../../src/storage/keys/postgres-keys.ts";
import { freshSecret, keyFor } from "../gateways/gateway-key.ts";
import { untilKnown } from "../gateways/keyed-gateway.ts";
import type { CappedAnswer } from "./capped-caller.ts";
import { type BillsFound, checkBills } from "./check-bills.ts";
import { readClosedLedger } from "./check-ledger.ts";
import { type MeteredUpstream, startMeteredUpstream } from "./metered-upstream.ts";
import { type Rig, type RigOptions, startRig } from "./rig.ts";

/** A caller with a key. */
export interface CappedKey {
  readonly name: string;
  readonly secret: string;
  readonly caps: Caps;
}

/** Three nodes with gateway keys over an upstream that counts. */
export interface CappedRig extends AsyncDisposable {
  readonly rig: Rig;
  readonly upstream: MeteredUpstream;
  /** Adds keys; resolves once every node knows them. */
  add(keys: Readonly<Record<string, Caps>>): Promise<readonly CappedKey[]>;
  /** What Redis has counted now. */
  held(): Promise<Held>;
  /** The ledger beside the upstream's own count, once every row has its end. */
  bills(answers: readonly CappedAnswer[]): Promise<Bills>;
}

/** What became of the answers, by row and by sum. */
export interface Bills extends BillsFound {
  /** All tokens in the ledger. */
  readonly inLedger: number;
}

/** Sums over accounts in Redis. */
export interface Held {
  /** Streams that run, by the accounts of keys. */
  readonly streams: number;
  /** Tokens spent today, by the accounts of keys. */
  readonly spent: number;
  /** Streams, tokens and billionths that are held, over all accounts of keys, of teams and of all: 0 once nothing runs. */
  readonly anywhere: number;
}

/** No trial tests admission limits, and all clients are one caller or one address. */
const WIDE = {
  opensPerSecond: 100_000,
  connectionsPerAddress: 100_000,
  streams: { opensBurst: 100_000 },
  sockets: { upgradesPerSecond: 100_000, upgradesPerSecondPerAddress: 100_000 },
  requests: { authFailuresPerMinute: 10_000 },
};

const SUM_HELD = `
local sums = {0, 0, 0}
for _, account in ipairs(redis.call('KEYS', 'sluice:{money}:account:*')) do
  local function get(field) return tonumber(redis.call('HGET', account, field)) or 0 end
  if string.find(account, 'account:key:', 1, true) then
    sums[1] = sums[1] + get('run')
    sums[2] = sums[2] + get('t2')
  end
  sums[3] = sums[3] + math.abs(get('run')) + math.abs(get('ht')) + math.abs(get('hn'))
end
return sums`;

/** A price in billionths without fractions: a token of the prompt costs 1,000, one of the answer 2,000. */
const PRICE = { input: 1, output: 2 };

/** Starts the upstream in this process, and everything else; whatever was started ends with it. */
export async function startCappedRig(options: Omit<RigOptions, "upstream">): Promise<CappedRig> {
  await using stack = new AsyncDisposableStack();
  const upstream = stack.use(await startMeteredUpstream());
  const config = {
    auth: { required: true },
    limits: WIDE,
    models: { gpt: { route: "chat", model: "gpt-test", price: PRICE } },
    ...options.config,
  };
  const rig = stack.use(await startRig({ ...options, upstream: upstream.url, config }));
  const owned = stack.move();
  return {
    ...{ rig, upstream },
    async add(caps) {
      const { fleet, postgres } = rig;
      const keys = Object.entries(caps).map(([name, each]) => ({ name, secret: freshSecret(), caps: each }));
      const store = await openPostgresKeys(postgres.options(fleet.schema));
      for (const { name, secret, caps: each } of keys) await store.add(keyOf(name, secret, each));
      await store.close();
      // The newest is the last that nodes learn of.
      for (const { url } of fleet.nodes) await untilKnown(url, keys.at(-1)?.secret ?? "");
      return keys;
    },
    async held() {
      const sums = (await rig.redis.ask("EVAL", SUM_HELD, "0")).split("\n").map(Number);
      const [streams = 0, spent = 0, anywhere = 0] = sums;
      return { streams, spent, anywhere };
    },
    async bills(answers) {
      const { fleet, postgres } = rig;
      const rows = await readClosedLedger(postgres, fleet.schema);
      const found = checkBills(answers, upstream.bills, rows, fleet.lostAt);
      return { ...found, inLedger: rows.reduce((sum, { input, output }) => sum + input + output, 0) };
    },
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

const keyOf = (name: string, secret: string, caps: Caps): GatewayKey => keyFor(name, secret, { caps });

/** How long until nothing is held any more, in milliseconds; infinite if it still is after `patienceMs`. */
export async function untilFree(capped: CappedRig, patienceMs: number): Promise<number> {
  const from = performance.now();
  for (;;) {
    const { anywhere } = await capped.held();
    const ms = performance.now() - from;
    if (anywhere === 0) return ms;
    if (ms > patienceMs) return Number.POSITIVE_INFINITY;
    await setTimeout(100);
  }
}
