import { randomUUID } from "node:crypto";
import { hostname } from "node:os";
import { isNativeError } from "node:util/types";
import { GatewayError } from "../../core/kernel/errors.ts";
import { cureOf, differenceOf } from "../sharing/cluster-difference.ts";
import { makeDirectory } from "./data-directory.ts";
import { alone, holdLock, type Lock, liveInstances } from "./instance-lock.ts";

/** A claim on a data directory. */
export interface ClaimOptions {
  readonly directory: string;
  /** Other gateways may use the directory too. */
  readonly shared: boolean;
  /** This process's id, named in the error other gateways report. */
  readonly pid: number;
  /** `cluster.redis.prefix` of a node: the nodes of one cluster alone may share a directory. */
  readonly prefix?: string | undefined;
  /** What to do if another gateway holds it; by default what a gateway that starts can do. */
  readonly cure?: string | undefined;
}

const CURE =
  "stop it, set another data.directory, or set data.shared to true, and then each gateway enforces caps on its own";

/**
 * Claims the directory for this gateway until the lock is closed or the process ends. Throws `store_unavailable` when
 * another gateway holds it and it is not shared, when a node of another cluster holds it, or when the locks cannot be checked.
 */
export function claimDirectory({ directory, shared, pid, prefix = "", cure = CURE }: ClaimOptions): Lock {
  try {
    makeDirectory(directory);
    // Gateways that start at the same time check one after the other.
    return alone(directory, "start", () => {
      const { held } = liveInstances(directory, "gateway");
      const [other] = held;
      if (other !== undefined && !shared) throw inUse(directory, other, cure);
      const apart = held.map(prefixOf).find((each) => each !== undefined && each !== prefix);
      if (apart !== undefined) throw apartFrom(directory, prefix, apart);
      return holdLock(directory, "gateway", nameOfThisRun(pid, prefix));
    });
  } catch (cause) {
    if (cause instanceof GatewayError) throw cause;
    const reason = isNativeError(cause) ? cause.message : String(cause);
    throw new GatewayError("store_unavailable", `the data directory ${directory} cannot be used: ${reason}`, { cause });
  }
}

/**
 * Names the lock for people: pid and host, because process ids repeat across containers; and the prefix of its cluster, which is
 * empty without one.
 */
const nameOfThisRun = (pid: number, prefix: string): string =>
  `${pid}@${hostOfRun(hostname())}@${randomUUID()}@${prefix}`;

/** Undefined for a gateway of an earlier version, which did not tell. */
const prefixOf = (name: string): string | undefined => name.split("@")[3];

/** A host's name as the names of its runs have it: `pid@host@id@prefix`. */
export const hostOfRun = (host: string): string => host.replace(/[^A-Za-z0-9.-]/g, "-").slice(0, 64);

function inUse(directory: string, name: string, cure: string): GatewayError {
  const [pid, host] = name.split("@");
  return new GatewayError(
    "store_unavailable",
    `the data directory ${directory} is in use by another gateway (pid ${pid} on ${host}): ${cure}`,
  );
}

/** The same words as for a schema of PostgreSQL (`ClusterClaim`). */
function apartFrom(directory: string, mine: string, other: string): GatewayError {
  return new GatewayError(
    "store_unavailable",
    `${differenceOf(mine, other)} runs on the same data.directory (${directory}): ${cureOf("data.directory")}`,
  );
}
