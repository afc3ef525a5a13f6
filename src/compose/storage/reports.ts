import { GatewayError } from "../../core/kernel/errors.ts";
import type { Observer } from "../../core/ports/observer.ts";
import type { Log } from "../../observe/log.ts";
import { combine } from "../../observe/observers.ts";
import type { StorageOptions } from "./storage.ts";

/** Where the gateway reports, and where its store does. */
export interface Reports {
  readonly observer: Observer;
  readonly store: Pick<StorageOptions, "news" | "outage" | "fault">;
}

/**
 * The log with other observers. An outage of the store is told once, when it begins and when it ends: what fails by it meanwhile,
 * wherever that is noticed, is no fault of the gateway.
 */
export function connectReports(log: Log, ...others: readonly Partial<Observer>[]): Reports {
  const all = combine(log.observer, ...others);
  let isAway = false;
  return {
    observer: {
      ...all,
      fault(error, where) {
        if (!isAway || !isOfStore(error)) all.fault(error, where);
      },
    },
    store: {
      news: log.ledger,
      outage(outage) {
        isAway = outage.kind === "away";
        log.store(outage);
      },
      fault: (error) => all.fault(error, "store"),
    },
  };
}

const isOfStore = (error: unknown): boolean =>
  error instanceof GatewayError && (error.code === "store_unavailable" || error.code === "ledger_unavailable");
