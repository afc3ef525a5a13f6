import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";

/** What a proxy does with bytes: passes them on, keeps them, or closes every connection. */
type Way = "passes" | "stalls" | "refuses";

/** Stands in front of a server of loopback, and breaks what lies between it and one client. */
export interface BreakingProxy extends AsyncDisposable {
  readonly port: number;
  /** Closes every connection, and new ones at once. */
  cut(): void;
  /** Keeps all bytes of both sides, of new connections too: nobody is told anything. */
  stall(): void;
  /** Bytes take so long, in milliseconds, there and back together. */
  slow(roundTripMs: number): void;
  /** Closes every connection; new ones lead to this port. */
  turnTo(port: number): void;
  /** Passes on again what comes, and what was kept. */
  letGo(): void;
}

/** Starts a proxy that passes bytes on until it is told otherwise. */
export async function startBreakingProxy(target: number): Promise<BreakingProxy> {
  const links = new Set<Link>();
  let port = target;
  const how = { way: "passes" as Way, delayMs: 0 };
  const server = createServer({ noDelay: true }, (inward) => {
    if (how.way === "refuses") {
      inward.on("error", () => {}).resetAndDestroy();
      return;
    }
    const link = new Link(inward, connect({ port, host: "127.0.0.1", noDelay: true }), how);
    links.add(link);
    inward.once("close", () => links.delete(link));
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const cutAll = () => {
    for (const link of links) link.cut();
  };
  return {
    port: (server.address() as AddressInfo).port,
    cut() {
      how.way = "refuses";
      cutAll();
    },
    stall() {
      how.way = "stalls";
    },
    slow(roundTripMs) {
      how.delayMs = roundTripMs / 2;
    },
    turnTo(other) {
      port = other;
      cutAll();
    },
    letGo() {
      how.way = "passes";
      how.delayMs = 0;
      for (const link of links) link.letGo();
    },
    async [Symbol.asyncDispose]() {
      cutAll();
      server.close();
      await once(server, "close");
    },
  };
}

/** One connection through the proxy. */
class Link {
  readonly #sides: readonly [Socket, Socket];
  readonly #how: { readonly way: Way; readonly delayMs: number };
  readonly #kept: { readonly to: Socket; readonly bytes: Buffer }[] = [];

  constructor(inward: Socket, outward: Socket, how: { readonly way: Way; readonly delayMs: number }) {
    this.#sides = [inward, outward];
    this.#how = how;
    this.#forward(inward, outward);
    this.#forward(outward, inward);
  }

  cut(): void {
    for (const side of this.#sides) side.destroy();
  }

  letGo(): void {
    for (const { to, bytes } of this.#kept.splice(0)) to.write(bytes);
  }

  #forward(from: Socket, to: Socket): void {
    from.on("error", () => {});
    from.on("close", () => to.destroy());
    from.on("data", (bytes) => {
      const { delayMs } = this.#how;
      if (delayMs === 0) this.#pass(to, bytes);
      else setTimeout(() => this.#pass(to, bytes), delayMs);
    });
  }

  #pass(to: Socket, bytes: Buffer): void {
    if (this.#how.way === "stalls" || this.#kept.length > 0) this.#kept.push({ to, bytes });
    else to.write(bytes);
  }
}
