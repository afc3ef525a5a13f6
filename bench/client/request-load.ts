import autocannon from "autocannon";
import { Histogram, type HistogramData } from "../figures/histogram.ts";
import { nowUs } from "../payload/clock.ts";
import type { Target } from "./job.ts";
import type { Announce } from "./load.ts";
import { SluiceSocket } from "./sluice-socket.ts";

const CONNECTIONS = 10;
const SECOND_US = 1e6;
/** Node's servers take 100 requests on a connection at most as Sluice sets them: new ones are part of the work. */
const REQUESTS_PER_CONNECTION = 100;

export interface RequestJob {
  readonly target: Target;
  /** An HTTP path to ask for, or undefined for handshakes of new WebSockets. */
  readonly path: string | undefined;
  readonly windowMs: number;
}

export interface RequestResult {
  readonly requests: number;
  readonly windowUs: number;
  readonly failed: number;
  readonly latency: HistogramData;
}

/** Asks again and again on a few connections, each as soon as the last answer came: the most a gateway answers. */
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
  // autocannon times in whole milliseconds, which is too coarse for these answers.
  const latency = new Histogram().toData();
  return { requests: result["2xx"], failed: result.non2xx + result.errors, latency };
}

async function shakeHands({ target, windowMs }: RequestJob): Promise<Omit<RequestResult, "windowUs">> {
  const url = new URL(target.url);
  const latency = new Histogram();
  const endUs = nowUs() + (windowMs / 1000) * SECOND_US;
  let failed = 0;
  const again = async () => {
    while (nowUs() < endUs) {
      const startedUs = nowUs();
      try {
        const socket = await SluiceSocket.open(url, target.headers ?? {});
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
