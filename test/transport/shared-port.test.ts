import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { describe, expect, test } from "@jest/globals";
import { type Receiver, SharedPort } from "../../src/transport/http/shared-port.ts";
import { turnsUntil } from "../support/jest/turns-until.ts";

/** A receiver that accepts at once, unless it hangs. */
class Fake implements Receiver {
  given = 0;
  closed = 0;
  hangs = false;
  readonly #pending: PromiseWithResolvers<void>[] = [];

  get open(): number {
    return this.given - this.closed;
  }

  give(_socket: Socket): Promise<void> {
    this.given++;
    if (!this.hangs) return Promise.resolve();
    const pending = Promise.withResolvers<void>();
    this.#pending.push(pending);
    return pending.promise;
  }

  /** Accepts what it was given. */
  wake(): void {
    this.hangs = false;
    for (const { resolve } of this.#pending.splice(0)) resolve();
  }

  /** Ends before it has accepted. */
  die(): void {
    for (const { reject } of this.#pending.splice(0)) reject(new Error("it has ended"));
  }
}

/** A shared port with receivers, and clients that connect one after the other. */
async function setUp(receivers: Fake[], patienceMs = 60_000) {
  const port = await SharedPort.open({ host: "127.0.0.1", port: 0, receivers: () => receivers, patienceMs });
  const sockets: Socket[] = [];
  const total = () => receivers.reduce((sum, { given }) => sum + given, 0);
  return {
    port,
    sockets,
    /** Resolves once each is handed over. */
    async connect(count: number) {
      for (let nth = 0; nth < count; nth++) {
        const before = total();
        await this.arrive();
        await turnsUntil(() => total() > before);
      }
    },
    /** Resolves once the system has accepted it. */
    async arrive() {
      const socket = connect(Number(new URL(port.url).port), "127.0.0.1");
      socket.on("error", () => {});
      sockets.push(socket);
      await once(socket, "connect");
    },
    [Symbol.dispose]() {
      port.close();
      for (const socket of sockets) socket.destroy();
    },
  };
}

describe("a shared port", () => {
  test("gives each connection to the receiver with the fewest, not to the next one", async () => {
    const [one, two] = [new Fake(), new Fake()];
    using up = await setUp([one, two]);
    for (let pair = 0; pair < 10; pair++) {
      // One that stays, and one that closes at once.
      await up.connect(1);
      const { given } = one;
      await up.connect(1);
      (one.given > given ? one : two).closed++;
    }
    expect(one.open + two.open).toBe(10);
    expect(Math.abs(one.open - two.open)).toBeLessThanOrEqual(1);
  });

  test("takes turns among receivers with as many", async () => {
    const receivers = [new Fake(), new Fake(), new Fake()];
    using up = await setUp(receivers);
    for (let nth = 0; nth < 9; nth++) {
      await up.connect(1);
      // All of them end at once.
      for (const receiver of receivers) receiver.closed = receiver.given;
    }
    expect(receivers.map(({ given }) => given)).toEqual([3, 3, 3]);
  });

  test("fills up one that is new", async () => {
    const [old, fresh] = [new Fake(), new Fake()];
    using up = await setUp([old, fresh]);
    old.given = 20;
    await up.connect(20);
    expect([old.open, fresh.open]).toEqual([20, 20]);
  });

  test("does not wait for a busy receiver, unless others would get many more", async () => {
    const [busy, idle] = [new Fake(), new Fake()];
    busy.hangs = true;
    using up = await setUp([busy, idle]);
    // One is on its way to the busy one; the idle one gets as many as it may have more.
    await up.connect(6);
    expect([busy.given, idle.given]).toEqual([1, 5]);
    await up.arrive();
    await up.arrive();
    busy.wake();
    await turnsUntil(() => busy.given + idle.given === 8);
    expect([busy.given, idle.given]).toEqual([2, 6]);
  });

  test("passes over a receiver that hangs, until it wakes", async () => {
    const [hanging, other] = [new Fake(), new Fake()];
    hanging.hangs = true;
    using up = await setUp([hanging, other], 1);
    await up.connect(20);
    expect([hanging.given, other.given]).toEqual([1, 19]);
    hanging.wake();
    await up.connect(1);
    expect(hanging.given).toBe(2);
  });

  test("gives a connection to another receiver if the first one dies on the way", async () => {
    const [dying, other] = [new Fake(), new Fake()];
    const receivers = [dying];
    dying.hangs = true;
    using up = await setUp(receivers);
    await up.connect(1);
    receivers.splice(0, 1, other);
    dying.die();
    await turnsUntil(() => other.given === 1);
    expect(up.sockets[0]?.destroyed).toBe(false);
  });

  test("keeps connections until there is a receiver, and closes them when it closes", async () => {
    const receivers: Fake[] = [];
    using up = await setUp(receivers);
    await up.arrive();
    const receiver = new Fake();
    receivers.push(receiver);
    up.port.distribute();
    await turnsUntil(() => receiver.given === 1);
    receivers.pop();
    await up.arrive();
    const [, waiting] = up.sockets;
    up.port.close();
    if (waiting) await once(waiting, "close");
    expect(receiver.given).toBe(1);
  });
});
