import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";
import { expect, test } from "@jest/globals";
import { startBreakingProxy } from "../../support/cluster/breaking-proxy.ts";

/** A server that answers with what it is sent, and a proxy before it. */
async function setUp() {
  await using stack = new AsyncDisposableStack();
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on("error", () => {}).pipe(socket);
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  stack.defer(async () => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  const { port } = server.address() as AddressInfo;
  const proxy = stack.use(await startBreakingProxy(port));
  const owned = stack.move();
  return { port, proxy, [Symbol.asyncDispose]: () => owned.disposeAsync() };
}

async function dial(port: number): Promise<Socket> {
  const socket = connect(port, "127.0.0.1").on("error", () => {});
  await once(socket, "connect");
  return socket;
}

async function echo(socket: Socket, text: string): Promise<string> {
  socket.write(text);
  const [bytes] = await once(socket, "data");
  return String(bytes);
}

test("a breaking proxy cuts what is there and refuses what comes, until it lets go", async () => {
  await using up = await setUp();
  const socket = await dial(up.proxy.port);
  expect(await echo(socket, "one")).toBe("one");
  up.proxy.cut();
  await once(socket, "close");
  const refused = connect(up.proxy.port, "127.0.0.1").on("error", () => {});
  await new Promise((closed) => refused.on("close", closed));
  up.proxy.letGo();
  expect(await echo(await dial(up.proxy.port), "two")).toBe("two");
});

test("a breaking proxy keeps bytes while it stalls, and passes them on in their order", async () => {
  await using up = await setUp();
  const socket = await dial(up.proxy.port);
  expect(await echo(socket, "one")).toBe("one");
  up.proxy.stall();
  let came = "";
  socket.on("data", (bytes) => {
    came += String(bytes);
  });
  socket.write("two");
  const other = await dial(up.proxy.port);
  const answer = once(other, "data");
  other.write("three");
  // These come back though they were sent later.
  const past = await dial(up.port);
  for (const text of ["a", "b", "c"]) expect(await echo(past, text)).toBe(text);
  expect(came).toBe("");
  up.proxy.letGo();
  socket.write("four");
  expect(String((await answer)[0])).toBe("three");
  while (came !== "twofour") await once(socket, "data");
});

test("a breaking proxy slows bytes down by a round trip's time", async () => {
  await using up = await setUp();
  const socket = await dial(up.proxy.port);
  up.proxy.slow(120);
  const sent = performance.now();
  expect(await echo(socket, "one")).toBe("one");
  // Timers may fire a millisecond early.
  expect(performance.now() - sent).toBeGreaterThanOrEqual(118);
  let came = "";
  socket.on("data", (bytes) => {
    came += String(bytes);
  });
  for (const text of ["a", "b", "c"]) {
    socket.write(text);
    await new Promise((turn) => setImmediate(turn));
  }
  up.proxy.letGo();
  // What is quick again does not overtake what was slow.
  socket.write("d");
  while (came.length < 4) await once(socket, "data");
  expect(came).toBe("abcd");
});
