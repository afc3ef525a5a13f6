import { failure } from "./error.ts";

/** What a socket's events may hold. */
interface SocketEvent {
  readonly type?: string;
  readonly data?: unknown;
  readonly code?: number;
  readonly reason?: string;
}

/** The part of a WebSocket that the client uses: a browser's, Node's, or that of the package `ws`. */
export interface SocketLike {
  send(text: string): void;
  close(): void;
  /** Ends it without the other side: only the package `ws` can. */
  terminate?(): void;
  addEventListener(type: string, listener: (event: SocketEvent) => void): void;
}

/** A WebSocket class. */
export type SocketClass = new (url: string, protocols: string[]) => SocketLike;

/** Time and chance, so that tests can move them. */
export interface Clock {
  /** Monotonic, in milliseconds. */
  now(): number;
  /** Runs once after so many milliseconds; the result stops it. */
  after(ms: number, run: () => void): () => void;
  /** From 0 to 1. */
  random(): number;
}

/** The time of the machine. */
export const systemClock: Clock = {
  now: () => performance.now(),
  after(ms, run) {
    const timer = setTimeout(run, ms);
    return () => clearTimeout(timer);
  },
  random: () => Math.random(),
};

/** The machine's own WebSocket. Throws `unsupported` where there is none, as on Node 20. */
export function ownSocketClass(): SocketClass {
  const { WebSocket } = globalThis as { readonly WebSocket?: SocketClass };
  if (WebSocket) return WebSocket;
  throw failure(
    "unsupported",
    "there is no WebSocket here (Node has one from 22 on): npm install ws, and connect({ WebSocket }) with its class",
  );
}

/** So many random bytes in hexadecimal. Unlike `randomUUID`, this works in pages without TLS, too. */
export const randomHex = (bytes: number): string =>
  Array.from(crypto.getRandomValues(new Uint8Array(bytes)), (byte) => byte.toString(16).padStart(2, "0")).join("");

/** The address of the stream face at a gateway's address, which may have a path before it, or be relative to a page. */
export function streamAddress(address: string): string {
  const { location } = globalThis as { readonly location?: { readonly href: string } };
  const url = new URL(address, location?.href);
  url.protocol = url.protocol.replace("http", "ws");
  url.hash = "";
  if (!url.pathname.endsWith("/v1/stream")) url.pathname = `${url.pathname.replace(/\/$/, "")}/v1/stream`;
  return url.href;
}

/** The subprotocol that carries a token, because browsers cannot set headers. It is never echoed. */
export function tokenProtocol(token: string): string {
  const bytes = String.fromCharCode(...new TextEncoder().encode(token));
  return `base64url.bearer.sluice.${btoa(bytes).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "")}`;
}
