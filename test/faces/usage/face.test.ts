import { describe, expect, test } from "@jest/globals";
import type { GatewayKey } from "../../../src/core/caller/key-ring.ts";
import { KeyDatabase } from "../../../src/storage/keys/key-database.ts";
import { LedgerDatabase } from "../../../src/storage/ledger/ledger-database.ts";
import { closingWrite, openingWrite } from "../../../src/storage/ledger/ledger-rows.ts";
import { startTestGateway } from "../../support/gateways/gateway.ts";
import { freshSecret, keyFor } from "../../support/gateways/gateway-key.ts";
import { closing, NOON, opening } from "../../support/stores/ledger-rows.ts";
import { temporaryDirectories } from "../../support/stores/temporary-directory.ts";

const directory = temporaryDirectories();

interface UsageBody {
  readonly lines: readonly { readonly group: string | null; readonly streams: number }[];
}

/** A gateway whose ledger knows one stream of ann's, two of bob's and one of nobody's key. */
async function setUp(keys: Readonly<Record<string, Partial<GatewayKey>>> = {}) {
  const path = directory();
  const secrets = Object.fromEntries(Object.keys(keys).map((caller) => [caller, freshSecret()]));
  const store = new KeyDatabase(path);
  for (const [caller, more] of Object.entries(keys)) store.add(keyFor(caller, secrets[caller] ?? "", more));
  store.close();
  const ledger = new LedgerDatabase(path, { instance: "earlier", busyMs: 0 });
  const streams = [
    opening("1"),
    opening("2", { caller: "bob", keyId: "k_bob", model: "claude", openedAt: NOON + 86_400_000 }),
    opening("3", { caller: "bob", keyId: "k_bob" }),
    opening("4", { caller: "local", keyId: undefined }),
  ];
  ledger.write(streams.flatMap((row) => [openingWrite(row), closingWrite(closing(row.stream))]));
  ledger.close();
  const gateway = await startTestGateway({ config: { data: { directory: path } } });
  const ask = async (query = "", caller?: string) => {
    const headers = caller === undefined ? {} : { authorization: `Bearer ${secrets[caller]}` };
    const response = await fetch(`${gateway.url}/v1/usage${query}`, { headers });
    return { status: response.status, headers: response.headers, body: (await response.json()) as UsageBody };
  };
  const groups = async (query: string, caller?: string) => {
    const { body } = await ask(query, caller);
    return body.lines.map(({ group, streams }) => [group, streams]);
  };
  return { ask, groups, [Symbol.asyncDispose]: () => gateway.close() };
}

describe("GET /v1/usage", () => {
  test("adds up usage, by day unless asked otherwise", async () => {
    await using up = await setUp();
    const { status, headers, body } = await up.ask();
    expect(status).toBe(200);
    expect(headers.get("content-type")).toBe("application/json");
    expect(headers.get("cache-control")).toBe("no-store");
    expect(body).toMatchObject({
      by: "day",
      more: false,
      lines: [
        {
          group: "2026-11-22",
          streams: 3,
          completed: 3,
          exact: { inputTokens: 300, outputTokens: 60, cost: "0.0018" },
        },
        { group: "2026-11-23", streams: 1, exact: { reasoningTokens: null }, estimated: { streams: 0, cost: null } },
      ],
    });
    expect(await up.groups("?by=model&since=2026-11-23")).toEqual([["claude", 1]]);
    expect(await up.groups("?by=key")).toEqual([
      ["k_bob", 2],
      [null, 1],
      ["k_ann", 1],
    ]);
    expect(await up.groups("?by=caller&caller=bob")).toEqual([["bob", 2]]);
  });

  test("counts days in the requested time zone", async () => {
    await using up = await setUp();
    // Noon in UTC is the next day in Kiritimati, 14 hours ahead.
    expect(await up.groups("?tz=Pacific/Kiritimati")).toEqual([
      ["2026-11-23", 3],
      ["2026-11-24", 1],
    ]);
    expect(await up.groups("?tz=Pacific/Kiritimati&since=2026-11-24")).toEqual([["2026-11-24", 1]]);
    expect((await up.ask("?tz=Mars/Olympus")).status).toBe(400);
  });

  test.each(["?form=2026-11-01", "?by=day&Since=7d", "?caller=bob&models=x"])(
    "refuses %s: no such parameter",
    async (query) => {
      await using up = await setUp();
      const { status, body } = await up.ask(query);
      expect(status).toBe(400);
      expect(JSON.stringify(body)).toContain("no query parameter");
    },
  );

  test("reports to a caller only its own streams, whatever the query and its key's scopes", async () => {
    await using up = await setUp({ ann: { scopes: ["chat"] }, bob: { scopes: ["streams", "read", "logs"] }, eve: {} });
    expect(await up.groups("?by=caller", "ann")).toEqual([["ann", 1]]);
    expect(await up.groups("?by=caller&caller=ann", "bob")).toEqual([["bob", 2]]);
    expect(await up.groups("?by=caller&caller=", "bob")).toEqual([["bob", 2]]);
    expect(await up.groups("?by=caller", "eve")).toEqual([]);
  });

  test("reports all callers or one of them to an admin", async () => {
    await using up = await setUp({ root: { scopes: ["admin"] } });
    expect(await up.groups("?by=route", "root")).toEqual([["chat", 4]]);
    expect(await up.groups("?by=caller&caller=bob", "root")).toEqual([["bob", 2]]);
  });

  test("requires credentials if any are configured", async () => {
    await using up = await setUp({ ann: {} });
    expect(await up.ask()).toMatchObject({ status: 401, body: { error: { code: "unauthorized" } } });
  });

  test.each(["?by=colour", "?since=soon", "?until=2026-13-01"])("refuses %s", async (query) => {
    await using up = await setUp();
    expect(await up.ask(query)).toMatchObject({ status: 400, body: { error: { code: "bad_request" } } });
  });
});
