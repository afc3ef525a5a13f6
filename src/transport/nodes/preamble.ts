import { timingSafeEqual } from "node:crypto";

/** How a node is reached by the others. */
export interface NodeAddress {
  readonly host: string;
  readonly port: number;
  /** Proves to it that a node of its cluster asks: 32 random bytes in hexadecimal digits. */
  readonly secret: string;
}

/** A node that serves clients of others. */
export interface ServingNode extends NodeAddress {
  /** Aborted when it serves them no longer, whether it knows that or not. */
  readonly ended: AbortSignal;
}

/** The first line of a connection between nodes: the secret, and the address of the client whose bytes follow. */
export const preamble = ({ secret }: NodeAddress, clientAddress: string): string =>
  `SLUICE ${secret} ${clientAddress}\r\n`;

/** A secret, and the longest address in text form with its zone. */
export const MAX_PREAMBLE_BYTES = 256;

const LINE = /^SLUICE ([0-9a-f]{64}) ([0-9A-Za-z:.%_-]*)\r?$/;

/** The client's address in a first line; undefined if the line is none, or has another secret. */
export function readPreamble(line: string, secret: string): string | undefined {
  const [, shown, address] = LINE.exec(line) ?? [];
  if (shown === undefined || !timingSafeEqual(Buffer.from(shown), Buffer.from(secret))) return undefined;
  return address;
}
