import { expect, test } from "@jest/globals";
import { beforeRedis } from "../../support/stores/odd-redis.ts";
import { describeWithRedis, TestRedis } from "../../support/stores/redis.ts";
import { openLink } from "../../support/stores/redis-link.ts";

const MIB = 1024 * 1024;

describeWithRedis("a link whose Redis turns hostile", (redis) => {
  test.each([
    ["-READONLY You can't write against a read only replica.\r\n", "it is a replica, which takes no writes"],
    ["-LOADING Redis is loading the dataset in memory\r\n", "it is loading its data"],
    ["-BUSY Redis is busy running a script.\r\n", "a script keeps it busy"],
    ["-OOM command not allowed when used memory > 'maxmemory'.\r\n", "it is full (maxmemory)"],
    ["-MISCONF Redis is configured to save RDB snapshots\r\n", "it cannot save its data and takes no writes"],
    ["-CLUSTERDOWN The cluster is down\r\n", "it is part of a Redis Cluster: one server is needed"],
    ["-MOVED 3999 127.0.0.1:6381\r\n", "it is part of a Redis Cluster: one server is needed"],
    ["-NOAUTH Authentication required.\r\n", "it needs a password, or a user and a password"],
    ["-NOPERM this user has no permissions\r\n", expect.stringContaining("its user may not do all")],
    ["-MASTERDOWN Link with MASTER is down\r\n", "it is a replica without its primary"],
    ["-NOREPLICAS Not enough good replicas to write.\r\n", "too few replicas follow it"],
    ["HTTP/1.1 400 Bad Request\r\n\r\n", "it does not speak Redis' protocol"],
    ["*2\r\n", "it does not answer"],
    ["$5\r\nab", "it does not answer"],
    [`$${2 ** 40}\r\nab`, "it does not answer"],
    [`*${2 ** 31}\r\n`, expect.any(String)],
    ["$-7\r\n", expect.any(String)],
    [":99999999999999999999999999\r\n", expect.any(String)],
    // A list in a list, a hundred thousand times.
    ["*1", expect.any(String)],
  ])("and answers %j counts as away, with the reason, and is found again", async (reply, reason) => {
    const sent = reply === "*1" ? "*1\r\n".repeat(100_000) : reply;
    let isHostile = false;
    let isAnswered = false;
    await using proxy = await beforeRedis(redis().port, (_, pass, { answer }) => {
      if (!isHostile) return pass();
      // One broken answer, or an error to everything.
      if (reply.startsWith("-") || !isAnswered) answer(sent);
      isAnswered = true;
    });
    using link = await openLink(proxy.url);
    isHostile = true;
    const refused = link.command(["SET", "a", "b"]);
    if (reply.startsWith("-")) await expect(refused).rejects.toMatchObject({ code: "cluster_unavailable" });
    else await refused.catch(() => {});
    await link.state(false);
    await expect(link.command(["PING"])).rejects.toMatchObject({ code: "cluster_unavailable" });
    expect(link.reasons[1]).toEqual(reason);
    isHostile = false;
    await link.state(true);
    expect(await link.command(["PING"])).toBe("PONG");
  });

  test("and breaks off its answers anywhere is found again each time, with nothing left of them", async () => {
    let passes = Number.POSITIVE_INFINITY;
    await using proxy = await beforeRedis(redis().port, (bytes, pass, { cut, answer }) => {
      if (passes >= bytes.length) return pass();
      answer(bytes.toString("latin1").slice(0, passes));
      passes = Number.POSITIVE_INFINITY;
      setImmediate(cut);
    });
    using link = await openLink(proxy.url);
    await link.command(["DEL", "list"]);
    await link.command(["RPUSH", "list", "one", "", "three"]);
    const whole = ["one", "", "three"];
    const ask = () => link.command(["LRANGE", "list", "0", "-1"]).catch(({ code }) => code);
    for (let at = 0; at < 30; at += 3) {
      passes = at;
      const answer = await ask();
      expect([whole, "cluster_unavailable"]).toContainEqual(answer);
      await link.state(true);
    }
    passes = Number.POSITIVE_INFINITY;
    for (let answer = await ask(); answer === "cluster_unavailable"; answer = await ask()) await link.state(true);
    expect(await ask()).toEqual(whole);
  });

  test("and holds a huge entry gives it, and keeps none of it", async () => {
    using link = await openLink(redis().url);
    await link.command(["SETRANGE", "huge", String(64 * MIB), "x"]);
    expect(String(await link.command(["GET", "huge"])).length).toBe(64 * MIB + 1);
    expect(await link.command(["PING"])).toBe("PONG");
    expect(link.states).toEqual([true]);
  });

  test("and changes its password is refused then, not before, and in words without either", async () => {
    await using own = await TestRedis.start();
    using link = await openLink(own.url);
    await link.command(["CONFIG", "SET", "requirepass", "canary-1"]);
    expect(await link.command(["SET", "a", "b"])).toBe("OK");
    // Its own connection is the only one.
    void link.command(["CLIENT", "KILL", "TYPE", "normal", "SKIPME", "no"]).catch(() => {});
    await link.state(false);
    while (link.reason?.includes("password") !== true) await new Promise((resolve) => setTimeout(resolve, 10));
    expect(link.reason).toBe("it needs a password, or a user and a password");
    await own.ask("-a", "canary-1", "--no-auth-warning", "CONFIG", "SET", "requirepass", "");
    await link.state(true);
    expect(link.reasons.join()).not.toContain("canary");
  });
});
