import { describe, expect, test } from "@jest/globals";
import { warningsOf } from "../../src/config/cross-checks.ts";
import { load, problemsOf } from "./sources.ts";

const clustered = (redis: object, more: object = {}) => ({
  demo: true,
  data: { store: "sqlite", shared: true },
  cluster: { redis },
  ...more,
});
const NO_URL = "a text that is no URL; in a password @ : / # ? % are written %40 %3A %2F %23 %3F %25";
const problemsAt = (url: string) => problemsOf(clustered({ url }));

describe("the URL of a cluster's Redis", () => {
  test.each([
    "redis://127.0.0.1",
    "redis://127.0.0.1:6379/",
    "rediss://sluice:a%2Fb%23c%3Fd%25@redis.example.com:6379/12",
    "redis://:p%40ss@[::1]:6379",
  ])("may be %s", (url) => {
    expect(problemsAt(url)).toEqual([]);
  });

  test.each([
    ["http://127.0.0.1:6379", "another text"],
    ["127.0.0.1:6379", "another text"],
    ["redis://", "another text"],
    ["redis://ann:canary/1@127.0.0.1:6379", NO_URL],
    ["rediss://ann:canary#1@127.0.0.1:6379", NO_URL],
    ["redis://ann:12#canary@127.0.0.1:6379", "a URL with ? or #, which are %3F and %23 in a password"],
    ["redis://ann:12?canary@127.0.0.1:6379", "a URL with ? or #, which are %3F and %23 in a password"],
    ["redis://ann:12/canary@h", "a URL with a path that is no database's number; / is %2F in a password"],
    ["redis://127.0.0.1/nine", "a URL with a path that is no database's number; / is %2F in a password"],
    ["redis://ann:100%canary@h", "a URL with a % that begins no escape; it is %25 in a password"],
  ])("may not be %s, no part of which is repeated", (url, found) => {
    const expected = "a URL such as rediss://sluice:password@redis.example.com:6379/0";
    expect(problemsAt(url)).toEqual([`cluster.redis.url: found ${found}, expected ${expected}`]);
    expect(problemsAt(url).join()).not.toContain("canary");
  });

  test.each([
    ["postgres://ann:canary/1@127.0.0.1/db", NO_URL],
    ["postgres://ann:12#canary@127.0.0.1/db", "a URL with #, which is %23 in a password"],
    ["host=127.0.0.1 password=canary", "another text"],
  ])("and PostgreSQL's may not be %s", (url, found) => {
    const problems = problemsOf({ demo: true, data: { store: "postgres", postgres: { url } } });
    expect(problems).toEqual([
      `data.postgres.url: found ${found}, expected a URL such as postgres://sluice@db.example.com/sluice`,
    ]);
  });

  test("is never shown: a configuration printed in full has it masked", () => {
    const shown = JSON.stringify(load(clustered({ url: "redis://ann:canary@127.0.0.1:6379/0" })));
    expect(shown).toContain("[secret from");
    expect(shown).not.toContain("canary");
  });

  test("is warned of where what is said crosses the network unencrypted", () => {
    const url = "redis://ann:canary@redis.example.com";
    const warnings = (redis: object) =>
      warningsOf(load(clustered(redis))).filter((text) => text.startsWith("cluster.redis."));
    expect(warnings({ url, moneyUrl: url })).toEqual([
      "cluster.redis.url: prompts and answers cross the network unencrypted; use rediss",
      "cluster.redis.moneyUrl: prompts and answers cross the network unencrypted; use rediss",
    ]);
    expect(warnings({ url: "rediss://redis.example.com", moneyUrl: "redis://localhost:1" })).toEqual([]);
    expect(warnings({ url: "redis://redis:6379", moneyUrl: "redis://[::1]:1" })).toEqual([]);
  });
});

describe("a cluster", () => {
  test("takes certificates only for a Redis that is spoken to over TLS", () => {
    expect(problemsOf(clustered({ url: "redis://127.0.0.1", caFile: "ca.pem" }))).toEqual([
      "cluster.redis.caFile: found a file, while no URL begins with rediss, expected rediss, or no caFile",
    ]);
    const redis = { url: "redis://127.0.0.1", moneyUrl: "rediss://127.0.0.1", caFile: "ca.pem" };
    expect(problemsOf(clustered(redis))).toEqual([]);
  });

  test("needs data that every node can read", () => {
    const redis = { url: "redis://127.0.0.1" };
    expect(problemsOf(clustered(redis, { data: { store: "memory" } }))).toEqual([
      "data.store: found memory, which no other node can read, expected postgres, because cluster.redis is set",
    ]);
    expect(problemsOf(clustered(redis, { data: { store: "sqlite" } }))).toEqual([
      expect.stringMatching(/^data.shared: found false, while cluster.redis is set and data.store is sqlite/),
    ]);
  });

  const listening = (listen: object, url = "rediss://redis.example.com") => ({
    ...clustered({ url }),
    cluster: { redis: { url }, listen },
  });

  test.each(["0.0.0.0", "::"])("must say by which address other nodes reach one that listens on %s", (host) => {
    expect(problemsOf(listening({ host }))).toEqual([
      `cluster.listen.address: found ${host}, which leads other nodes to themselves, expected the address by which other nodes reach this machine`,
    ]);
    expect(problemsOf(listening({ host, address: host }))).toHaveLength(1);
    expect(problemsOf(listening({ host, address: "10.0.0.7" }))).toEqual([]);
  });

  test("warns of a node that those on other machines cannot reach, if there may be such", () => {
    const warnings = (listen: object, url?: string) =>
      warningsOf(load(listening(listen, url))).filter((text) => text.startsWith("cluster.listen"));
    expect(warnings({})).toEqual([expect.stringMatching(/cluster\.redis\.url allows for, cannot reach 127\.0\.0\.1;/)]);
    expect(warnings({ host: "::", address: "localhost" })).toHaveLength(1);
    expect(warnings({ host: "10.0.0.7" })).toEqual([]);
    expect(warnings({ host: "0.0.0.0", address: "10.0.0.7" })).toEqual([]);
    // As where nothing but SLUICE_NODE_ADDRESS was set.
    const halfSet = /^cluster\.listen\.host: 127\.0\.0\.1 is reached from this machine alone, .* sent to 10\.0\.0\.7;/;
    expect(warnings({ address: "10.0.0.7" })).toEqual([expect.stringMatching(halfSet)]);
    expect(warnings({ address: "10.0.0.7" }, "redis://127.0.0.1")).toEqual([expect.stringMatching(halfSet)]);
    expect(warnings({}, "redis://127.0.0.1")).toEqual([]);
  });
});
