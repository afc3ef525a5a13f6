import type { LookupAddress, LookupAllOptions } from "node:dns";
import { lookup } from "node:dns";
import type { LookupFunction } from "node:net";
import { BlockList, isIP } from "node:net";
import { GatewayError } from "../core/errors.ts";

/** What is not the public internet: the special-purpose registries of IANA (RFC 6890), and addresses of metadata services. */
const BLOCKED_IPV4 = [
  "0.0.0.0/8", // this network
  "10.0.0.0/8", // private
  "100.64.0.0/10", // carrier-grade NAT; Alibaba's metadata
  "127.0.0.0/8", // loopback
  "168.63.129.16/32", // Azure's host
  "169.254.0.0/16", // link-local; the metadata service of most clouds
  "172.16.0.0/12", // private
  "192.0.0.0/24", // protocol assignments; Oracle's metadata
  "192.0.2.0/24", // documentation
  "192.88.99.0/24", // 6to4 relays
  "192.168.0.0/16", // private
  "198.18.0.0/15", // benchmarking
  "198.51.100.0/24", // documentation
  "203.0.113.0/24", // documentation
  "224.0.0.0/4", // multicast
  "240.0.0.0/4", // reserved, broadcast
];
const BLOCKED_IPV6 = [
  "::/96", // unspecified, loopback, IPv4-compatible
  "64:ff9b::/96", // NAT64: an IPv4 address in disguise
  "64:ff9b:1::/48", // local NAT64
  "100::/64", // discard
  "2001::/23", // protocol assignments, Teredo
  "2001:db8::/32", // documentation
  "2002::/16", // 6to4
  "fc00::/7", // unique local; Amazon's metadata
  "fe80::/10", // link-local
  "fec0::/10", // site-local
  "ff00::/8", // multicast
];

const blocked = new BlockList();
for (const [list, family] of [[BLOCKED_IPV4, "ipv4"] as const, [BLOCKED_IPV6, "ipv6"] as const]) {
  for (const range of list) {
    const [network = "", prefix] = range.split("/");
    blocked.addSubnet(network, Number(prefix), family);
  }
}

/** Whether an address is on the public internet. IPv4 mapped into IPv6 is judged by the IPv4 ranges. */
export function isPublicAddress(address: string): boolean {
  const version = isIP(address);
  return version !== 0 && !blocked.check(address, version === 6 ? "ipv6" : "ipv4");
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
