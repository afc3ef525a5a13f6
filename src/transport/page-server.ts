import { createServer } from "node:http";
import { GatewayError, toGatewayError } from "../core/errors.ts";
import { type Page, refusalPage, sendPage } from "./answer.ts";
import { limitRequests, listen, SLOW_REQUEST_LIMITS, urlOf } from "./listener.ts";
import { checkSource, isAddress, type OriginRules } from "./origin.ts";
import { pathOf } from "./target.ts";

export interface PageServer {
  readonly url: string;
  close(): Promise<void>;
}

/** A listener of its own for one page: no face, no token. Rejects when the address cannot be bound. */
export async function startPageServer(parts: {
  readonly host: string;
  readonly port: number;
  readonly path: string;
  /** Whom it answers: a name must be allowed; an address needs not, since no page can be re-bound to one. */
  readonly origins: OriginRules;
  readonly page: (request: { readonly method: string }) => Promise<Page>;
}): Promise<PageServer> {
  const server = createServer(
    SLOW_REQUEST_LIMITS,
    limitRequests(async (request, response) => {
      const { method = "GET", headers } = request;
      let page = refusalPage(new GatewayError("not_found"));
      try {
        if (headers.origin !== undefined || !isAddress(headers.host)) checkSource(headers, parts.origins);
        if (pathOf(request) === parts.path) page = await parts.page({ method });
      } catch (error) {
        page = refusalPage(toGatewayError(error));
      }
      sendPage(request, response, page);
    }),
  );
  server.maxHeadersCount = 64;
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
