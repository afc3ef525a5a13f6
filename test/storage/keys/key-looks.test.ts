import { describe, expect, test } from "@jest/globals";
import type { GatewayKey } from "../../../src/core/caller/key-ring.ts";
import { lookForKeys } from "../../../src/storage/keys/key-looks.ts";

const key = (id: string): GatewayKey => ({ id, caller: id, secrets: [] }) as unknown as GatewayKey;

/** A source that answers when the test says so, and that is looked at only when it is told to. */
async function slowSource() {
  const looks: PromiseWithResolvers<readonly GatewayKey[] | undefined>[] = [];
  const seen: string[] = [];
  let isClosed = false;
  const source = {
    changed() {
      if (isClosed) throw new Error("it is closed");
      const look = Promise.withResolvers<readonly GatewayKey[] | undefined>();
      looks.push(look);
      return look.promise;
    },
    lookMs: 2 ** 31 - 1,
    close: async () => {
      isClosed = true;
    },
  };
  const opening = lookForKeys(source, {
    keys: (found) => seen.push(found.map(({ id }) => id).join()),
    failed: () => seen.push("failed"),
  });
  looks[0]?.resolve([key("a")]);
  const watch = await opening;
  /** Lets the latest look find this. */
  const find = async (...ids: string[]) => {
    looks.at(-1)?.resolve(ids.map(key));
    await new Promise((turn) => setImmediate(turn));
  };
  return { watch, find, seen, looks };
}

describe("somebody who says that keys changed", () => {
  test("has them looked at at once", async () => {
    const { watch, find, seen, looks } = await slowSource();
    watch.look();
    expect(looks).toHaveLength(2);
    await find("a", "b");
    expect(seen).toEqual(["a", "a,b"]);
    await watch.close();
  });

  test("during a look has them looked at once more after it, however often it was said", async () => {
    const { watch, find, seen, looks } = await slowSource();
    for (let said = 0; said < 5; said++) watch.look();
    expect(looks).toHaveLength(2);
    await find("b");
    expect(looks).toHaveLength(3);
    await find("c");
    expect(looks).toHaveLength(3);
    expect(seen).toEqual(["a", "b", "c"]);
    await watch.close();
  });

  test("after the end has nothing looked at", async () => {
    const { watch, find, seen, looks } = await slowSource();
    watch.look();
    watch.look();
    const closing = watch.close();
    await find("b");
    await closing;
    watch.look();
    expect(looks).toHaveLength(2);
    expect(seen).toEqual(["a", "b"]);
  });
});
