import type { Socket } from "node:net";
import { TLSSocket } from "node:tls";
import type { ByteString } from "../../core/kernel/byte-string.ts";
import { GatewayError } from "../../core/kernel/errors.ts";
import { openSocket, type ProxyPeer } from "./open-socket.ts";
import { noProxy, proxyRefusal, proxySilent, proxyUnreachable } from "./proxy-error.ts";
import { readHead } from "./response-head.ts";

/** Limit for the heads of a proxy's answer, interim ones included; that of an upstream's. */
const MAX_HEAD_BYTES = 16_384;
const VERSION = "HTTP/1.";
const HEAD_END = "\r\n\r\n";

/** Hears how a tunnel ends up: one of the two, unless its socket is destroyed before. */
export interface TunnelOwner {
  /** The socket leads to the upstream now. Its reads arrive as events; none has been lost. */
  opened(socket: Socket): void;
  /** There is no tunnel; the socket is destroyed. */
  notOpened(error: GatewayError): void;
}

/** Connects a proxy and asks it for a tunnel (CONNECT: RFC 9110, section 9.3.6). Returns the socket to destroy instead. */
export function openTunnel(proxy: ProxyPeer, owner: TunnelOwner): Socket {
  const { route } = proxy;
  const socket = openSocket(proxy);
  let unread: ByteString = "";
  let error: GatewayError | undefined;

  const leave = () => {
    socket.off("data", read).off("end", ended).off("close", closed);
  };
  const fail = (failure: GatewayError) => {
    leave();
    socket.destroy();
    owner.notOpened(failure);
  };
  const read = (bytes: Buffer) => {
    unread += bytes.toString("latin1");
    try {
      const end = endOf(unread, route);
      if (end === undefined) return;
      leave();
      // An upstream that speaks before it is asked: what reads next decides about it.
      if (end < unread.length) socket.unshift(Buffer.from(unread.slice(end), "latin1"));
      owner.opened(socket);
    } catch (failure) {
      // Whatever is wrong with its HTTP says the same: no proxy stands there.
      fail(failure instanceof GatewayError && failure.code === "upstream_unreachable" ? failure : noProxy(route));
    }
  };
  const ended = () => fail(proxySilent(route, "closed the connection before it opened a tunnel"));
  const closed = () => fail(error ?? proxySilent(route, "closed the connection before it opened a tunnel"));

  socket.once(proxy.tls ? "secureConnect" : "connect", () => void socket.write(proxy.request, "latin1"));
  // Stays: an error of the connection below TLS is reported twice.
  socket.on("error", (cause) => {
    const isTrusted = !(socket instanceof TLSSocket && socket.authorizationError);
    error = proxyUnreachable(route, "code" in cause ? String(cause.code) : "unknown", isTrusted);
  });
  return socket.on("data", read).on("end", ended).on("close", closed);
}

/** Where the answer ends that opens the tunnel; undefined while it is not there. Throws what it means when it never will. */
function endOf(unread: ByteString, route: string): number | undefined {
  let at = 0;
  for (;;) {
    const end = unread.indexOf(HEAD_END, at);
    if ((end < 0 ? unread.length : end) > MAX_HEAD_BYTES) throw noProxy(route);
    if (end < 0 && !VERSION.startsWith(unread.slice(at, at + VERSION.length))) throw noProxy(route);
    if (end < 0) return undefined;
    const { status } = readHead(unread.slice(at, end));
    at = end + HEAD_END.length;
    if (status < 200) continue;
    if (status >= 300) throw proxyRefusal(route, status);
    return at;
  }
}
