import { WebSocket } from "ws";
import { listenForNodes } from "../../../src/transport/nodes/node-listener.ts";
import type { Neighbours } from "../../../src/transport/nodes/nodes.ts";
import { startFaceServer } from "../gateways/face-server.ts";

export const SECRET = "a1".repeat(32);
/** The address of a node of this process. */
export const own = (port = 0) => ({ host: "127.0.0.1", port, secret: SECRET, ended: new AbortController().signal });

/** Where a node's clients belong. They wait for nothing, unless it is said for how long. */
export const neighboursAt = (elsewhere: Neighbours["elsewhere"], waitMs = 0, port = 0): Neighbours => ({
  ...{ address: own(port), elsewhere, waitMs },
});

/** A node's listener, which notes whose connections nodes forward to it and closes them. */
export async function listenAndNote() {
  const seen: string[] = [];
  const listener = await listenForNodes({
    ...own(),
    firstLineMs: 1_000_000,
    accept(socket, address) {
      seen.push(address);
      socket.destroy();
    },
  });
  return { listener, seen };
}

/** A node that serves all, and one that forwards all to it. */
export async function setUp({ secret = SECRET, basePath = "" } = {}) {
  await using made = new AsyncDisposableStack();
  const ended = new AbortController();
  const leader = made.use(
    await startFaceServer({
      basePath,
      limits: { upgradesPerSecondPerAddress: 2 },
      neighbours: neighboursAt(() => undefined),
      page: ({ path, remoteAddress }) => ({ status: 200, headers: { "x-seen": path }, body: remoteAddress }),
    }),
  );
  const follower = made.use(
    await startFaceServer({
      basePath,
      neighbours: neighboursAt(() => ({ ...own(leader.nodePort), secret, ended: ended.signal })),
    }),
  );
  const stack = made.move();
  return { leader, follower, ended, [Symbol.asyncDispose]: () => stack.disposeAsync() };
}

/** A client of the face that all nodes have. */
export const dial = (url: string) =>
  new WebSocket(`${url.replace(/^http/, "ws")}/played`, "played", { headers: { authorization: "Bearer alice" } });
