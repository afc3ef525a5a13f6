import { connect as connectPlain, type LookupFunction, type Socket } from "node:net";
import { type ConnectionOptions, connect as connectSecure, type SecureContext, type TLSSocket } from "node:tls";
import type { ByteString } from "../../core/kernel/byte-string.ts";
import type { ReadTurn } from "../../core/stream/read-turn.ts";
import type { RunningTime } from "../policy/running-time.ts";
import { READ_BYTES } from "./read-buffers.ts";
import type { ReadPace } from "./read-pace.ts";

/** Whom TLS expects and trusts. `session` is the newest one, which the next connection takes up. */
export interface TlsTarget {
  readonly servername: string;
  readonly trust: SecureContext;
  session: Buffer | undefined;
}

/** The host at the other end of a TCP connection, with TLS or without. */
export interface Peer {
  readonly host: string;
  readonly port: number;
  readonly tls: TlsTarget | undefined;
  /** The system's by default. */
  readonly lookup?: LookupFunction;
}

/** The proxy on the way, and the bytes that ask it for a tunnel. */
export interface ProxyPeer extends Peer {
  readonly request: ByteString;
  /** The route, as errors name it. */
  readonly route: string;
}

/** Where the sockets of one route lead, whom they trust, and how long they wait. */
export interface SocketTarget extends Peer {
  readonly proxy: ProxyPeer | undefined;
  readonly connectMs: number;
  /** How long an idle connection is kept when the upstream does not say for how long it keeps it. */
  readonly keepAliveMs: number;
  readonly time: RunningTime;
  readonly reads: ReadTurn;
  readonly pace: ReadPace;
}

/** When the kernel begins to look whether an idle peer is still there. */
const TCP_KEEP_ALIVE_MS = 60_000;

/**
 * All sockets read into this buffer: each read is copied out of it before the next one. So no read allocates a buffer, and
 * none waits in a stream (figures: bench/README.md).
 */
const READ_BUFFER = Buffer.allocUnsafeSlow(READ_BYTES);

/**
 * Begins a connection whose reads are handed to `read`, as the first `size` bytes of a buffer that the next read overwrites, or
 * arrive as events without it.
 */
export function openSocket({ host, port, tls, lookup }: Peer, read?: (buffer: Buffer, size: number) => true): Socket {
  const onread = read && {
    buffer: READ_BUFFER,
    callback: (size: number): true => read(READ_BUFFER, size),
  };
  const options = {
    host,
    port,
    noDelay: true,
    keepAlive: true,
    keepAliveInitialDelay: TCP_KEEP_ALIVE_MS,
    ...(lookup && { lookup }),
    ...(onread && { onread }),
  };
  return tls ? secured(tls, options) : connectPlain(options);
}

/** Begins TLS, over a new connection or in an existing one. */
export function secured(tls: TlsTarget, over: ConnectionOptions): TLSSocket {
  const socket = connectSecure({
    ...over,
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
