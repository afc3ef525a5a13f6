import type { LookupAddress } from "node:dns";
import { describe, expect, test } from "@jest/globals";
import { AddressGuard, type PrivateNetworks } from "../../../src/upstream/policy/address-guard.ts";
import { isPublicAddress } from "../../../src/upstream/policy/special-addresses.ts";
import { openUpstream, startCall } from "../../support/clients/loopback-call.ts";
import { startScriptedUpstream } from "../../support/upstreams/scripted-upstream.ts";

describe("addresses that are not public", () => {
  test.each([
    ["0.0.0.0", "this network, RFC 791"],
    ["0.255.255.255", "this network, RFC 791"],
    ["10.1.2.3", "private, RFC 1918"],
    ["100.64.0.1", "shared, RFC 6598"],
    ["100.100.100.200", "shared, RFC 6598; metadata"],
    ["100.127.255.255", "shared, RFC 6598"],
    ["127.0.0.1", "loopback, RFC 1122"],
    ["127.255.255.254", "loopback, RFC 1122"],
    ["168.63.129.16", "metadata"],
    ["169.254.169.254", "link-local, RFC 3927; metadata"],
    ["172.16.0.1", "private, RFC 1918"],
    ["172.31.255.255", "private, RFC 1918"],
    ["192.0.0.1", "protocol assignments, RFC 6890"],
    ["192.0.0.192", "protocol assignments, RFC 6890; metadata"],
    ["192.0.2.1", "documentation, RFC 5737"],
    ["192.88.99.1", "6to4 relays, RFC 7526"],
    ["192.168.1.1", "private, RFC 1918"],
    ["198.18.0.1", "benchmarking, RFC 2544"],
    ["198.19.255.255", "benchmarking, RFC 2544"],
    ["198.51.100.1", "documentation, RFC 5737"],
    ["203.0.113.7", "documentation, RFC 5737"],
    ["224.0.0.1", "multicast, RFC 5771"],
    ["239.255.255.255", "multicast, RFC 5771"],
    ["240.0.0.1", "reserved, RFC 1112"],
    ["255.255.255.255", "broadcast, RFC 919"],
    ["::", "unspecified, RFC 4291"],
    ["::1", "loopback, RFC 4291"],
    ["::7f00:1", "IPv4-compatible, RFC 4291"],
    ["::ffff:127.0.0.1", "IPv4-mapped, RFC 4291"],
    ["::ffff:a00:1", "IPv4-mapped, RFC 4291"],
    ["::FFFF:192.168.1.1", "IPv4-mapped, RFC 4291"],
    ["::ffff:0:127.0.0.1", "IPv4-translated, RFC 2765"],
    ["::ffff:0:1.1.1.1", "IPv4-translated, RFC 2765"],
    ["64:ff9b::a9fe:a9fe", "NAT64, RFC 6052"],
    ["64:ff9b::1.1.1.1", "NAT64, RFC 6052"],
    ["64:ff9b:1::a00:1", "local NAT64, RFC 8215"],
    ["64:ff9b:2::1", "nobody's"],
    ["100::1", "discard only, RFC 6666"],
    ["100:0:0:1::1", "dummy prefix, RFC 9780"],
    ["2001::1", "Teredo, RFC 4380"],
    ["2001:1::1", "protocol assignments, RFC 7723"],
    ["2001:2::1", "benchmarking, RFC 5180"],
    ["2001:10::1", "ORCHID, RFC 4843"],
    ["2001:20::1", "ORCHIDv2, RFC 7343"],
    ["2001:30::1", "drone remote identification, RFC 9374"],
    ["2001:1ff:ffff::1", "protocol assignments, RFC 2928"],
    ["2001:db8::1", "documentation, RFC 3849"],
    ["2002:7f00:1::", "6to4, RFC 3056"],
    ["3ffe::1", "the 6bone, returned by RFC 3701"],
    ["3fff::1", "documentation, RFC 9637"],
    ["3fff:fff:ffff::1", "documentation, RFC 9637"],
    ["4000::1", "nobody's"],
    ["5f00::1", "segment identifiers, RFC 9602"],
    ["8000::1", "nobody's"],
    ["fc00::1", "unique local, RFC 4193"],
    ["fd00:ec2::254", "unique local, RFC 4193; metadata"],
    ["fe80::1", "link-local, RFC 4291"],
    ["fe80::1%lo", "link-local with a zone, RFC 4007"],
    ["fec0::1", "site-local, RFC 3879"],
    ["ff02::1", "multicast, RFC 4291"],
    ["ff0e::1", "multicast of global scope, RFC 4291"],
    ["not an address", "none"],
    ["", "none"],
  ])("%s (%s)", (address) => {
    expect(isPublicAddress(address)).toBe(false);
  });

  test.each([
    "1.1.1.1",
    "100.63.255.255",
    "100.128.0.1",
    "128.0.0.1",
    "169.253.255.255",
    "172.15.255.255",
    "172.32.0.1",
    "192.0.1.1",
    "192.167.255.255",
    "198.17.255.255",
    "198.20.0.1",
    "223.255.255.255",
    "104.18.7.192",
    "2001:200::1",
    "2001:4860:4860::8888",
    "2003::1",
    "2606:4700::6812:7c0",
    "3ffd::1",
    "::ffff:1.1.1.1",
    "::ffff:101:101",
  ])("do not include %s", (address) => {
    expect(isPublicAddress(address)).toBe(true);
  });
});

/** What the guarded lookup answers for a name. */
const lookUp = (name: string, all: boolean) =>
  new Promise<{ error: Error | null; address: string | LookupAddress[] }>((resolve) =>
    new AddressGuard("test", false).lookup()(name, { all }, (error, address) => resolve({ error, address })),
  );

describe("a name", () => {
  test.each([true, false])("that resolves to this machine is refused (all: %p)", async (all) => {
    const { error } = await lookUp("localhost", all);
    expect(error).toMatchObject({ code: "upstream_not_allowed", details: { reason: "address_not_allowed" } });
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
    const guarded = new AddressGuard("test", false).lookup((_name, _options, done) => {
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
        for (const all of [true, false]) expect(await lookUpAll(answer, all)).toEqual([1, "upstream_not_allowed"]);
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
        code: "upstream_not_allowed",
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

describe("a refused address", () => {
  test.each([
    ["http://198.18.0.21:9/v1", "198.18.0.0/15"],
    ["http://[64:ff9b::102:304]:9/v1", "64:ff9b::/96"],
    ["http://172.17.0.1:9/v1", "172.16.0.0/12"],
    ["http://[fd00::1]:9/v1", "fc00::/7"],
    ["http://[fe80::1]:9/v1", "fe80::/10"],
    ["http://[4000::1]:9/v1", undefined],
    ["http://localhost:9/v1", expect.stringMatching(/^(?:127\.0\.0\.0\/8|::1\/128)$/)],
  ])("of %s is final, and names the key of the configuration and the network %p", async (baseUrl, network) => {
    await using client = openUpstream(baseUrl, { allowPrivateNetwork: false });
    const error = await startCall(client).sink.done;
    expect(error).toMatchObject({ code: "upstream_not_allowed", retryable: false });
    expect(error?.message).toContain("routes.test.allowPrivateNetwork");
    const setting = "routes.test.allowPrivateNetwork";
    expect(error?.details).toEqual({
      reason: "address_not_allowed",
      setting,
      ...(network !== undefined && { network }),
    });
  });
});

describe("a refusal's value for the key", () => {
  const leaveIn = (allowed: PrivateNetworks, address: string): PrivateNetworks =>
    JSON.parse(/ to (\[.*\])$/.exec(new AddressGuard("test", allowed).refusalOf(address)?.message ?? "")?.[1] ?? "");

  test.each<[string, PrivateNetworks, readonly string[]]>([
    ["10.0.0.5", false, ["10.0.0.0/8"]],
    ["::ffff:10.0.0.5", false, ["10.0.0.0/8"]],
    ["192.168.1.9", ["10.0.0.0/8"], ["10.0.0.0/8", "192.168.0.0/16"]],
    ["100.100.100.200", false, ["100.64.0.0/10"]],
    ["169.254.169.254", false, ["169.254.0.0/16"]],
    ["fd00:ec2::254", false, ["fc00::/7"]],
    ["fe80::1%eth0", false, ["fe80::/10"]],
    ["64:ff9b::a00:1", false, ["64:ff9b::/96", "10.0.0.0/8"]],
    ["64:ff9b::a00:1", ["64:ff9b::/96"], ["64:ff9b::/96", "10.0.0.0/8"]],
    ["64:ff9b::102:304", false, ["64:ff9b::/96"]],
    ["4000::1", false, ["4000::1"]],
  ])("lets %s through beside what %j lets through: %j", (address, allowed, value) => {
    expect(leaveIn(allowed, address)).toEqual(value);
    expect(new AddressGuard("test", value).refusalOf(address)).toBeUndefined();
  });
});

test("a refusal of a route's further key names the route of the configuration", () => {
  const refusal = new AddressGuard("house#2", false).refusalOf("10.0.0.5");
  expect(refusal?.details?.setting).toBe("routes.house.allowPrivateNetwork");
});

describe("leave for some private networks", () => {
  const allows = (networks: readonly string[], address: string) =>
    new AddressGuard("test", networks).refusalOf(address) === undefined;

  test.each([
    ["198.18.0.0/15", ["198.18.0.0", "198.19.255.255", "::ffff:198.18.0.1", "1.1.1.1"], ["192.168.0.1", "10.0.0.1"]],
    ["172.17.0.1", ["172.17.0.1"], ["172.17.0.2", "172.18.0.1"]],
    ["fd00::/8", ["fd00::1", "fdff::1"], ["fc00::1", "fe80::1"]],
    ["fe80::/10", ["fe80::1%eth0", "febf::1"], ["fec0::1"]],
  ] as const)("%s opens %j, and not %j", (network, open, closed) => {
    expect(open.filter((address) => !allows([network], address))).toEqual([]);
    expect(closed.filter((address) => allows([network], address))).toEqual([]);
  });

  test("of a translator (NAT64) opens the public addresses behind it, and private ones only by their own network", () => {
    const nat64 = "64:ff9b::/96";
    expect(allows([nat64], "64:ff9b::102:304")).toBe(true);
    expect(allows([nat64], "64:ff9b::1.2.3.4")).toBe(true);
    expect(allows([nat64], "64:ff9b::a00:1")).toBe(false);
    expect(allows([nat64], "64:ff9b::7f00:1")).toBe(false);
    expect(allows([nat64], "64:ff9b::")).toBe(false);
    expect(allows([nat64, "10.0.0.0/8"], "64:ff9b::a00:1")).toBe(true);
    expect(allows(["10.0.0.0/8"], "64:ff9b::a00:1")).toBe(false);
    expect(allows([nat64], "64:ff9b:1::102:304")).toBe(false);
  });

  test("is kept for every address that a name resolves to", async () => {
    const guarded = (answer: LookupAddress[]) =>
      new Promise<unknown>((resolve) =>
        new AddressGuard("test", ["10.0.0.0/8"]).lookup((_name, _options, done) => done(null, answer))(
          "name.example",
          { all: true },
          (error, address) => resolve(error?.code ?? address),
        ),
      );
    const inside = { address: "10.1.2.3", family: 4 };
    expect(await guarded([inside])).toEqual([inside]);
    expect(await guarded([inside, { address: "127.0.0.1", family: 4 }])).toBe("upstream_not_allowed");
  });

  test("reaches an upstream there", async () => {
    await using upstream = await startScriptedUpstream();
    await using client = openUpstream(upstream.url, { allowPrivateNetwork: ["127.0.0.0/8"] });
    const { sink } = startCall(client);
    (await upstream.request()).sse().event("one").end();
    expect(await sink.done).toBeUndefined();
  });
});
