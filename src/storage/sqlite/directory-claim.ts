import { randomUUID } from "node:crypto";
import { hostname } from "node:os";
import { isNativeError } from "node:util/types";
import { GatewayError } from "../../core/kernel/errors.ts";
import { makeDirectory } from "./data-directory.ts";
import { alone, holdLock, type Lock, liveInstances } from "./instance-lock.ts";

export interface ClaimOptions {
  readonly directory: string;
  /** Others may be there, and come later. */
  readonly shared: boolean;
  /** Of this process: whom others name to their operators. */
  readonly pid: number;
}

/**
 * Says that this process runs a gateway on the directory, until it is closed or the process ends. Throws
 * `store_unavailable` when another gateway runs there and the directory is not shared, or when it cannot be told.
 */
export function claimDirectory({ directory, shared, pid }: ClaimOptions): Lock {
  try {
    makeDirectory(directory);
    // Two that start at once look one after the other.
    return alone(directory, "start", () => {
      const [other] = shared ? [] : liveInstances(directory, "gateway").held;
      if (other !== undefined) throw inUse(directory, other);
      return holdLock(directory, "gateway", nameOfThisRun(pid));
    });
  } catch (cause) {
    if (cause instanceof GatewayError) throw cause;
    const reason = isNativeError(cause) ? cause.message : String(cause);
    throw new GatewayError("store_unavailable", `the data directory ${directory} cannot be used: ${reason}`, { cause });
  }
}

/** The lock tells who lives; its name tells people whom to look for. In containers process ids are the same, hosts not. */
const nameOfThisRun = (pid: number): string =>
  `${pid}@${hostname()
    .replace(/[^A-Za-z0-9.-]/g, "-")
    .slice(0, 64)}@${randomUUID()}`;

function inUse(directory: string, name: string): GatewayError {
  const [pid, host] = name.split("@");
  return new GatewayError(
    "store_unavailable",
    `the data directory ${directory} is in use by another gateway (pid ${pid} on ${host}): stop that one, give this one ` +
      "another data.directory, or set data.shared to true, and each holds callers to their caps by itself",
  );
}
