import { describe, expect, test } from "@jest/globals";
import type { Transcripts } from "../../../src/core/ports/transcripts.ts";
import { message, session } from "./transcripts-contract.ts";

/** What every store guarantees that outlives its gateway. `newStore` returns how an empty one is opened, again and again. */
export function durableContract(name: string, newStore: () => () => Promise<Transcripts>): void {
  describe(`${name}, as every durable transcript store`, () => {
    test("survives close and reopen", async () => {
      const open = newStore();
      const first = await open();
      await first.saveSession(session("a"));
      await first.append("a", [message(1), message(2)]);
      await first.close();
      const second = await open();
      expect(await second.sessions()).toEqual([session("a")]);
      expect(await second.messages("a")).toEqual([message(1), message(2)]);
      await second.close();
    });

    test("commits every call made before it is closed", async () => {
      const open = newStore();
      const first = await open();
      const writes = [1, 2, 3].map((seq) => first.append("a", [message(seq)]));
      await first.close();
      await Promise.all(writes);
      const second = await open();
      expect(await second.messages("a")).toHaveLength(3);
      await second.close();
    });

    test("a write that the database refuses fails alone, with store_unavailable and none of its content in the message", async () => {
      const store = await newStore()();
      const refused = store.append("a", [{ ...message(1), seq: 1.5 }]);
      const accepted = store.append("a", [message(2)]);
      await expect(refused).rejects.toMatchObject({ code: "store_unavailable", message: "the store cannot be used" });
      await accepted;
      expect(await store.messages("a")).toEqual([message(2)]);
      await store.close();
    });
  });
}
