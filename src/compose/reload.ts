import { ConfigError } from "../config/config-error.ts";
import type { Config } from "../config/schema.ts";
import { GatewayError } from "../core/kernel/errors.ts";
import type { Targets } from "../core/targets/targets.ts";
import type { Log } from "../observe/log.ts";
import type { Upstream } from "../upstream/upstream.ts";
import type { CurrentConfig, Reloaded } from "./current-config.ts";

/** A refused reload: nothing has changed. `refused` says why, and quotes no value of the file. */
export interface Refused {
  readonly refused: string;
}

/** Loads the configuration again, puts into effect what may change, and logs the outcome. Never throws. */
export function reload(
  load: () => Config,
  current: CurrentConfig,
  upstream: Upstream,
  targets: Pick<Targets, "follow">,
  log: Pick<Log, "reloaded" | "reloadRefused" | "observer">,
): Reloaded | Refused {
  try {
    const changes = current.replace(load(), upstream);
    targets.follow(current.routing.models);
    log.reloaded(changes);
    return changes;
  } catch (error) {
    const isKnown = error instanceof ConfigError || error instanceof GatewayError;
    if (!isKnown) log.observer.fault(error, "reload");
    const refused = isKnown ? error.message : "a fault in the gateway; its log says more";
    log.reloadRefused(refused);
    return { refused };
  }
}
