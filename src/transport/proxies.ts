import type { IncomingMessage } from "node:http";
import { BlockList, isIP } from "node:net";

/** The proxies whose word about a client's address counts. */
export class Proxies {
  readonly #trusted = new BlockList();

  /** Addresses, or networks such as `10.0.0.0/8`. */
  constructor(addresses: readonly string[]) {
    for (const text of addresses) {
      const [address = "", bits] = text.split("/");
      const family = isIP(address) === 6 ? "ipv6" : "ipv4";
      if (bits === undefined) this.#trusted.addAddress(address, family);
      else this.#trusted.addSubnet(address, Number(bits), family);
    }
  }

  /** Whether a socket from there is a proxy's. */
  has(address: string): boolean {
    const plain = withoutMapping(address);
    return isIP(plain) !== 0 && this.#trusted.check(plain, isIP(plain) === 6 ? "ipv6" : "ipv4");
  }

  /**
   * Where a request comes from. `X-Forwarded-For` is read from its end, as far as trusted proxies wrote it: what stands
   * before that, anybody could have written.
   */
  clientOf({ socket, headers }: Pick<IncomingMessage, "socket" | "headers">): string {
    let address = socket.remoteAddress ?? "";
    const header = headers["x-forwarded-for"];
    const hops = (typeof header === "string" ? header : "").split(",").map(bareAddress);
    while (this.has(address)) {
      const before = hops.pop();
      if (before === undefined || isIP(before) === 0) break;
      address = before;
    }
    return address;
  }
}

const withoutMapping = (address: string): string => address.replace(/^::ffff:(?=\d+\.)/i, "");

/** Some proxies write the port too: `10.1.2.3:4711`, `[2001:db8::1]:4711`. */
function bareAddress(text: string): string {
  const hop = text.trim();
  return /^\[([0-9A-Fa-f:.]+)\](?::\d+)?$/.exec(hop)?.[1] ?? /^(\d+\.\d+\.\d+\.\d+):\d+$/.exec(hop)?.[1] ?? hop;
}
