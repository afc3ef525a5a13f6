import { createServer } from "node:http";
import { GatewayError, toGatewayError } from "../../core/kernel/errors.ts";
import type { Observer } from "../../core/ports/observer.ts";
import { checkSource, isAddress, type OriginRules } from "../admit/origin.ts";
import { ALL_FIELDS, limitRequests, listen, SLOW_REQUEST_LIMITS, urlOf } from "./listener.ts";
import { type Page, refusalPage, sendPage } from "./page.ts";
import { checkHead } from "./request-head.ts";
import { pathOf, sourceOf } from "./target.ts";

export interface PageServer {
  readonly url: string;
  close(): Promise<void>;
}

/** Sockets of a page server. Who reads figures needs one or two; beyond these they are closed unanswered. */
export const PAGE_SOCKETS = 64;

/**
 * A listener of its own for one page: no face, no token. What it refuses is told to the observer by its name. Rejects when
 * the address cannot be bound.
 */
export async function startPageServer(parts: {
  readonly host: string;
  readonly port: number;
  readonly path: string;
  readonly name: string;
  readonly observer: Pick<Observer, "refused" | "fault">;
  /** Whom it answers: a name must be allowed; an address needs not, since no page can be re-bound to one. */
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
