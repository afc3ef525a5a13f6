import type { IncomingMessage } from "node:http";
import { BlockList, isIPv6, type Socket } from "node:net";
import { addressIn } from "./client-address.ts";

/** The proxies trusted to report a client's address. */
export class Proxies {
  readonly #trusted = new BlockList();
  /** The clients whose connections another node forwards, by their sockets here. */
  readonly #forwarded = new WeakMap<object, string>();

  /** Addresses, or networks such as `10.0.0.0/8`. */
  constructor(addresses: readonly string[]) {
    for (const text of addresses) {
      const [address = "", bits] = text.split("/");
      if (bits === undefined) this.#trusted.addAddress(address, familyOf(address));
      else this.#trusted.addSubnet(address, Number(bits), familyOf(address));
    }
  }

  /** Whether the address is a trusted proxy's. */
  has(remoteAddress: string): boolean {
    const address = addressIn(remoteAddress);
    return address !== undefined && this.#trusted.check(address, familyOf(address));
  }

  /** The socket is a node's, which forwards the client with this address. */
  forwarded(socket: object, clientAddress: string): void {
    this.#forwarded.set(socket, clientAddress);
  }

  /** Whether another node forwards the socket's client, which it has checked: Host and Origin are its own. */
  isForwarded(socket: object): boolean {
    return this.#forwarded.has(socket);
  }

  /** Whether many clients share the socket's address: it is a trusted proxy's. */
  isShared(socket: Pick<Socket, "remoteAddress">): boolean {
    return !this.#forwarded.has(socket) && this.has(socket.remoteAddress ?? "");
  }

  /** The address of the socket's client, as far as the socket tells it. */
  addressOf(socket: Pick<Socket, "remoteAddress">): string {
    return this.#forwarded.get(socket) ?? socket.remoteAddress ?? "";
  }

  /**
   * The address of a request's client. Reads `X-Forwarded-For` from its end, as far as trusted proxies wrote it; anyone
   * could have written the rest. Some proxies include the port.
   */
  clientOf({ socket, headers }: Pick<IncomingMessage, "socket" | "headers">): string {
    const forwarded = this.#forwarded.get(socket);
    if (forwarded !== undefined) return forwarded;
    let address = socket.remoteAddress ?? "";
    const header = headers["x-forwarded-for"];
    const hops = (typeof header === "string" ? header : "").split(",");
    while (this.has(address)) {
      const before = addressIn(hops.pop()?.trim() ?? "");
      if (before === undefined) break;
      address = before;
    }
    return address;
  }
}

const familyOf = (address: string) => (isIPv6(address) ? "ipv6" : "ipv4");
