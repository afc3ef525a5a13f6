import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { describe, expect, test } from "@jest/globals";
import type { GatewayError } from "../../src/core/kernel/errors.ts";
import { Admission } from "../../src/transport/admit/admission.ts";
import { PendingSockets } from "../../src/transport/admit/pending-sockets.ts";
import { upgrade } from "../support/clients/upgrade.ts";
import { type FaceServer, type FaceServerOptions, startFaceServer } from "../support/gateways/face-server.ts";
import { LooseSocket } from "../support/gateways/node-requests.ts";

const movable = () => {
  const time = { ms: 0 };
  return { time, clock: { now: () => time.ms, wall: () => time.ms } };
};

describe("unauthenticated sockets", () => {
  function setUp() {
    const { time, clock } = movable();
    const closed: string[] = [];
    const limits = { unauthenticatedSockets: 10, unauthenticatedSocketsPerAddress: 3 };
    const isShared = ({ remoteAddress }: Pick<Socket, "remoteAddress">) => remoteAddress === "198.51.100.200";
    const pendingSockets = new PendingSockets({
      limits,
      clock,
      isShared,
      closed: (address) => void closed.push(address),
    });
    const enter = (address: string) => {
      const socket = new LooseSocket(address);
      pendingSockets.enter(socket);
      return socket;
    };
    const open = (sockets: readonly LooseSocket[]) => sockets.map(({ destroyed }) => !destroyed);
    return { time, closed, pendingSockets, enter, open };
  }

  test("beyond the limit of one address push out its longest-waiting one", () => {
    const { time, closed, enter, open } = setUp();
    const other = enter("203.0.113.9");
    const slow = [1, 2, 3].map(() => enter("203.0.113.1"));
    time.ms = 1_001;
    const fresh = enter("203.0.113.1");
    expect(open([other, ...slow, fresh])).toEqual([true, false, true, true, true]);
    expect(closed).toEqual(["203.0.113.1"]);
  });

  test("beyond the total limit push out the longest-waiting one of any address", () => {
    const { time, enter, open, pendingSockets } = setUp();
    const slow = Array.from({ length: 10 }, (_, at) => enter(`203.0.113.${at}`));
    time.ms = 1_001;
    const fresh = [enter("198.51.100.1"), enter("198.51.100.2")];
    expect(open([...slow, ...fresh]).indexOf(true)).toBe(2);
    expect(pendingSockets.size).toBe(10);
  });

  test("are safe for one second: a crowd that comes at once is admitted", () => {
    const { time, enter, open } = setUp();
    const crowd = Array.from({ length: 50 }, () => enter("203.0.113.1"));
    time.ms = 999;
    crowd.push(enter("203.0.113.1"));
    expect(open(crowd)).not.toContain(false);
    // Those that said nothing in that time make room when it is needed.
    time.ms = 1_000;
    crowd.push(enter("203.0.113.1"));
    expect(open(crowd).filter((isOpen) => !isOpen)).toHaveLength(49);
  });

  test("leave once their client is known, and can no longer be pushed out", () => {
    const { time, enter, pendingSockets } = setUp();
    const known = enter("203.0.113.1");
    pendingSockets.leave(known);
    time.ms = 5_000;
    for (let count = 0; count < 20; count++) enter("203.0.113.1");
    expect(known.destroyed).toBe(false);
  });

  test("leave when they are gone", () => {
    const { enter, pendingSockets } = setUp();
    enter("203.0.113.1").destroy();
    expect(pendingSockets.size).toBe(0);
  });

  test("of this machine count only in total, because local agents share an address", () => {
    const { time, enter, open } = setUp();
    const local = ["127.0.0.1", "::1", "::ffff:127.0.0.1"].flatMap((address) => [1, 2, 3].map(() => enter(address)));
    time.ms = 5_000;
    local.push(enter("127.0.0.1"));
    expect(open(local)).not.toContain(false);
    expect(open([...local, enter("127.0.0.1")])[0]).toBe(false);
  });

  test("of a listed proxy count only in total, because it brings many clients", () => {
    const { time, enter, open } = setUp();
    const behind = Array.from({ length: 9 }, () => enter("198.51.100.200"));
    time.ms = 5_000;
    behind.push(enter("198.51.100.200"));
    expect(open(behind)).not.toContain(false);
  });

  test("of one IPv6 network count as one address", () => {
    const { time, enter, open } = setUp();
    const slow = [1, 2, 3].map((host) => enter(`2001:db8:1:2::${host}`));
    time.ms = 1_001;
    enter("2001:db8:1:2:ffff::1");
    expect(open(slow)).toEqual([false, true, true]);
  });
});

describe("a socket of the running server", () => {
  const setUp = async (options: FaceServerOptions = {}) => {
    const { time, clock } = movable();
    const server = await startFaceServer({
      ...options,
      clock,
      limits: { unauthenticatedSockets: 2, ...options.limits },
    });
    return { time, server };
  };
  /** Connected, and saying nothing. The server has it when it answers the next one. */
  const silent = async (server: FaceServer) => {
    const socket = connect(Number(new URL(server.url).port), "127.0.0.1");
    socket.on("error", () => {});
    await once(socket, "connect");
    return socket;
  };

  test("that is silent makes room for a later one, and is counted", async () => {
    const { time, server } = await setUp();
    await using _ = server;
    const slow = [await silent(server), await silent(server)];
    await fetch(`${server.url}/healthz`, { headers: { connection: "close" } });
    time.ms = 1_001;
    const closed = once(slow[0] as Socket, "close");
    const answer = await upgrade(server.url, { path: "/played", headers: { "sec-websocket-protocol": "played" } });
    expect(answer.status).toBe(101);
    await closed;
    expect(server.refusals).toContainEqual({ code: "handshake_timeout", where: "accept" });
    for (const socket of [...slow, answer.socket]) socket?.destroy();
  });

  test("that became an authenticated WebSocket stays, however many come", async () => {
    const { time, server } = await setUp();
    await using _ = server;
    const answer = await upgrade(server.url, { path: "/played", headers: { "sec-websocket-protocol": "played" } });
    const session = await server.session();
    time.ms = 5_000;
    const crowd = [];
    for (let count = 0; count < 5; count++) crowd.push(await silent(server));
    session.connection.send("still here");
    const [bytes] = await once(answer.socket as Socket, "data");
    expect(String(bytes)).toContain("still here");
    for (const socket of [...crowd, answer.socket]) socket?.destroy();
  });

  test("that became a WebSocket without credentials counts until its first frame brings them", async () => {
    const { time, server } = await setUp({ authentication: "frame", limits: { unauthenticatedSockets: 1 } });
    await using _ = server;
    const answer = await upgrade(server.url, { path: "/played", headers: { "sec-websocket-protocol": "played" } });
    const session = await server.session();
    time.ms = 1_001;
    const later = await silent(server);
    await session.closed;
    expect(server.refusals).toContainEqual({ code: "handshake_timeout", where: "accept" });
    for (const socket of [later, answer.socket]) socket?.destroy();
  });
});

describe("new WebSockets from one address", () => {
  function setUp() {
    const { time, clock } = movable();
    const limits = { connections: 9, connectionsPerAddress: 9, upgradesPerSecond: 50, upgradesPerSecondPerAddress: 20 };
    const admission = new Admission({ limits, clock, admit() {} });
    const take = (address: string): GatewayError | undefined => {
      try {
        admission.takeUpgrade(address);
      } catch (error) {
        return error as GatewayError;
      }
      return undefined;
    };
    const codes = (address: string, count: number) => Array.from({ length: count }, () => take(address)?.code);
    return { time, take, codes };
  }

  test("are limited to 20 a second; the rest are told when to come back", () => {
    const { time, take, codes } = setUp();
    expect(codes("203.0.113.1", 21)).toEqual([...Array(20).fill(undefined), "rate_limited"]);
    expect(take("203.0.113.1")?.retryAfterMs).toBeGreaterThanOrEqual(1_000);
    time.ms = 1_000;
    expect(codes("203.0.113.1", 21).indexOf("rate_limited")).toBe(20);
  });

  test("beyond that limit do not reduce the others' rate", () => {
    const { codes } = setUp();
    codes("203.0.113.1", 1_000);
    expect(codes("198.51.100.1", 20)).not.toContain("overloaded");
    expect(codes("192.0.2.1", 11).indexOf("overloaded")).toBe(10);
  });

  test("of one IPv6 network count together", () => {
    const { codes } = setUp();
    codes("2001:db8:1:2::1", 20);
    expect(codes("2001:db8:1:2::2", 1)).toEqual(["rate_limited"]);
    expect(codes("2001:db8:1:3::1", 1)).toEqual([undefined]);
  });

  test("of this machine count only in total", () => {
    const { codes } = setUp();
    expect(codes("127.0.0.1", 51).indexOf("overloaded")).toBe(50);
  });
});
