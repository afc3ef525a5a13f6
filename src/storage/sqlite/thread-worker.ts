/** The program of a worker thread: opens services as they are asked for, and runs them side by side. */
import { createRequire } from "node:module";
import { fileURLToPath } from "node:url";
import { parentPort } from "node:worker_threads";
import type { Operations, Service } from "./service.ts";
import type { Answer, FromThread, Request, ToThread } from "./worker-thread.ts";

type AnyService = Service<Operations<Record<string, (...args: never[]) => unknown>>>;

if (!parentPort) throw new Error("this file runs as a worker thread");
const port = parentPort;
const load = createRequire(import.meta.url);
/** By program. */
const services = new Map<string, AnyService>();
let waiting: Request[] = [];

function serviceOf({ program, data }: Request): AnyService {
  const known = services.get(program);
  if (known) return known;
  const opened: AnyService = load(fileURLToPath(program)).open(data);
  services.set(program, opened);
  return opened;
}

/** What the services answer to what one turn of the loop brought. */
function work(): void {
  const batch = waiting;
  waiting = [];
  for (const requests of Map.groupBy(batch, ({ program }) => program).values()) answer(requests);
}

/** Answers requests to one service. */
function answer(requests: readonly Request[]): void {
  const answers = answersTo(requests);
  requests.forEach(({ id }, index) => {
    port.postMessage({ id, outcome: answers[index] ?? { value: undefined } } satisfies FromThread);
  });
}

function answersTo(requests: readonly Request[]): readonly Answer[] {
  let service: AnyService | undefined;
  try {
    service = requests[0] && serviceOf(requests[0]);
  } catch (unopened) {
    return requests.map(() => ({ unopened }));
  }
  const outcomes = service?.answer(requests.flatMap(({ call }) => call ?? [])).values();
  return requests.map(({ call }) => (call && outcomes?.next().value) ?? { value: undefined });
}

function close(program: string): void {
  services.get(program)?.close();
  services.delete(program);
}

port.on("message", (message: ToThread) => {
  if (message === "close") {
    work();
    for (const program of [...services.keys()]) close(program);
    // Without its port the thread has nothing left to do, and ends.
    port.close();
  } else if ("closes" in message) {
    work();
    close(message.closes);
    port.postMessage({ id: message.id, outcome: { value: undefined } } satisfies FromThread);
  } else if (waiting.push(message) === 1) setImmediate(work);
});
