import type { Stream } from "../../core/stream/stream.ts";

/** Fields about a retry. In a refusal they follow from the error, which may be another one than the provider's. */
const RETRY = new Set(["retry-after", "retry-after-ms", "x-should-retry"]);

/** The headers that tell a client which stream a response belongs to, and what the provider's own response said in its head. */
export function responseHeaders({ info, providerHead }: Stream): Record<string, string> {
  const requestId = providerHead?.requestId;
  return {
    ...providerHead?.headers,
    "x-sluice-stream": info.id,
    ...(requestId !== undefined && { "x-sluice-upstream-request-id": requestId }),
  };
}

/** The same for a refusal. */
export const refusalHeaders = (stream: Stream): Record<string, string> =>
  Object.fromEntries(Object.entries(responseHeaders(stream)).filter(([name]) => !RETRY.has(name)));
