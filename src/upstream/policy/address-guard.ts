import { type LookupAddress, type LookupAllOptions, lookup } from "node:dns";
import { BlockList, isIPv4, isIPv6, type LookupFunction } from "node:net";
import { GatewayError } from "../../core/kernel/errors.ts";

/** Of IPv6, what IANA gives out for the public internet: all else is special, or nobody's yet (RFC 4291, section 4). */
const PUBLIC_IPV6 = [
  "2000::/3", // global unicast
  "::ffff:0:0/96", // IPv4-mapped: the ranges of IPv4 decide
];

/**
 * What of the rest is special: the registries of IANA for special-purpose addresses (RFC 6890), multicast, and addresses of
 * metadata services. Of the protocol assignments a few anycast addresses are public; no upstream is there.
 */
const BLOCKED_IPV4 = [
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
  "198.18.0.0/15", // benchmarking (RFC 2544)
  "198.51.100.0/24", // documentation (RFC 5737)
  "203.0.113.0/24", // documentation (RFC 5737)
  "224.0.0.0/4", // multicast (RFC 5771)
  "240.0.0.0/4", // reserved (RFC 1112), broadcast (RFC 919)
];
const BLOCKED_IPV6 = [
  "2001::/23", // protocol assignments (RFC 2928), Teredo (RFC 4380)
  "2001:db8::/32", // documentation (RFC 3849)
  "2002::/16", // 6to4: an IPv4 address in disguise (RFC 3056)
  "3ffe::/16", // the 6bone, given back (RFC 3701)
  "3fff::/20", // documentation (RFC 9637)
];

function listOf(ranges: readonly string[]): BlockList {
  const list = new BlockList();
  for (const range of ranges) {
    const [network = "", prefix] = range.split("/");
    list.addSubnet(network, Number(prefix), network.includes(":") ? "ipv6" : "ipv4");
  }
  return list;
}

const publicIpv6 = listOf(PUBLIC_IPV6);
const blocked = listOf([...BLOCKED_IPV4, ...BLOCKED_IPV6]);

/** Whether an address is on the public internet. IPv4 mapped into IPv6 is judged by the IPv4 ranges. */
export function isPublicAddress(address: string): boolean {
  if (isIPv4(address)) return !blocked.check(address, "ipv4");
  return isIPv6(address) && publicIpv6.check(address, "ipv6") && !blocked.check(address, "ipv6");
}

export function addressNotAllowed(): GatewayError {
  return new GatewayError("upstream_unreachable", "the upstream's address is not on the public internet", {
    details: { reason: "address_not_allowed" },
    retryable: false,
  });
}

/** Every address of a name, at once: as `dns.lookup` with `all`. */
type Resolve = (
  hostname: string,
  options: LookupAllOptions,
  done: (error: NodeJS.ErrnoException | null, addresses: LookupAddress[]) => void,
) => void;

/**
 * A lookup that resolves once and fails when any of the addresses is not public, so the address that is connected is
 * the one that was checked.
 */
export const guardLookup =
  (resolve: Resolve): LookupFunction =>
  (hostname, options, callback) => {
    const done = (error: NodeJS.ErrnoException | null, addresses: LookupAddress[]) => {
      const [first] = addresses ?? [];
      if (error || !first) callback(error ?? addressNotAllowed(), "", 4);
      else if (!addresses.every(({ address }) => isPublicAddress(address))) callback(addressNotAllowed(), "", 4);
      else if (options.all) callback(null, addresses);
      else callback(null, first.address, first.family);
    };
    resolve(hostname, { ...options, all: true }, done);
  };

export const publicLookup = guardLookup(lookup);
