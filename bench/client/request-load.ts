import autocannon from "autocannon";
import { Histogram, type HistogramData } from "../figures/histogram.ts";
import { nowUs } from "../payload/clock.ts";
import type { Target } from "./job.ts";
import type { Announce } from "./load.ts";
import { SluiceSocket } from "./sluice-socket.ts";

const CONNECTIONS = 10;
const SECOND_US = 1e6;
/** Sluice allows 100 requests per connection, so new connections are part of the work. */
const REQUESTS_PER_CONNECTION = 100;

export interface RequestJob {
  readonly target: Target;
  /** The HTTP path to request, or undefined for WebSocket handshakes. */
  readonly path: string | undefined;
  readonly windowMs: number;
}

export interface RequestResult {
  readonly requests: number;
  readonly windowUs: number;
  readonly failed: number;
  readonly latency: HistogramData;
}

/** Repeats requests on a few connections, each as soon as the previous answer came: the gateway's maximum rate. */
export async function loadRequests(job: RequestJob, announce: Announce): Promise<RequestResult> {
  announce("window-opened");
  const startedUs = nowUs();
  const result = job.path === undefined ? await shakeHands(job) : await askPath(job, job.path);
  const windowUs = nowUs() - startedUs;
  announce("window-closed");
  return { ...result, windowUs };
}

async function askPath({ target, windowMs }: RequestJob, path: string): Promise<Omit<RequestResult, "windowUs">> {
  const { protocol, host } = new URL(target.url);
  const url = `${protocol === "wss:" || protocol === "https:" ? "https" : "http"}://${host}${path}`;
  const result = await autocannon({
    url,
    connections: CONNECTIONS,
    duration: windowMs / 1000,
    reconnectRate: REQUESTS_PER_CONNECTION,
  });
  // autocannon measures whole milliseconds, too coarse for these answers.
  const latency = new Histogram().toData();
  return { requests: result["2xx"], failed: result.non2xx + result.errors, latency };
}

async function shakeHands({ target, windowMs }: RequestJob): Promise<Omit<RequestResult, "windowUs">> {
  const latency = new Histogram();
  const endUs = nowUs() + (windowMs / 1000) * SECOND_US;
  let failed = 0;
  const again = async () => {
    while (nowUs() < endUs) {
      const startedUs = nowUs();
      try {
        const socket = await SluiceSocket.open(target);
        latency.record(nowUs() - startedUs);
        socket.destroy();
      } catch {
        failed++;
      }
    }
  };
  await Promise.all(Array.from({ length: CONNECTIONS }, again));
  return { requests: latency.count, failed, latency: latency.toData() };
}
