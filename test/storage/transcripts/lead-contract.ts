import { describe, expect, test } from "@jest/globals";
import type { Transcripts } from "../../../src/core/ports/transcripts.ts";
import { message, session } from "./transcripts-contract.ts";

/** Two processes' views of one store. */
type Shared = readonly [Transcripts, Transcripts];

/** What every store guarantees that several processes share and one of them leads. `open` returns an empty one, twice. */
export function leadContract(name: string, open: () => Promise<Shared>): void {
  describe(`${name}, as every store that one process leads`, () => {
    /** A lead, and how often it was told that another has the store. */
    async function lead(store: Transcripts, leads = async () => true) {
      const told = { times: 0 };
      const led = await store.lead?.({ leads, lost: () => void told.times++ });
      if (!led) throw new Error("it does not lead");
      return { led, told };
    }
    const another = expect.objectContaining({ code: "cluster_unavailable" });

    test("writes for the newest lead alone", async () => {
      const [a, b] = await open();
      const first = await lead(a);
      await first.led.saveSession(session("s"));
      await first.led.append("s", [message(1)]);
      await first.led.saveDocument("kind", "key", 1);
      const { led, told } = await lead(b);
      for (const refused of [
        first.led.saveSession(session("s", 2)),
        first.led.append("s", [message(2)]),
        first.led.clear("s"),
        first.led.deleteSession("s"),
        first.led.saveDocument("kind", "key", 2),
        first.led.deleteDocument("kind", "key"),
      ]) {
        await expect(refused).rejects.toEqual(another);
      }
      expect([first.told.times, told.times]).toEqual([6, 0]);
      const stored = async () => [await b.sessions(), await b.messages("s"), await b.documents("kind")];
      expect(await stored()).toEqual([[session("s")], [message(1)], [{ key: "key", value: 1 }]]);
      await led.append("s", [message(2)]);
      await led.saveDocument("kind", "key", 3);
      await led.saveSession(session("s", 3));
      expect(await stored()).toEqual([[session("s", 3)], [message(1), message(2)], [{ key: "key", value: 3 }]]);
      await led.clear("s");
      await led.deleteDocument("kind", "key");
      await led.deleteSession("s");
      expect(await stored()).toEqual([[], [], []]);
      await Promise.all([a.close(), b.close()]);
    });

    test("lets an earlier lead complete the answers that it had begun, and brings none back that is gone", async () => {
      const [a, b] = await open();
      const first = await lead(a);
      await first.led.append("s", [message(1), message(2)]);
      await first.led.append("t", [message(1)]);
      const { led } = await lead(b);
      const whole = { ...message(2), content: [{ type: "text" as const, text: "whole" }] };
      await first.led.append("s", [whole]);
      // With another that is new: the one is stored, and it is told of the other.
      await expect(first.led.append("s", [{ ...whole, stopReason: "stop" }, message(3)])).rejects.toEqual(another);
      expect(await b.messages("s")).toEqual([message(1), { ...whole, stopReason: "stop" }]);
      await led.clear("t");
      await expect(first.led.append("t", [message(1)])).rejects.toEqual(another);
      expect(await b.messages("t")).toEqual([]);
      await Promise.all([a.close(), b.close()]);
    });

    test("is not taken by a process that leads no more, though another has taken it only meanwhile", async () => {
      const [a, b] = await open();
      let asked = 0;
      const late = a.lead?.({
        async leads() {
          // It stood still here, and another has led since.
          if (asked++ === 0) await lead(b);
          return asked === 1;
        },
        lost() {},
      });
      expect(await late).toBeUndefined();
      expect(asked).toBe(2);
      await Promise.all([a.close(), b.close()]);
    });

    test("is the one's that took it last, however many take it at once", async () => {
      const [a, b] = await open();
      const leads = await Promise.all([a, b, a, b].map((store) => lead(store)));
      const writes = await Promise.allSettled(leads.map(({ led }) => led.saveDocument("kind", "key", 1)));
      expect(writes.filter(({ status }) => status === "fulfilled")).toHaveLength(1);
      await Promise.all([a.close(), b.close()]);
    });
  });
}
