/** The response to a scrape. */
export interface MetricsResponse {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** Where the metrics are served. */
export const METRICS_PATH = "/metrics";

/** The page in Prometheus' text format. GET and HEAD only. */
export function createMetricsPage(metrics: { readonly contentType: string; readonly text: () => Promise<string> }) {
  return async ({ method }: { readonly method: string }): Promise<MetricsResponse> => {
    if (method !== "GET" && method !== "HEAD") return { status: 405, headers: { allow: "GET, HEAD" }, body: "" };
    const headers = {
      "content-type": metrics.contentType,
      "cache-control": "no-store",
      "x-content-type-options": "nosniff",
    };
    return { status: 200, headers, body: await metrics.text() };
  };
}
