import { isNativeError } from "node:util/types";
import { GatewayError } from "../core/kernel/errors.ts";
import { asObject, asString } from "../core/kernel/json.ts";
import { readFault } from "../observe/fault-fields.ts";

/** Codes of the operating system at listening, and what to do about them. */
const LISTEN_FAILURES: Readonly<Record<string, (host: string, port: number) => string>> = {
  EADDRINUSE: (_, port) => `port ${port} is in use: set SLUICE_PORT or --port to another one, or to 0 for any free one`,
  EACCES: (_, port) => `port ${port} may not be used by this user: set SLUICE_PORT or --port to one above 1023`,
  EADDRNOTAVAIL: (host) => `${host} is no address of this machine: set SLUICE_HOST or --host to one that is`,
  ENOTFOUND: (host) => `${host} is no known host name: set SLUICE_HOST or --host to another one`,
};

/** Why the gateway did not start or not end well, in a line for its operator. */
export function describeStartFailure(error: unknown, listen: { readonly host: string; readonly port: number }): string {
  const known = asObject(error)?.syscall && LISTEN_FAILURES[codeOf(error)];
  if (known) return known(listen.host, listen.port);
  return error instanceof GatewayError ? error.message : describeFault(error);
}

/** A fault of our own: where it happened, without its message, which may quote what passes through. */
export function describeFault(error: unknown): string {
  if (!isNativeError(error)) return "a fault without a trace";
  const { name, systemCode = "", frames } = readFault(error);
  return [`a fault in the gateway: ${name} ${systemCode}`.trim(), ...frames.map((frame) => `    at ${frame}`)].join(
    "\n",
  );
}

/** The platform's name of a failure, such as EADDRINUSE; empty when it has none. */
const codeOf = (error: unknown): string => asString(asObject(error)?.code) ?? "";
