import { describe, expect, test } from "@jest/globals";
import type { Caps } from "../../../src/core/caller/caller.ts";
import { InboundBudget } from "../../../src/core/caller/inbound-budget.ts";
import type { Dialect } from "../../../src/core/dialect/dialect.ts";
import { GatewayError, toGatewayError } from "../../../src/core/kernel/errors.ts";
import type { LedgerClosing, LedgerOpening } from "../../../src/core/ledger/ledger.ts";
import type { UpstreamSink } from "../../../src/core/ports/upstream.ts";
import { KeyReservations } from "../../../src/core/quota/key-reservations.ts";
import { Relay } from "../../../src/core/relay/relay.ts";
import { LogBudget } from "../../../src/core/stream/log-budget.ts";
import type { Stream } from "../../../src/core/stream/stream.ts";
import { dialects } from "../../../src/dialects/registry.ts";
import { observerOf } from "../../support/relay/observer.ts";
import { callerOf, ListLedger } from "../../support/relay/reserving-relay.ts";

/** Everything a relay calls on its ports while a stream of a capped key lives. */
const STEPS = [
  "dialect.body",
  "dialect.decoder",
  "dialect.outputLimit",
  "ledger.open",
  "dialect.limited",
  "dialect.address",
  "upstream.call",
  "decoder.read",
  "decoder.cutShort",
  "upstream.abort",
  "upstream.detach",
  "ledger.close",
] as const;
type Step = (typeof STEPS)[number];

const ENDINGS = ["completes", "fails", "is cancelled", "is cut by its cap"] as const;
type Ending = (typeof ENDINGS)[number];

const textEvent = (text: string): string => JSON.stringify({ choices: [{ delta: { content: text } }] });

function realDialect(): Dialect {
  const dialect = dialects.get("openai-chat");
  if (!dialect) throw new Error("no such dialect");
  return dialect;
}

/** The same dialect, which says before each step which one it is. */
function steppedDialect(real: Dialect, reach: (step: Step) => void): Dialect {
  const stepped =
    <Args extends unknown[], Result>(step: Step, work: (...args: Args) => Result) =>
    (...args: Args): Result => {
      reach(step);
      return work(...args);
    };
  return {
    ...real,
    body: stepped("dialect.body", (request) => real.body(request)),
    outputLimit: stepped("dialect.outputLimit", (body) => real.outputLimit(body)),
    limited: stepped("dialect.limited", (body, tokens) => real.limited(body, tokens)),
    address: stepped("dialect.address", (key) => real.address(key)),
    decoder: stepped("dialect.decoder", (asked) => {
      const decoder = real.decoder(asked);
      return {
        read: stepped("decoder.read", (name, value, data) => decoder.read(name, value, data)),
        cutShort: stepped("decoder.cutShort", (tokens, last) => decoder.cutShort(tokens, last)),
      };
    }),
  };
}

/** A ledger that says before each step which one it is. */
class SteppedLedger extends ListLedger {
  readonly #reach: (step: Step) => void;

  constructor(reach: (step: Step) => void) {
    super();
    this.#reach = reach;
  }

  override open(row: LedgerOpening): Promise<void> | undefined {
    this.#reach("ledger.open");
    return super.open(row);
  }

  override close(row: LedgerClosing): void {
    this.#reach("ledger.close");
    super.close(row);
  }
}

/** A relay whose ports throw at one step, with a key that may run one stream at a time. */
function setUp(broken: Step | undefined, isDeferred: boolean) {
  const told: unknown[] = [];
  let hasThrown = false;
  let broke = broken;
  const reach = (step: Step) => {
    if (step !== broke) return;
    hasThrown = true;
    throw new TypeError(step);
  };
  const clock = { now: () => 0, wall: () => Date.parse("2026-11-22T12:00:00Z") };
  const ledger = new SteppedLedger(reach);
  if (isDeferred) ledger.commit = Promise.resolve();
  const budget = new LogBudget(1_000_000);
  const requests = new InboundBudget({ maxBytes: 1_000_000, maxBytesEach: 1_000_000 });
  const route = { name: "r", dialect: steppedDialect(realDialect(), reach), key: undefined, headers: {} };
  let sink: UpstreamSink | undefined;
  /** The sink is not called after this. */
  const close = (step: Step) => {
    sink = undefined;
    reach(step);
  };
  let ids = 0;
  const relay = new Relay({
    upstream: {
      call(_, to) {
        reach("upstream.call");
        sink = to;
        return {
          isSent: true,
          pause() {},
          resume() {},
          abort: () => close("upstream.abort"),
          awaitEnd() {},
          detach: () => close("upstream.detach"),
        };
      },
    },
    observer: observerOf({ fault: (error) => void told.push(error) }),
    clock,
    newId: () => String(++ids),
    log: { maxBytes: 1_000_000, maxEntries: 1_000 },
    budget,
    streamBytes: 1_000,
    requests,
    reservations: new KeyReservations({ clock, ledger }),
    openStreams: 1,
  });
  /** Collects what is thrown to the caller, as a face would report it. */
  const guard = <Result>(work: () => Result): Result | undefined => {
    try {
      return work();
    } catch (error) {
      told.push(error);
      return undefined;
    }
  };
  const open = (caps: Caps = { tokensPerMinute: 1_000, concurrentStreams: 1 }): Stream | undefined =>
    guard(() => {
      const stream = relay.open({
        target: { route, model: undefined },
        body: { messages: [], max_tokens: 5_000 },
        caller: callerOf(caps),
        mayRetry: false,
        face: "test",
        connection: undefined,
        receivedAt: 0,
      });
      stream.attach({ push: () => true, end() {}, failed() {} });
      return stream;
    });
  /** Calls the sink as the upstream client does: a throw of the sink fails the call. */
  const say = (work: (to: UpstreamSink) => void): void => {
    if (!sink) return;
    try {
      work(sink);
    } catch (error) {
      sink?.fail(toGatewayError(error));
    }
  };
  const event = (data: string) => say((to) => to.event(undefined, data, data));
  const heal = () => {
    broke = undefined;
  };
  const isThrown = () => hasThrown;
  return { relay, ledger, budget, requests, told, open, say, event, guard, heal, isThrown };
}

/** One stream from its open to its end. */
async function live({ open, say, event, guard }: ReturnType<typeof setUp>, ending: Ending) {
  const stream = open();
  // A deferred call is made when the ledger has its row.
  await new Promise((turn) => setImmediate(turn));
  say((sink) => sink.firstByte());
  event(textEvent("hello"));
  if (ending === "completes") event("[DONE]");
  if (ending === "fails") say((sink) => sink.fail(new GatewayError("upstream_reset")));
  if (ending === "is cancelled") guard(() => stream?.cancel(new GatewayError("cancelled")));
  if (ending === "is cut by its cap") event(textEvent("x".repeat(8_000)));
}

describe.each([
  ["called at once", false],
  ["called when the ledger has its row", true],
])("an upstream %s", (_, isDeferred) => {
  describe.each(ENDINGS)("and a stream that %s", (ending) => {
    test.each(STEPS)("give everything back if %s throws, and report the fault", async (step) => {
      const world = setUp(step, isDeferred);
      await live(world, ending);
      expect({
        activeStreams: world.relay.activeStreams,
        logBytes: world.budget.usedBytes,
        requestBytes: world.requests.usedBytes,
        openRows: world.ledger.opened.length - world.ledger.closed.length,
      }).toEqual({ activeStreams: 0, logBytes: 0, requestBytes: 0, openRows: step === "ledger.close" ? 1 : 0 });
      const faults = world.told.map((error) => (error instanceof GatewayError ? error.cause : error));
      expect(faults.some((error) => error instanceof TypeError && error.message === step)).toBe(world.isThrown());
      world.heal();
      expect(world.open({ concurrentStreams: 1 })).toBeDefined();
    });
  });
});

test.each(STEPS)("%s is called by one of these streams", async (step) => {
  const reached = ENDINGS.map(async (ending) => {
    const world = setUp(step, false);
    await live(world, ending);
    return world.isThrown();
  });
  expect(await Promise.all(reached)).toContain(true);
});
