import type { IncomingMessage } from "node:http";
import { BlockList, isIPv6 } from "node:net";
import { addressIn } from "./client-address.ts";

/** The proxies whose word about a client's address counts. */
export class Proxies {
  readonly #trusted = new BlockList();

  /** Addresses, or networks such as `10.0.0.0/8`. */
  constructor(addresses: readonly string[]) {
    for (const text of addresses) {
      const [address = "", bits] = text.split("/");
      if (bits === undefined) this.#trusted.addAddress(address, familyOf(address));
      else this.#trusted.addSubnet(address, Number(bits), familyOf(address));
    }
  }

  /** Whether a socket from there is a proxy's. */
  has(remoteAddress: string): boolean {
    const address = addressIn(remoteAddress);
    return address !== undefined && this.#trusted.check(address, familyOf(address));
  }

  /**
   * Where a request comes from. `X-Forwarded-For` is read from its end, as far as trusted proxies wrote it: what stands
   * before that, anybody could have written. Some proxies write the port too.
   */
  clientOf({ socket, headers }: Pick<IncomingMessage, "socket" | "headers">): string {
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
