import assert from "node:assert/strict";
import { test } from "@jest/globals";
import fc from "fast-check";
import { Names } from "../../../src/cluster/link/names.ts";
import { RedisLink } from "../../../src/cluster/link/redis-link.ts";
import type { Script } from "../../../src/cluster/link/script.ts";
import { APPEND, appendAnswer, appendArguments } from "../../../src/cluster/streams/append-script.ts";
import { readStored } from "../../../src/cluster/streams/stored-stream.ts";
import { StreamKeys } from "../../../src/cluster/streams/stream-keys.ts";
import { takeOver } from "../../../src/cluster/streams/take-over.ts";
import { Tap } from "../../../src/cluster/streams/tap.ts";
import { GatewayError } from "../../../src/core/kernel/errors.ts";
import { LogBudget } from "../../../src/core/stream/log-budget.ts";
import { StreamRegistry } from "../../../src/core/stream/registry.ts";
import { Stream } from "../../../src/core/stream/stream.ts";
import { type Entry, StreamLog } from "../../../src/core/stream/stream-log.ts";
import { describeWithRedis } from "../../support/stores/redis.ts";

const LIMITS = { graceMs: 1e9, retentionMs: 1e6, handledRetentionMs: 1e6, pausedMs: 1e9, rememberedIds: 10 };
const LOG = { maxBytes: 2_000, maxEntries: 12 };
const NODE = "owner";

/** One stream, its owner's tap, and a plain array of all that was ever published. */
class Model {
  readonly #link: RedisLink;
  readonly #keys: StreamKeys;
  readonly #id: string;
  readonly stream: Stream;
  readonly published: Entry[] = [];
  readonly tap: Tap;
  isFenced = false;
  isUp = true;
  /** Up to where events may be missing in Redis. */
  missing = 0;

  constructor(link: RedisLink, run: string) {
    this.#link = link;
    this.#keys = new StreamKeys(new Names(`model-${run}`));
    this.#id = "s_1";
    const now = () => 0;
    const budget = new LogBudget(1e9);
    const registry = new StreamRegistry(LIMITS, budget, now);
    const info = { id: this.#id, epoch: 1, route: "chat", model: "gpt", startedAt: 0 };
    this.stream = new Stream(info, new StreamLog(LOG, budget), now, (error) => assert.fail(String(error)));
    this.stream.keepAll(false);
    this.tap = new Tap(registry.add(this.stream, "alice", "finish"), {
      now,
      wall: () => 1_000,
      isUp: () => this.isUp,
      changed: () => {},
      keptMs: () => LIMITS.retentionMs,
      ended: () => {},
      fenced: () => {
        this.isFenced = true;
        this.stream.letGo(this.tap);
        this.stream.end(this.#terminal(new GatewayError("owner_lost")));
      },
      holed: () => {
        this.missing = this.stream.log.tail;
      },
      removed: () => {},
    });
    this.stream.hold(this.tap);
  }

  #terminal(error?: GatewayError) {
    const status = error ? ("failed" as const) : ("completed" as const);
    const usage = { source: "unknown" as const };
    return {
      status,
      lastSeq: this.stream.log.head,
      ...(error && { error }),
      usage,
      timing: { totalMs: 1 },
      lossy: false,
    };
  }

  publish(texts: readonly string[]): void {
    for (const text of texts) {
      if (this.stream.terminal || (this.isUp && this.stream.log.isFull)) return;
      const [event, raw, hasContent] = [text.length % 3 === 0 ? "näme" : undefined, text.length % 2 === 0, text > "m"];
      this.published.push({ seq: this.published.length + 1, event, data: text, raw, hasContent });
      this.stream.publish(event, text, raw, hasContent);
    }
  }

  /** One append. `isUnanswered`: it is done, but the owner never hears of it. */
  async append(isUnanswered = false): Promise<void> {
    const append = this.isUp ? this.tap.next() : undefined;
    if (!append) return;
    const names = [this.#keys.owned(NODE), this.#keys.log(this.#id), this.#keys.meta(this.#id)];
    const call = { node: NODE, channel: this.#keys.wake(""), outlivesMs: 1_000 };
    const reply = await this.#link.run(APPEND, names, appendArguments(call, [this.tap.partOf(append)]));
    if (!isUnanswered) this.tap.answered(append, appendAnswer(reply, 0));
  }

  async lose(): Promise<void> {
    await this.#link.command(["DEL", this.#keys.log(this.#id), this.#keys.meta(this.#id)]);
    this.missing = this.stream.log.tail;
    this.tap.beginAnew();
  }

  /** Whether it was ended. */
  async takeOver(): Promise<boolean> {
    await this.#link.command(["SET", this.#keys.lease("other"), ""]);
    const own = ["epoch", this.#keys.lease("other"), "new"];
    await this.#link.command(["SET", "epoch", "1"]);
    const lease = {
      judge: (script: Script, keys: readonly string[], args: readonly string[]) =>
        this.#link.run(script, [...own, ...keys], ["1", ...args]),
    };
    const times = { now: 2_000, keptMs: LIMITS.retentionMs, outlivesMs: 1 };
    const outcome = await takeOver({ link: this.#link, lease }, this.#keys, { id: this.#id, node: NODE }, times);
    assert(outcome !== "kept");
    return outcome === "ended";
  }

  /** What a replica has until more is written. */
  async replicate(): Promise<void> {
    for (const key of this.#both) await this.#link.command(["COPY", key, `${key}-replica`, "REPLACE"]);
  }

  /** The replica takes over, which lacks what was written last. */
  async promote(): Promise<void> {
    for (const key of this.#both) {
      await this.#link.command(["DEL", key]);
      await this.#link.command(["COPY", `${key}-replica`, key]);
    }
    this.tap.recheck();
  }

  get #both(): readonly string[] {
    return [this.#keys.log(this.#id), this.#keys.meta(this.#id)];
  }

  /** Whether Redis says how it ended. */
  async hasEnd(): Promise<boolean> {
    return (await readStored(this.#link, this.#keys, this.#id, 0, 1))?.end !== undefined;
  }

  end(): void {
    this.stream.end(this.#terminal());
  }

  /** A reader from anywhere gets exactly what was published from there on, or nothing. */
  async check(after: number): Promise<void> {
    const stored = await readStored(this.#link, this.#keys, this.#id, after, 1_000);
    if (!stored) return;
    assert(stored.seq <= this.published.length);
    const expected = this.published.slice(after, stored.seq);
    const [first] = stored.entries;
    if (expected.length > 0 && first !== undefined && first.seq <= after + 1) {
      assert.deepEqual(
        stored.entries.filter(({ seq }) => seq > after),
        expected,
      );
    }
    // What the owner still has can be read elsewhere, too, as far as it is written.
    else if (!this.isFenced && after >= this.stream.log.tail) assert(expected.length === 0);
  }
}

const text = fc.string({
  unit: fc.integer({ min: 1, max: 255 }).map((byte) => String.fromCharCode(byte)),
  maxLength: 400,
});
const steps = fc.array(
  fc.oneof(
    { weight: 5, arbitrary: fc.record({ publish: fc.array(text, { minLength: 1, maxLength: 6, size: "max" }) }) },
    { weight: 5, arbitrary: fc.constant("append" as const) },
    { weight: 3, arbitrary: fc.constantFrom("unanswered" as const, "away" as const, "back" as const, "lost" as const) },
    { weight: 2, arbitrary: fc.constantFrom("replicate" as const, "promote" as const) },
  ),
  { minLength: 5, maxLength: 40, size: "max" },
);

describeWithRedis("what an owner writes", (redis) => {
  test("is read elsewhere from any position exactly as it was published, or not at all, and not after it was fenced", async () => {
    const link = new RedisLink({ url: redis().url, caFile: undefined }, { state: () => {} });
    using _ = { [Symbol.dispose]: () => link.close() };
    await link.open();
    let run = 0;
    const property = fc.asyncProperty(steps, fc.boolean(), fc.boolean(), fc.nat(), async (played, ...rest) => {
      const [isFenced, isPromoted, position] = rest;
      const model = new Model(link, String(++run));
      for (const step of played) {
        if (typeof step === "object") model.publish(step.publish);
        else if (step === "append" || step === "unanswered") await model.append(step === "unanswered");
        else if (step === "lost") await model.lose();
        else if (step === "replicate") await model.replicate();
        else if (step === "promote") await model.promote();
        else {
          model.isUp = step === "back";
          model.stream.readerMoved();
        }
        await model.check(position % (model.published.length + 1));
      }
      model.isUp = true;
      for (let call = 0; call < 3; call++) await model.append();
      const lost = isFenced && played.length > 0 && (await model.takeOver());
      model.publish(["more"]);
      if (lost) model.tap.recheck();
      else model.end();
      for (let call = 0; call < 3; call++) await model.append();
      if (!lost && isPromoted) await model.promote();
      for (let call = 0; call < 4; call++) await model.append();
      assert.equal(model.isFenced, lost);
      for (let after = 0; after <= model.published.length; after++) await model.check(after);
      if (!lost) assert.equal(model.tap.behind, 0);
      assert(await model.hasEnd());
    });
    await fc.assert(property, { numRuns: 100 });
  });
});
