import { BlockList, isIP } from "node:net";
import { isNetwork } from "./network.ts";

/**
 * Whether an entry of a NO_PROXY list stands for a host: `*`, a name with all names below it (with or without a leading
 * dot), an address, or a network; a port limits it to that port. Written as curl and Go read it.
 */
export function isExempt(list: readonly string[], { hostname, port, protocol }: URL): boolean {
  const host = hostname.replace(/^\[(.*)\]$/, "$1");
  const ownPort = port || (protocol === "https:" ? "443" : "80");
  return list.some((entry) => {
    const [, name = "", limit] = /^(\[[^\]]*\]|[^:]*)(?::(\d+))?$/.exec(entry) ?? [undefined, entry];
    return (limit === undefined || limit === ownPort) && standsFor(name.toLowerCase(), host);
  });
}

function standsFor(written: string, host: string): boolean {
  const name = written.replace(/^\[(.*)\]$/, "$1");
  if (name === "*") return true;
  if (isIP(host) !== 0) return isNetwork(name) && isIn(name, host);
  const domain = name.replace(/^\*?\./, "");
  return domain !== "" && (host === domain || host.endsWith(`.${domain}`));
}

function isIn(network: string, address: string): boolean {
  const [base = "", bits] = network.split("/");
  const family = isIP(base) === 6 ? "ipv6" : "ipv4";
  const list = new BlockList();
  list.addSubnet(base, bits === undefined ? (family === "ipv6" ? 128 : 32) : Number(bits), family);
  return list.check(address, isIP(address) === 6 ? "ipv6" : "ipv4");
}
