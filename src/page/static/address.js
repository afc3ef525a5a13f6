// @ts-check
/** Where the gateway is, seen from this page: a proxy may serve both below a path. */

/** `http(s)://host[:port]` with the page's own folder, without a slash at its end. */
export const httpBase = () => new URL(".", document.baseURI).href.replace(/\/$/, "");

/** The same for WebSockets. */
export const webSocketBase = () => httpBase().replace(/^http/, "ws");
