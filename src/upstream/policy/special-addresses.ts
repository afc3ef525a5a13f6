import { BlockList, isIPv4, isIPv6 } from "node:net";

/** Of IPv6, what IANA gives out for the public internet: all else is special or unassigned (RFC 4291, section 4). */
const PUBLIC_IPV6 = [
  "2000::/3", // global unicast
  "::ffff:0:0/96", // IPv4-mapped: the ranges of IPv4 decide
];

/**
 * Special ranges: IANA's registries of special-purpose addresses (RFC 6890), multicast, and addresses of metadata
 * services. A few anycast addresses among the protocol assignments are public; no upstream is there.
 */
const SPECIAL_IPV4 = [
  "0.0.0.0/8", // this network (RFC 791)
  "10.0.0.0/8", // private (RFC 1918)
  "100.64.0.0/10", // shared behind carrier-grade NAT (RFC 6598); Alibaba's metadata
  "127.0.0.0/8", // loopback (RFC 1122)
  "168.63.129.16/32", // Azure's host
  "169.254.0.0/16", // link-local (RFC 3927); the metadata service of most clouds
  "172.16.0.0/12", // private (RFC 1918)
  "192.0.0.0/24", // protocol assignments (RFC 6890); Oracle's metadata
  "192.0.2.0/24", // documentation (RFC 5737)
  "192.88.99.0/24", // 6to4 relays (RFC 7526)
  "192.168.0.0/16", // private (RFC 1918)
  "198.18.0.0/15", // benchmarking (RFC 2544); the made-up addresses of VPN clients
  "198.51.100.0/24", // documentation (RFC 5737)
  "203.0.113.0/24", // documentation (RFC 5737)
  "224.0.0.0/4", // multicast (RFC 5771)
  "240.0.0.0/4", // reserved (RFC 1112), broadcast (RFC 919)
];
const SPECIAL_IPV6 = [
  "2001::/23", // protocol assignments (RFC 2928), Teredo (RFC 4380)
  "2001:db8::/32", // documentation (RFC 3849)
  "2002::/16", // 6to4: an IPv4 address in disguise (RFC 3056)
  "3ffe::/16", // the 6bone, given back (RFC 3701)
  "3fff::/20", // documentation (RFC 9637)
];
/** Special ranges outside of what is public anyway, named so that a refusal can say which one an address is in. */
const NAMED_IPV6 = [
  "::1/128", // loopback (RFC 4291)
  "64:ff9b::/96", // IPv4 behind NAT64 (RFC 6052)
  "fc00::/7", // unique local (RFC 4193)
  "fe80::/10", // link-local (RFC 4291)
  "ff00::/8", // multicast (RFC 4291)
];

/** The networks as one list that answers for both families. Throws for what is neither an address nor a network. */
export function networkList(networks: readonly string[]): BlockList {
  const list = new BlockList();
  for (const network of networks) {
    const [address = "", prefix] = network.split("/");
    const family = isIPv6(address) ? "ipv6" : "ipv4";
    if (prefix === undefined) list.addAddress(address, family);
    else list.addSubnet(address, Number(prefix), family);
  }
  return list;
}

const publicIpv6 = networkList(PUBLIC_IPV6);
const special = networkList([...SPECIAL_IPV4, ...SPECIAL_IPV6]);
const nat64 = networkList(["64:ff9b::/96"]);
const named = [...SPECIAL_IPV4, ...SPECIAL_IPV6, ...NAMED_IPV6].map((network) => ({
  network,
  list: networkList([network]),
}));

/** Whether the list holds an address; false for what is none. A zone (`fe80::1%eth0`) says nothing about the network. */
export function holds(list: BlockList, address: string): boolean {
  const [plain = ""] = address.split("%", 1);
  return isIPv6(plain) ? list.check(plain, "ipv6") : isIPv4(plain) && list.check(plain, "ipv4");
}

/** Whether an address is on the public internet. IPv4 mapped into IPv6 counts as the IPv4 address it is. */
export function isPublicAddress(address: string): boolean {
  if (isIPv4(address)) return !holds(special, address);
  return isIPv6(address) && holds(publicIpv6, address) && !holds(special, address);
}

/** The special range that an address is in, as it would be written into a configuration; undefined for an unassigned one. */
export const specialNetworkOf = (address: string): string | undefined =>
  named.find(({ list }) => holds(list, address))?.network;

/** The IPv4 address that a NAT64 address (RFC 6052, well-known prefix) stands for; undefined for any other address. */
export function behindNat64(address: string): string | undefined {
  if (!isIPv6(address) || !holds(nat64, address)) return undefined;
  // The URL parser knows every way to write it, and writes what follows the zeros of the prefix as two groups at most.
  const groups = new URL(`http://[${address}]`).hostname.slice(1, -1).split("::")[1]?.split(":") ?? [];
  const [high = 0, low = 0] = [0, 0, ...groups.map((group) => Number.parseInt(group || "0", 16))].slice(-2);
  return [high >> 8, high & 255, low >> 8, low & 255].join(".");
}
