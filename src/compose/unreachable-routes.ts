import { isIP } from "node:net";
import type { Config } from "../config/schema.ts";
import { AddressGuard } from "../upstream/policy/address-guard.ts";

/** Names that no public DNS holds: one label, and suffixes kept for private use (RFC 6762, RFC 8375, ICANN's .internal). */
const PRIVATE_NAME = /^(?:[^.]+|.+\.(?:local|internal|lan|intranet|home\.arpa))$/i;

/** Routes of the configuration whose address cannot be called, or hardly: what each of its calls would say, a sentence each. */
export function unreachableRoutes({ routes }: Pick<Config, "routes">): readonly string[] {
  return Object.entries(routes).flatMap(([name, { baseUrl, allowPrivateNetwork, proxy = "none" }]) => {
    const host = (URL.parse(baseUrl)?.hostname ?? "").replace(/^\[(.*)\]$/, "$1");
    if (isIP(host) !== 0) {
      const refusal = new AddressGuard(name, allowPrivateNetwork).refusalOf(host);
      return refusal ? [`routes.${name}.baseUrl: ${refusal.message}`] : [];
    }
    // A proxy resolves the name itself.
    return proxy === "none" && allowPrivateNetwork === false && PRIVATE_NAME.test(host)
      ? [
          `routes.${name}.baseUrl: ${host} is a name of a private network, whose addresses are refused; routes.${name}.allowPrivateNetwork can allow them`,
        ]
      : [];
  });
}
