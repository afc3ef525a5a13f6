import { isIP } from "node:net";
import type { Config } from "../config/schema.ts";
import { AddressGuard } from "../upstream/policy/address-guard.ts";

/** Names that no public DNS holds: one label, and suffixes kept for private use (RFC 6762, RFC 8375, ICANN's .internal). */
const PRIVATE_NAME = /^(?:[^.]+|.+\.(?:local|internal|lan|intranet|home\.arpa))$/i;

type Routes = Pick<Config, "routes">;

/** A route's host, and what the configuration allows it. */
function placesOf({ routes }: Routes) {
  return Object.entries(routes).map(([name, { baseUrl, allowPrivateNetwork, proxy = "none" }]) => {
    const host = (URL.parse(baseUrl)?.hostname ?? "").replace(/^\[(.*)\]$/, "$1");
    // A proxy resolves the name itself.
    const isOurs = proxy === "none";
    const isPrivateName = isOurs && isIP(host) === 0 && allowPrivateNetwork === false && PRIVATE_NAME.test(host);
    return { name, host, allowPrivateNetwork, isPrivateName, isOurs };
  });
}

/** Routes of the configuration whose address cannot be called, or hardly: what each of its calls would say, a sentence each. */
export function unreachableRoutes(config: Routes): readonly string[] {
  return placesOf(config).flatMap(({ name, host, allowPrivateNetwork, isPrivateName }) => {
    const key = `routes.${name}.allowPrivateNetwork`;
    if (isPrivateName) {
      const what = `${host} is a name of a private network, whose addresses are refused`;
      return [`routes.${name}.baseUrl: ${what}; to allow them, set ${key} to true`];
    }
    const refusal = isIP(host) === 0 ? undefined : new AddressGuard(name, allowPrivateNetwork).refusalOf(host);
    return refusal ? [`routes.${name}.baseUrl: ${refusal.message}`] : [];
  });
}

/**
 * The same for routes whose name leads to a refused address, which only a lookup tells. `resolve` gives a name's addresses
 * and may reject: a name that cannot be resolved now is not warned of. One lookup at a time, as each takes a thread.
 */
export async function* routesToRefusedAddresses(
  config: Routes,
  resolve: (name: string) => Promise<readonly string[]>,
): AsyncGenerator<string> {
  for (const { name, host, allowPrivateNetwork, isPrivateName, isOurs } of placesOf(config)) {
    if (!isOurs || host === "" || isIP(host) !== 0 || isPrivateName || allowPrivateNetwork === true) continue;
    const addresses = await resolve(host).catch(() => []);
    const guard = new AddressGuard(name, allowPrivateNetwork);
    const refusal = addresses.map((address) => guard.refusalOf(address)).find((found) => found);
    if (refusal) yield `routes.${name}.baseUrl: ${host}: ${refusal.message}`;
  }
}
