import { randomUUID } from "node:crypto";
import { hostname } from "node:os";
import { isNativeError } from "node:util/types";
import { GatewayError } from "../../core/kernel/errors.ts";
import { makeDirectory } from "./data-directory.ts";
import { alone, holdLock, type Lock, liveInstances } from "./instance-lock.ts";

/** A claim on a data directory. */
export interface ClaimOptions {
  readonly directory: string;
  /** Other gateways may use the directory too. */
  readonly shared: boolean;
  /** This process's id, named in the error other gateways report. */
  readonly pid: number;
  /** What to do if another gateway holds it; by default what a gateway that starts can do. */
  readonly cure?: string | undefined;
}

const CURE =
  "stop it, set another data.directory, or set data.shared to true, and then each gateway enforces caps on its own";

/**
 * Claims the directory for this gateway until the lock is closed or the process ends. Throws `store_unavailable` when
 * another gateway holds it and it is not shared, or when the locks cannot be checked.
 */
export function claimDirectory({ directory, shared, pid, cure = CURE }: ClaimOptions): Lock {
  try {
    makeDirectory(directory);
    // Gateways that start at the same time check one after the other.
    return alone(directory, "start", () => {
      const [other] = shared ? [] : liveInstances(directory, "gateway").held;
      if (other !== undefined) throw inUse(directory, other, cure);
      return holdLock(directory, "gateway", nameOfThisRun(pid));
    });
  } catch (cause) {
    if (cause instanceof GatewayError) throw cause;
    const reason = isNativeError(cause) ? cause.message : String(cause);
    throw new GatewayError("store_unavailable", `the data directory ${directory} cannot be used: ${reason}`, { cause });
  }
}

/** Names the lock for people: pid and host, because process ids repeat across containers. */
const nameOfThisRun = (pid: number): string => `${pid}@${hostOfRun(hostname())}@${randomUUID()}`;

/** A host's name as the names of its runs have it: `pid@host@id`. */
export const hostOfRun = (host: string): string => host.replace(/[^A-Za-z0-9.-]/g, "-").slice(0, 64);

function inUse(directory: string, name: string, cure: string): GatewayError {
  const [pid, host] = name.split("@");
  return new GatewayError(
    "store_unavailable",
    `the data directory ${directory} is in use by another gateway (pid ${pid} on ${host}): ${cure}`,
  );
}
