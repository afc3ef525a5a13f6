import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";

/** What a proxy does with bytes: passes them on, keeps them, or closes every connection. */
type Way = "passes" | "stalls" | "refuses";

/** Stands in front of a server of loopback, and breaks what lies between it and one client. */
export interface BreakingProxy extends AsyncDisposable {
  readonly port: number;
  /** Closes every connection, and new ones at once. */
  cut(): void;
  /** Keeps all bytes of both sides, of new connections too: nobody notices by an error. */
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

/** What a proxy does now. */
interface How {
  readonly way: Way;
  readonly delayMs: number;
}

/** One connection through the proxy. */
class Link {
  readonly #sides: readonly [Socket, Socket];
  readonly #flows: readonly [Flow, Flow];

  constructor(inward: Socket, outward: Socket, how: How) {
    this.#sides = [inward, outward];
    this.#flows = [new Flow(inward, outward, how), new Flow(outward, inward, how)];
  }

  cut(): void {
    for (const side of this.#sides) side.destroy();
  }

  letGo(): void {
    for (const flow of this.#flows) flow.letGo();
  }
}

/** The bytes of one direction: they keep their order, whatever becomes of them. */
class Flow {
  readonly #to: Socket;
  readonly #how: How;
  readonly #kept: { readonly bytes: Buffer; readonly dueAt: number }[] = [];
  #timer: NodeJS.Timeout | undefined;

  constructor(from: Socket, to: Socket, how: How) {
    this.#to = to;
    this.#how = how;
    from.on("error", () => {});
    from.on("close", () => {
      clearTimeout(this.#timer);
      to.destroy();
    });
    from.on("data", (bytes) => {
      this.#kept.push({ bytes, dueAt: performance.now() + how.delayMs });
      this.#pass();
    });
  }

  /** Passes on everything at once. */
  letGo(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    for (const { bytes } of this.#kept.splice(0)) this.#to.write(bytes);
  }

  #pass(): void {
    if (this.#timer || this.#how.way === "stalls") return;
    const now = performance.now();
    while (this.#kept[0] && this.#kept[0].dueAt <= now) this.#to.write(this.#kept.shift()?.bytes ?? "");
    const [next] = this.#kept;
    if (!next) return;
    this.#timer = setTimeout(
      () => {
        this.#timer = undefined;
        this.#pass();
      },
      Math.ceil(next.dueAt - now),
    );
  }
}
