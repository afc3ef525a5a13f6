import { isIPv4, isIPv6 } from "node:net";
import { isLoopbackHost } from "./origin.ts";

/**
 * The address in a text, in the one form it has here: bare of brackets, port and zone, IPv4 also where it is mapped into
 * IPv6, IPv6 as RFC 5952 writes it. Undefined when there is none.
 */
export function addressIn(text: string): string | undefined {
  const v4 = /^([\d.]+):\d+$/.exec(text)?.[1] ?? text;
  if (isIPv4(v4)) return v4;
  const bare = /^\[(.*)\](?::\d+)?$/.exec(text)?.[1] ?? text;
  const v6 = bare.replace(/%.*$/, "");
  if (!isIPv6(v6)) return undefined;
  const { hostname } = new URL(`http://[${v6}]`);
  const plain = hostname.slice(1, -1);
  const [, high, low] = /^::ffff:([0-9a-f]+):([0-9a-f]+)$/.exec(plain) ?? [];
  return high === undefined || low === undefined ? plain : `${bytesOf(high)}.${bytesOf(low)}`;
}

const bytesOf = (group: string): string => {
  const value = Number.parseInt(group, 16);
  return `${value >> 8}.${value & 255}`;
};

/**
 * One client, one key, however its address is written: an IPv6 client counts by its /64 network, of which it has every
 * address. A text that is no address is its own key.
 */
export function clientKey(text: string): string {
  const address = addressIn(text);
  if (address === undefined) return text;
  if (!address.includes(":") || address === "::1") return address;
  const [head = "", tail] = address.split("::");
  const front = groupsOf(head);
  const back = groupsOf(tail ?? "");
  const zeros = new Array<string>(8 - front.length - back.length).fill("0");
  return [...front, ...zeros, ...back].slice(0, 4).join(":");
}

const groupsOf = (text: string): readonly string[] => (text === "" ? [] : text.split(":"));

/** All agents of this machine, and all clients behind a proxy on it, come from here: limits per address skip it. */
export const isThisMachine = (key: string): boolean => isLoopbackHost(key);
