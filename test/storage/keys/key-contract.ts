import { describe, expect, test } from "@jest/globals";
import type { GatewayKey } from "../../../src/core/caller/key-ring.ts";
import type { GatewayError } from "../../../src/core/kernel/errors.ts";
import type { KeyNews, KeyWatch } from "../../../src/storage/keys/key-looks.ts";
import type { KeyStore } from "../../../src/storage/keys/key-store.ts";
import { freshSecret, keyFor } from "../../support/gateways/gateway-key.ts";
import { ownTime } from "../../support/jest/own-time.ts";

/** Keys kept somewhere, new and empty. */
export interface KeyPlace {
  /** Opens them, as each command does. */
  open(): Promise<KeyStore>;
  watch(news: KeyNews): Promise<KeyWatch>;
  /** Makes them unreadable, and readable again. */
  spoil(): void;
  mend(): void;
  /** Called when all of it is closed. */
  close?(): Promise<void>;
}

/** Keys, once per test. */
async function openedIn(place: KeyPlace) {
  const stores: KeyStore[] = [];
  const open = async () => {
    const store = await place.open();
    stores.push(store);
    return store;
  };
  return {
    open,
    async [Symbol.asyncDispose]() {
      for (const store of stores) await store.close();
      await place.close?.();
    },
  };
}

/** Watches a place; `next` resolves with the next keys reported. */
async function watched(place: KeyPlace) {
  const told: (readonly GatewayKey[])[] = [];
  const failures: GatewayError[] = [];
  let wake = () => {};
  const woken = () =>
    new Promise<void>((resolve) => {
      wake = resolve;
    });
  const watching = await place.watch({
    keys(keys) {
      told.push(keys);
      wake();
    },
    failed(error) {
      failures.push(error);
      wake();
    },
  });
  return {
    failures,
    async next(): Promise<readonly GatewayKey[]> {
      while (told.length === 0) await woken();
      return told.shift() ?? [];
    },
    async failure(): Promise<GatewayError | undefined> {
      while (failures.length === 0) await woken();
      return failures[0];
    },
    [Symbol.asyncDispose]: () => watching.close(),
  };
}

/** What every place for keys guarantees. `make` returns a new one. */
export function keyContract(name: string, make: () => KeyPlace): void {
  const refusal = (work: () => unknown) => (async () => work())().catch((error: Error) => error.message);

  describe(`${name}, as every place for keys`, () => {
    test("a key is returned as it was stored, even after it was opened again", async () => {
      await using place = await openedIn(make());
      const key = keyFor("alice", freshSecret(), { models: ["gpt"], caps: { costPerDay: 2.5 }, expiresAt: 99 });
      await (await place.open()).add(key);
      expect(await (await place.open()).list()).toEqual([key]);
    });

    test("a caller has one unrevoked key, and may get another once that is revoked; the oldest is first", async () => {
      await using place = await openedIn(make());
      const keys = await place.open();
      await keys.add(keyFor("alice", freshSecret()));
      expect(await refusal(() => keys.add(keyFor("alice", freshSecret(), { id: "key_2" })))).toContain(
        "alice already has a key",
      );
      await keys.change("alice", (key) => ({ ...key, revokedAt: 5 }));
      await keys.add(keyFor("alice", freshSecret(), { id: "key_2" }));
      expect((await keys.list()).map(({ id, revokedAt }) => [id, revokedAt])).toEqual([
        ["key_alice", 5],
        ["key_2", undefined],
      ]);
    });

    test("a key is found by its id, or by its caller while it is not revoked", async () => {
      await using place = await openedIn(make());
      const keys = await place.open();
      await keys.add(keyFor("alice", freshSecret(), { id: "key_1" }));
      expect((await keys.change("key_1", (key) => ({ ...key, away: "finish" }))).away).toBe("finish");
      expect((await keys.change("alice", (key) => ({ ...key, revokedAt: 5 }))).id).toBe("key_1");
      expect(await refusal(() => keys.change("alice", (key) => key))).toContain("there is no key alice");
      expect((await keys.change("key_1", (key) => key)).revokedAt).toBe(5);
    });

    test("a change that throws changes nothing and holds nothing up", async () => {
      await using place = await openedIn(make());
      const keys = await place.open();
      await keys.add(keyFor("alice", freshSecret()));
      const failing = () => {
        throw new Error("no");
      };
      expect(await refusal(() => keys.change("alice", failing))).toContain("no");
      expect((await (await place.open()).change("alice", (key) => key)).caller).toBe("alice");
    });

    test("two changes of one key at the same time both count", async () => {
      await using place = await openedIn(make());
      const [one, other] = [await place.open(), await place.open()];
      await one.add(keyFor("alice", freshSecret()));
      await Promise.all([
        one.change("alice", (key) => ({ ...key, away: "finish" })),
        other.change("alice", (key) => ({ ...key, expiresAt: 99 })),
      ]);
      expect(await one.list()).toMatchObject([{ away: "finish", expiresAt: 99 }]);
    });

    test("a name that looks like SQL, or holds any character, is a name", async () => {
      await using place = await openedIn(make());
      const keys = await place.open();
      expect(await refusal(() => keys.change("x' OR '1'='1", (key) => key))).toContain("there is no key");
      const odd = "odd \0 \ue000 𝄞";
      await keys.add(keyFor(odd, freshSecret()));
      expect((await keys.change(odd, (key) => key)).caller).toBe(odd);
      expect(await refusal(() => keys.change("odd \ue000\ue000 \ue000 𝄞", (key) => key))).toContain("there is no key");
    });

    test("a key's team is there, and has the caps it has now", async () => {
      await using place = await openedIn(make());
      const keys = await place.open();
      const alice = keyFor("alice", freshSecret(), { team: { name: "research", caps: {} } });
      expect(await refusal(() => keys.add(alice))).toContain("there is no team research");
      await keys.changeTeam("research", () => ({ name: "research", caps: { tokensPerDay: 5 } }));
      await keys.add(alice);
      await keys.changeTeam("research", (old) => ({ name: "research", caps: { ...old?.caps, costPerDay: 2.5 } }));
      const team = { name: "research", caps: { tokensPerDay: 5, costPerDay: 2.5 } };
      expect(await (await place.open()).list()).toEqual([{ ...alice, team }]);
      expect(await keys.teams()).toEqual([team]);
      expect((await keys.change("alice", (key) => key)).team).toEqual(team);
    });

    test("a key moves from team to team, but not to one that is not there", async () => {
      await using place = await openedIn(make());
      const keys = await place.open();
      for (const name of ["sales", "research"]) await keys.changeTeam(name, () => ({ name, caps: {} }));
      expect((await keys.teams()).map(({ name }) => name)).toEqual(["research", "sales"]);
      await keys.add(keyFor("alice", freshSecret(), { team: { name: "sales", caps: {} } }));
      const move = (name: string) => keys.change("alice", (key) => ({ ...key, team: { name, caps: {} } }));
      expect(await refusal(() => move("none there"))).toContain("there is no team none there");
      await move("research");
      expect((await keys.list()).map(({ team }) => team?.name)).toEqual(["research"]);
    });

    test("a team with unrevoked keys is removed only when these may stay without one", async () => {
      await using place = await openedIn(make());
      const keys = await place.open();
      const team = { name: "research", caps: { tokensPerDay: 5 } };
      expect(await refusal(() => keys.removeTeam("research", true))).toContain("there is no team research");
      await keys.changeTeam("research", () => team);
      await keys.add(keyFor("alice", freshSecret(), { team }));
      await keys.add(keyFor("bob", freshSecret(), { team }));
      await keys.change("bob", (key) => ({ ...key, revokedAt: 5 }));
      expect(await refusal(() => keys.removeTeam("research", false))).toContain(
        "the keys of alice are in team research",
      );
      expect((await keys.list()).map((key) => key.team)).toEqual([team, team]);
      expect((await keys.removeTeam("research", true)).map(({ caller }) => caller)).toEqual(["alice", "bob"]);
      expect((await keys.list()).map((key) => "team" in key)).toEqual([false, false]);
      expect(await keys.teams()).toEqual([]);
      await keys.changeTeam("research", () => team);
      expect((await keys.list()).map((key) => key.team)).toEqual([undefined, undefined]);
    });

    test("a change of a team that throws changes nothing; two at the same time both count", async () => {
      await using place = await openedIn(make());
      const [one, other] = [await place.open(), await place.open()];
      await one.changeTeam("research", () => ({ name: "research", caps: {} }));
      const failing = () => {
        throw new Error("no");
      };
      expect(await refusal(() => one.changeTeam("research", failing))).toContain("no");
      const add = (keys: KeyStore, caps: object) =>
        keys.changeTeam("research", (old) => ({ name: "research", caps: { ...old?.caps, ...caps } }));
      await Promise.all([add(one, { tokensPerDay: 1 }), add(other, { tokensPerMonth: 2 })]);
      expect(await one.teams()).toEqual([{ name: "research", caps: { tokensPerDay: 1, tokensPerMonth: 2 } }]);
    });

    test("a team that goes while a key comes leaves no key in a team that is not there", async () => {
      await using place = await openedIn(make());
      const [one, other] = [await place.open(), await place.open()];
      const team = { name: "research", caps: {} };
      await one.changeTeam("research", () => team);
      await one.add(keyFor("bob", freshSecret()));
      await Promise.all([
        refusal(() => one.removeTeam("research", true)),
        refusal(() => other.add(keyFor("alice", freshSecret(), { team }))),
        refusal(() => other.change("bob", (key) => ({ ...key, team }))),
      ]);
      expect(await one.teams()).toEqual([]);
      expect((await one.list()).map((key) => key.team)).toEqual((await one.list()).map(() => undefined));
    });

    test("a watch reports all keys at the start, and another's changes within two seconds", async () => {
      const made = make();
      await using place = await openedIn(made);
      const keys = await place.open();
      await keys.add(keyFor("alice", freshSecret()));
      await using watching = await watched(made);
      expect((await watching.next()).map(({ caller }) => caller)).toEqual(["alice"]);
      const taken = ownTime();
      await keys.add(keyFor("bob", freshSecret()));
      expect((await watching.next()).map(({ caller }) => caller)).toEqual(["alice", "bob"]);
      expect(taken()).toBeLessThan(2_000);
      await keys.change("alice", (key) => ({ ...key, revokedAt: 7 }));
      expect((await watching.next()).map(({ revokedAt }) => revokedAt)).toEqual([7, undefined]);
      expect(watching.failures).toEqual([]);
    });

    test("a watch reports the keys with their team's new caps within two seconds of a change", async () => {
      const made = make();
      await using place = await openedIn(made);
      const keys = await place.open();
      const team = { name: "research", caps: { tokensPerDay: 5 } };
      await keys.changeTeam("research", () => team);
      await keys.add(keyFor("alice", freshSecret(), { team }));
      await using watching = await watched(made);
      expect((await watching.next()).map((key) => key.team)).toEqual([team]);
      const taken = ownTime();
      await keys.changeTeam("research", () => ({ name: "research", caps: { tokensPerDay: 6 } }));
      expect((await watching.next()).map((key) => key.team?.caps)).toEqual([{ tokensPerDay: 6 }]);
      expect(taken()).toBeLessThan(2_000);
    });

    test("keys that become unreadable are reported as failed, and reported again once they can be read", async () => {
      const made = make();
      await using place = await openedIn(made);
      const keys = await place.open();
      await keys.add(keyFor("alice", freshSecret()));
      await using watching = await watched(made);
      await watching.next();
      made.spoil();
      expect(await watching.failure()).toMatchObject({ code: "store_unavailable" });
      made.mend();
      await keys.add(keyFor("bob", freshSecret()));
      let found = await watching.next();
      while (found.length < 2) found = await watching.next();
      expect(found.map(({ caller }) => caller)).toEqual(["alice", "bob"]);
    });
  });
}
