import { isLoopbackHost } from "./origin.ts";

/**
 * One client, one key: `::ffff:a.b.c.d` is its IPv4 address, other IPv6 addresses count by their /64 network, of which
 * one client has every address.
 */
export function clientKey(address: string): string {
  const v4 = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address)?.[1];
  if (v4 !== undefined) return v4;
  if (!address.includes(":") || address === "::1") return address;
  const [head = "", tail] = address.split("::");
  const groups = head.split(":");
  if (tail !== undefined) while (groups.length < 4) groups.push("0");
  return groups.slice(0, 4).join(":");
}

/** All agents of this machine, and all clients behind a proxy on it, come from here: limits per address skip it. */
export const isThisMachine = (key: string): boolean => isLoopbackHost(key);
