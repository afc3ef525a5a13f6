import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { createClient } from "@redis/client";
import { Script } from "../../../src/cluster/link/script.ts";
import { tryRedis } from "../../../src/cluster/link/trial.ts";
import { turnsUntil } from "../../support/jest/turns-until.ts";
import { freePort } from "../../support/network/free-port.ts";
import { AUTHORITY, VOUCHED_FOR } from "../../support/network/test-authority.ts";
import { CERTIFICATE, PRIVATE_KEY } from "../../support/network/test-certificate.ts";
import { oddRedis } from "../../support/stores/odd-redis.ts";
import { describeWithRedis, hasRedis, TestRedis } from "../../support/stores/redis.ts";
import { openLink } from "../../support/stores/redis-link.ts";

const CANARY = "canary-7f3a";
const USER = "odd@user:";
/** Everything that must be escaped in a URL. */
const ODD = `p@ss:/#? %[]${CANARY}`;

const commandsIn = (bytes: Buffer): number => bytes.toString().match(/^\*/gm)?.length ?? 0;

const NO_PERMISSION = "its user may not do all that a cluster needs (docs/cluster.md)";

const refusalOf = async (url: string, caFile?: string): Promise<string> => {
  const error: unknown = await openLink(url, caFile).then(
    (link) => link.close(),
    (thrown: unknown) => thrown,
  );
  expect(error).toMatchObject({ code: "cluster_unavailable" });
  const { message, cause } = error as Error;
  expect(`${message} ${String(cause)}`).not.toContain(CANARY);
  return message.replace(/^Redis at \S+ cannot be used: /, "");
};

describeWithRedis("a link is refused in words without a secret", (redis) => {
  const at = (user: string, password: string, rest = "") =>
    `redis://${encodeURIComponent(user)}:${encodeURIComponent(password)}@127.0.0.1:${redis().port}${rest}`;

  beforeAll(async () => {
    const client = createClient({ url: redis().url });
    await client.connect();
    await client.sendCommand(["ACL", "SETUSER", USER, "on", `>${ODD}`, "~*", "&*", "+@all"]);
    await client.sendCommand(["ACL", "SETUSER", "reader", "on", `>${CANARY}`, "~*", "+@read", "+@connection"]);
    const own = ["resetchannels", "+@all", "-@dangerous"];
    await client.sendCommand(["ACL", "SETUSER", "mute", "on", `>${CANARY}`, "~*", ...own]);
    await client.sendCommand([
      "ACL",
      "SETUSER",
      "sluice",
      "on",
      `>${CANARY}`,
      "~sluice:*",
      "&sluice:*",
      ...own.slice(1),
    ]);
    await client.sendCommand(["ACL", "SETUSER", "partial", "on", `>${CANARY}`, "~*", "&*", "+@all", "-xadd"]);
    await client.sendCommand(["ACL", "SETUSER", "default", "off"]);
    client.destroy();
  });

  test("by a Redis that wants a password, or another one", async () => {
    expect(await refusalOf(redis().url)).toBe("it needs a password, or a user and a password");
    expect(await refusalOf(at(USER, `${CANARY}-wrong`))).toBe("it refuses the user or the password");
    expect(await refusalOf(at("nobody", CANARY))).toBe("it refuses the user or the password");
  });

  test("unless user and password are right, whatever characters they have, in the database of the URL", async () => {
    using link = await openLink(at(USER, ODD, "/3"));
    await link.command(["SET", "here", "3"]);
    using other = await openLink(at(USER, ODD));
    expect(await other.command(["GET", "here"])).toBeNull();
    await other.command(["SELECT", "3"]);
    expect(await other.command(["GET", "here"])).toBe("3");
    expect(link.place).toBe(`127.0.0.1:${redis().port}/3`);
  });

  test("by a Redis whose user may only read", async () => {
    expect(await refusalOf(at("reader", CANARY))).toContain("its user may not do all that a cluster needs");
  });

  test("by a Redis whose user may not publish", async () => {
    const trial = (user: string) => tryRedis({ url: at(user, CANARY), caFile: undefined }, "sluice");
    await expect(trial("mute")).rejects.toThrow(`cannot be used: ${NO_PERMISSION}`);
    expect(await refusalOf(at("mute", CANARY))).toBe(NO_PERMISSION);
    expect(await trial("sluice")).toBeUndefined();
  });

  test("for as long as its user may run no scripts, in which a probe publishes, and tells of that once", async () => {
    using admin = await openLink(at(USER, ODD));
    using link = await openLink(at("sluice", CANARY));
    const writes = async () =>
      Number(/^cmdstat_set:calls=(\d+)/m.exec(String(await admin.command(["INFO", "commandstats"])))?.[1]);
    await admin.command(["ACL", "SETUSER", "sluice", "-@scripting"]);
    await link.state(false);
    const before = await writes();
    // Its probes, and as many of the other link.
    await turnsUntil(async () => (await writes()) >= before + 6);
    expect([link.states, link.reason]).toEqual([[true, false], NO_PERMISSION]);
    await admin.command(["ACL", "SETUSER", "sluice", "+@scripting"]);
    await link.state(true);
    expect(link.states).toEqual([true, false, true]);
  });

  test("by a Redis whose user may not do what a script does, which a trial finds, and counts as away while that is so", async () => {
    const url = at("partial", CANARY);
    await expect(tryRedis({ url, caFile: undefined }, "sluice")).rejects.toThrow(
      `Redis at 127.0.0.1:${redis().port} cannot be used: ${NO_PERMISSION}`,
    );
    using admin = await openLink(at(USER, ODD));
    expect(await admin.command(["KEYS", "*trial*"])).toEqual([]);
    using link = await openLink(url);
    const add = new Script("return redis.call('XADD', KEYS[1], '*', 'a', 'b')");
    await expect(link.run(add, ["stream"])).rejects.toMatchObject({ code: "cluster_unavailable" });
    expect([link.states, link.reasons[1]]).toEqual([[true, false], NO_PERMISSION]);
  });

  test("and a trial warns of a policy that drops keys, if the user may see it", async () => {
    const trial = (user: string, password: string) =>
      tryRedis({ url: at(user, password), caFile: undefined }, "sluice");
    using link = await openLink(at(USER, ODD));
    await link.command(["CONFIG", "SET", "maxmemory-policy", "allkeys-lru"]);
    expect(await trial(USER, ODD)).toBe(
      `Redis at 127.0.0.1:${redis().port} may drop live streams and reservations: set its maxmemory-policy, allkeys-lru, to noeviction`,
    );
    expect(await trial("sluice", CANARY)).toBeUndefined();
    await link.command(["CONFIG", "SET", "maxmemory-policy", "noeviction"]);
    expect(await trial(USER, ODD)).toBeUndefined();
  });

  test("by a Redis without that database", async () => {
    expect(await refusalOf(at(USER, ODD, "/99"))).toBe("it has no database of that number");
  });
});

describe("a link", () => {
  test("names a host that there is not", async () => {
    expect(await refusalOf(`redis://:${CANARY}@no-such-host.invalid:6379`)).toMatch(/^its name is unknown \(E/);
  });

  test("names a port where nobody listens", async () => {
    // Not its address: callers are told the reason, too.
    expect(await refusalOf(`redis://:${CANARY}@localhost:${await freePort()}`)).toBe("connect ECONNREFUSED");
  });

  test("repeats no word of a server that quotes what it was sent", async () => {
    await using quoting = await oddRedis((socket) => {
      socket.on("data", (bytes) => {
        const words = bytes.toString().match(/canary\S*/g) ?? [];
        socket.write(
          `-ERR unknown command 'AUTH', with args beginning with: '${words.join("' '")}'\r\n`.repeat(commandsIn(bytes)),
        );
      });
    });
    const reason = await refusalOf(`redis://canary-user:${CANARY}@127.0.0.1:${quoting.port}`);
    expect(reason).toBe("it is too old: Redis 6.2 or newer is needed");
    await using strange = await oddRedis((socket) => {
      socket.on("data", (bytes) =>
        socket.write(`-${/canary\S*/.exec(bytes.toString())?.[0]} is not known\r\n`.repeat(commandsIn(bytes))),
      );
    });
    expect(await refusalOf(`redis://x:${CANARY}@127.0.0.1:${strange.port}`)).toBe(
      "it answers with an error that is not known here",
    );
  });

  test("repeats no word of a server that speaks something else", async () => {
    await using web = await oddRedis((socket) => {
      socket.on("data", (bytes) => socket.end(`HTTP/1.1 400 Bad Request\r\n\r\n${bytes}`));
    });
    const reason = await refusalOf(`redis://x:${CANARY}@127.0.0.1:${web.port}`);
    expect(reason).toBe("it does not speak Redis' protocol");
  });
});

(hasRedis ? describe : describe.skip)("a link over TLS", () => {
  let redis: TestRedis;
  let folder: string;
  const file = (name: string) => join(folder, name);
  const url = (host = "localhost") => `rediss://${host}:${redis.port}`;

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), "sluice-tls-"));
    const texts = { "ca.pem": AUTHORITY, "other.pem": CERTIFICATE, "redis.pem": VOUCHED_FOR, "redis.key": PRIVATE_KEY };
    for (const [name, text] of Object.entries(texts)) writeFileSync(file(name), text);
    redis = await TestRedis.startOverTls(file("redis.pem"), file("redis.key"));
  });
  afterAll(async () => {
    await redis.stop();
    rmSync(folder, { recursive: true });
  });

  test("is made to a server that caFile vouches for", async () => {
    using link = await openLink(url(), file("ca.pem"));
    expect(await link.command(["PING"])).toBe("PONG");
  });

  test("is not made to a server that nobody known vouches for", async () => {
    const untrusted = "its certificate is not trusted: cluster.redis.caFile names its authority's file";
    expect(await refusalOf(url())).toBe(untrusted);
    expect(await refusalOf(url(), file("other.pem"))).toBe(untrusted);
  });

  test("is not made to a server of another name", async () => {
    expect(await refusalOf(url("127.0.0.1"), file("ca.pem"))).toMatch(/127\.0\.0\.1/);
  });

  test("needs a file that can be read", async () => {
    const missing = file("none.pem");
    expect(await refusalOf(url(), missing)).toBe(`cluster.redis.caFile: ${missing} cannot be read (ENOENT)`);
  });

  test("is lost and made again by a node whose file is away while it connects again", async () => {
    writeFileSync(file("moved.pem"), AUTHORITY);
    using link = await openLink(url(), file("moved.pem"));
    rmSync(file("moved.pem"));
    // Its own connection is the only one.
    void link.command(["CLIENT", "KILL", "TYPE", "normal", "SKIPME", "no"]).catch(() => {});
    await turnsUntil(() => link.reason === "the file of cluster.redis.caFile cannot be read");
    writeFileSync(file("moved.pem"), AUTHORITY);
    await link.state(true);
    expect(await link.command(["PING"])).toBe("PONG");
  });

  test("is not made to a server without TLS", async () => {
    await using plain = await oddRedis((socket) => socket.on("data", () => socket.write("-ERR Protocol error\r\n")));
    expect(await refusalOf(`rediss://localhost:${plain.port}`)).toBe("it does not speak TLS");
  });
});
