import { type LookupAddress, type LookupAllOptions, lookup } from "node:dns";
import type { LookupFunction } from "node:net";
import { GatewayError } from "../../core/kernel/errors.ts";
import { behindNat64, holds, isPublicAddress, networkList, specialNetworkOf } from "./special-addresses.ts";

/** Which addresses besides public ones a route may call: all (`true`), none (`false`), or those of these networks. */
export type PrivateNetworks = boolean | readonly string[];

/** Every address of a name, at once: as `dns.lookup` with `all`. */
type Resolve = (
  hostname: string,
  options: LookupAllOptions,
  done: (error: NodeJS.ErrnoException | null, addresses: LookupAddress[]) => void,
) => void;

/** Decides which addresses one route may call. A refusal names the configuration key that can allow the address. */
export class AddressGuard {
  readonly #route: string;
  /** The networks that are allowed already. */
  readonly #allowed: readonly string[];
  readonly #isAllowed: (address: string) => boolean;

  /** `route` is the route's name in the configuration. */
  constructor(route: string, allowed: PrivateNetworks) {
    // Further keys of a route are routes of their own, named house#2.
    this.#route = route.replace(/#\d+$/, "");
    this.#allowed = typeof allowed === "boolean" ? [] : allowed;
    const list = networkList(this.#allowed);
    const isAllowed = (address: string): boolean => {
      if (allowed === true || isPublicAddress(address)) return true;
      // Allowing a NAT64 prefix must not open the private networks behind the translator.
      const translated = behindNat64(address);
      return holds(list, address) && (translated === undefined || isAllowed(translated));
    };
    this.#isAllowed = isAllowed;
  }

  /** Why an address may not be called (`upstream_not_allowed`), with the value that allows it; undefined if it may. */
  refusalOf(address: string): GatewayError | undefined {
    if (this.#isAllowed(address)) return undefined;
    const network = specialNetworkOf(address);
    const where = network === undefined ? "" : ` (it is in ${network})`;
    const setting = `routes.${this.#route}.allowPrivateNetwork`;
    const value = JSON.stringify(this.#leaveFor(address));
    const message = `the upstream's address is not on the public internet${where}; to allow it, set ${setting} to ${value}`;
    return new GatewayError("upstream_not_allowed", message, {
      details: { reason: "address_not_allowed", setting, ...(network !== undefined && { network }) },
    });
  }

  /** The value of `allowPrivateNetwork` that allows this address too. A range rather than an address: clients read it. */
  #leaveFor(address: string): readonly string[] {
    const translated = behindNat64(address);
    const needed = [address, ...(translated === undefined ? [] : [translated])]
      .filter((each) => !isPublicAddress(each))
      .map((each) => specialNetworkOf(each) ?? each);
    return [...new Set([...this.#allowed, ...needed])];
  }

  /**
   * A lookup that resolves once and fails when any of the addresses is not allowed, so that the address that is
   * connected is one that was checked.
   */
  lookup(resolve: Resolve = lookup): LookupFunction {
    return (hostname, options, callback) => {
      resolve(hostname, { ...options, all: true }, (error, addresses) => {
        const [first] = addresses ?? [];
        const refusal = (addresses ?? []).map(({ address }) => this.refusalOf(address)).find((found) => found);
        if (error) callback(error, "", 4);
        else if (refusal) callback(refusal, "", 4);
        else if (!first) callback(new GatewayError("upstream_unreachable"), "", 4);
        else if (options.all) callback(null, addresses);
        else callback(null, first.address, first.family);
      });
    };
  }
}
