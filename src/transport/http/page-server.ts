import { createServer } from "node:http";
import { GatewayError, toGatewayError } from "../../core/kernel/errors.ts";
import type { Observer } from "../../core/ports/observer.ts";
import { checkSource, isAddress, type OriginRules } from "../admit/origin.ts";
import { ALL_FIELDS, limitRequests, listen, SLOW_REQUEST_LIMITS, urlOf } from "./listener.ts";
import { type Page, refusalPage, sendPage } from "./page.ts";
import { checkHead } from "./request-head.ts";
import { pathOf, sourceOf } from "./target.ts";

/** A running page server. */
export interface PageServer {
  readonly url: string;
  close(): Promise<void>;
}

/** Sockets of a page server; further ones are closed at once. A scraper needs one or two. */
export const PAGE_SOCKETS = 64;

/**
 * Serves one page on a listener of its own, without a token. Refusals are reported to the observer under `name`. Rejects if
 * the address cannot be bound.
 */
export async function startPageServer(parts: {
  readonly host: string;
  readonly port: number;
  readonly path: string;
  readonly name: string;
  readonly observer: Pick<Observer, "refused" | "fault">;
  /** Host names must be allowed; addresses need not be, since DNS rebinding needs a name. */
  readonly origins: OriginRules;
  readonly page: (request: { readonly method: string }) => Promise<Page>;
}): Promise<PageServer> {
  const { observer, name: where } = parts;
  const refused = ({ code, cause }: GatewayError, remoteAddress = "") => {
    if (code === "internal") observer.fault(cause, where);
    observer.refused({ code, remoteAddress, where });
  };
  const server = createServer(
    SLOW_REQUEST_LIMITS,
    limitRequests(async (request, response) => {
      const { method = "GET" } = request;
      const headers = sourceOf(request);
      let page = refusalPage(new GatewayError("not_found"));
      try {
        checkHead(request);
        if (headers.origin !== undefined || !isAddress(headers.host)) checkSource(headers, parts.origins);
        if (pathOf(request) === parts.path) page = await parts.page({ method });
      } catch (error) {
        const refusal = toGatewayError(error);
        refused(refusal, request.socket.remoteAddress);
        page = refusalPage(refusal);
      }
      sendPage(request, response, page);
    }),
  );
  server.maxHeadersCount = ALL_FIELDS;
  server.maxConnections = PAGE_SOCKETS;
  server.on("drop", (dropped) => refused(new GatewayError("overloaded"), dropped?.remoteAddress));
  await listen(server, parts);
  return {
    url: urlOf(server),
    close() {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      server.closeAllConnections();
      return closed;
    },
  };
}
