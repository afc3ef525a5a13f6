import { isNativeError } from "node:util/types";
import { GatewayError } from "../core/kernel/errors.ts";
import { asObject, asString } from "../core/kernel/json.ts";
import { readFault } from "../observe/fault-fields.ts";
import { WorkerFailure } from "../workers/worker-failure.ts";

/** What to do about the operating system's codes for a failed listen. */
const LISTEN_FAILURES: Readonly<Record<string, (host: string, port: number) => string>> = {
  EADDRINUSE: (_, port) =>
    `port ${port} is in use: set SLUICE_PORT or --port to another one, or to 0 for any free port`,
  EACCES: (_, port) => `this user may not use port ${port}: set SLUICE_PORT or --port to one above 1023`,
  EADDRNOTAVAIL: (host) => `${host} is not an address of this machine: set SLUICE_HOST or --host to one that is`,
  ENOTFOUND: (host) => `${host} is an unknown host name: set SLUICE_HOST or --host to another one`,
};

/** Why the gateway did not start or stop cleanly, in one line for its operator. */
export function describeStartFailure(error: unknown, listen: { readonly host: string; readonly port: number }): string {
  const known = asObject(error)?.syscall && LISTEN_FAILURES[codeOf(error)];
  if (known) return known(listen.host, listen.port);
  return error instanceof GatewayError || error instanceof WorkerFailure ? error.message : describeFault(error);
}

/** A fault of the gateway: its stack frames without its message, which may quote a prompt. */
export function describeFault(error: unknown): string {
  if (!isNativeError(error)) return "a fault without a trace";
  const { name, systemCode = "", frames } = readFault(error);
  return [`a fault in the gateway: ${name} ${systemCode}`.trim(), ...frames.map((frame) => `    at ${frame}`)].join(
    "\n",
  );
}

/** The platform's code of a failure, such as EADDRINUSE, or an empty string. */
const codeOf = (error: unknown): string => asString(asObject(error)?.code) ?? "";
