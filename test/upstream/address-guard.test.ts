import type { LookupAddress } from "node:dns";
import { describe, expect, test } from "@jest/globals";
import { guardLookup, isPublicAddress, publicLookup } from "../../src/upstream/address-guard.ts";
import { openUpstream, startCall } from "../support/loopback-call.ts";
import { startScriptedUpstream } from "../support/scripted-upstream.ts";

describe("addresses that are not public", () => {
  test.each([
    "0.0.0.0",
    "10.1.2.3",
    "100.64.0.1",
    "100.100.100.200",
    "127.0.0.1",
    "127.255.255.254",
    "168.63.129.16",
    "169.254.169.254",
    "172.16.0.1",
    "172.31.255.255",
    "192.168.1.1",
    "198.18.0.1",
    "224.0.0.1",
    "255.255.255.255",
    "::",
    "::1",
    "::7f00:1",
    "::ffff:127.0.0.1",
    "::ffff:a00:1",
    "64:ff9b::a9fe:a9fe",
    "2001:db8::1",
    "2002:7f00:1::",
    "fc00::1",
    "fd00:ec2::254",
    "fe80::1",
    "ff02::1",
    "not an address",
  ])("%s", (address) => {
    expect(isPublicAddress(address)).toBe(false);
  });

  test.each(["1.1.1.1", "100.63.255.255", "172.32.0.1", "104.18.7.192", "2606:4700::6812:7c0", "::ffff:1.1.1.1"])(
    "do not include %s",
    (address) => {
      expect(isPublicAddress(address)).toBe(true);
    },
  );
});

/** What the guarded lookup answers for a name. */
const lookUp = (name: string, all: boolean) =>
  new Promise<{ error: Error | null; address: string | LookupAddress[] }>((resolve) =>
    publicLookup(name, { all }, (error, address) => resolve({ error, address })),
  );

describe("a name", () => {
  test.each([true, false])("that resolves to this machine is refused (all: %p)", async (all) => {
    const { error } = await lookUp("localhost", all);
    expect(error).toMatchObject({ code: "upstream_unreachable", details: { reason: "address_not_allowed" } });
  });

  test("that is an address resolves to it", async () => {
    expect(await lookUp("1.1.1.1", false)).toEqual({ error: null, address: "1.1.1.1" });
    expect(await lookUp("1.1.1.1", true)).toEqual({ error: null, address: [{ address: "1.1.1.1", family: 4 }] });
  });
});

describe("a name with several addresses", () => {
  const PUBLIC = { address: "1.1.1.1", family: 4 };
  const lookUpAll = (answer: LookupAddress[], all: boolean) => {
    let asked = 0;
    const guarded = guardLookup((_name, _options, done) => {
      asked++;
      done(null, answer);
    });
    return new Promise<unknown[]>((resolve) =>
      guarded("name.example", { all }, (error, address) => resolve([asked, error?.code ?? address])),
    );
  };

  test.each(["127.0.0.1", "10.0.0.1", "169.254.169.254", "::1", "::ffff:10.0.0.1", "fd00:ec2::254"])(
    "of which one is %s is refused whole, first or last",
    async (address) => {
      const secret = { address, family: address.includes(":") ? 6 : 4 };
      for (const answer of [
        [secret, PUBLIC],
        [PUBLIC, secret],
      ]) {
        for (const all of [true, false]) expect(await lookUpAll(answer, all)).toEqual([1, "upstream_unreachable"]);
      }
    },
  );

  test("that are all public is asked for once, and what was checked is what is connected to", async () => {
    const second = { address: "2606:4700::1", family: 6 };
    expect(await lookUpAll([PUBLIC, second], true)).toEqual([1, [PUBLIC, second]]);
    expect(await lookUpAll([PUBLIC, second], false)).toEqual([1, "1.1.1.1"]);
  });

  test("of which there is none is refused", async () => {
    expect(await lookUpAll([], true)).toEqual([1, "upstream_unreachable"]);
  });
});

describe("a route without leave for private networks", () => {
  test.each(["127.0.0.1", "localhost", "[::ffff:127.0.0.1]", "2130706433", "0x7f.1"])(
    "never connects to %s, and does not try twice",
    async (host) => {
      await using upstream = await startScriptedUpstream();
      const { port } = new URL(upstream.url);
      await using client = openUpstream(`http://${host}:${port}`, { allowPrivateNetwork: false });
      expect(await startCall(client).sink.done).toMatchObject({
        code: "upstream_unreachable",
        retryable: false,
        details: { reason: "address_not_allowed" },
      });
      expect(upstream.connections).toBe(0);
    },
  );

  test("has not lost its breaker to its own refusals", async () => {
    await using client = openUpstream("http://10.0.0.1", { allowPrivateNetwork: false }, { breaker: { failures: 1 } });
    for (let call = 0; call < 3; call++) {
      expect(await startCall(client).sink.done).toMatchObject({ details: { reason: "address_not_allowed" } });
    }
  });
});
