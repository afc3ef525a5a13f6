import { isIPv4, isIPv6 } from "node:net";
import { isLoopbackHost } from "./origin.ts";

/**
 * The address in a text, in canonical form: without brackets, port and zone, IPv4 even if mapped into IPv6, IPv6 as in
 * RFC 5952. Undefined when the text is not an address.
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
 * The key a client is counted by, however its address is written. An IPv6 client counts by its /64 network, because it
 * controls every address in it. A text that is not an address is its own key.
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

/** Whether a key is loopback's, exempt from limits per address: all local agents, and all clients of a local proxy, share it. */
export const isThisMachine = (key: string): boolean => isLoopbackHost(key);
