import { connect as connectPlain, type LookupFunction, type Socket } from "node:net";
import { connect as connectSecure, type SecureContext } from "node:tls";
import type { ReadTurn } from "../../core/stream/read-turn.ts";
import type { RunningTime } from "../policy/running-time.ts";
import type { ReadPace } from "./read-pace.ts";

/** Where the sockets of one route lead, whom they trust, and how long they wait. */
export interface SocketTarget {
  readonly host: string;
  readonly port: number;
  /** Undefined without TLS. `session` is the newest one, which the next connection takes up. */
  readonly tls: { readonly servername: string; readonly trust: SecureContext; session: Buffer | undefined } | undefined;
  readonly lookup: LookupFunction;
  readonly connectMs: number;
  /** How long an idle connection is kept when the upstream does not say for how long it keeps it. */
  readonly keepAliveMs: number;
  readonly time: RunningTime;
  readonly reads: ReadTurn;
  readonly pace: ReadPace;
}

/** When the kernel begins to look whether an idle peer is still there. */
const TCP_KEEP_ALIVE_MS = 60_000;

/** Begins a connection whose reads go into `buffer`; `read` is told how many bytes each brought. */
export function openSocket(target: SocketTarget, buffer: Uint8Array, read: (size: number) => true): Socket {
  const { host, port, tls, lookup } = target;
  const options = {
    host,
    port,
    noDelay: true,
    keepAlive: true,
    keepAliveInitialDelay: TCP_KEEP_ALIVE_MS,
    lookup,
    onread: { buffer, callback: read },
  };
  if (!tls) return connectPlain(options);
  const socket = connectSecure({
    ...options,
    servername: tls.servername,
    ALPNProtocols: ["http/1.1"],
    secureContext: tls.trust,
    // Said so that NODE_TLS_REJECT_UNAUTHORIZED in the environment cannot switch it off.
    rejectUnauthorized: true,
    ...(tls.session && { session: tls.session }),
  });
  socket.on("session", (session) => {
    tls.session = session;
  });
  return socket;
}
