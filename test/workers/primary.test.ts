import type { ChildProcess } from "node:child_process";
import { EventEmitter } from "node:events";
import { connect } from "node:net";
import { expect, test } from "@jest/globals";
import type { FilesRead } from "../../src/config/read-files.ts";
import { type Config, configSchema } from "../../src/config/schema.ts";
import type { StartRecord } from "../../src/observe/log.ts";
import { startWorkers } from "../../src/workers/primary.ts";
import { turnsUntil } from "../support/jest/turns-until.ts";

const RECORD: StartRecord = { version: "1", url: "u", authRequired: false, demo: false, routes: [], models: [] };

/** A worker's process, which does what the test says: by default it takes every configuration. */
class FakeProcess extends EventEmitter {
  readonly pid = 1;
  /** The configurations that it was told, by what the test calls them. */
  readonly told: unknown[] = [];
  isSilent = false;
  isConnected = true;

  send(
    message: { name?: string; value?: unknown; id?: number },
    _socket: unknown,
    _options: object,
    done: (error: Error | null) => void,
  ): boolean {
    if (!this.isConnected) setImmediate(done, new Error("closed"));
    else if (message.name === "reload") {
      this.told.push(message.value);
      if (!this.isSilent) setImmediate(() => this.emit("message", { answers: message.id, value: {} }));
    } else if (message.name === "stop") setImmediate(() => this.end());
    return true;
  }

  ready(): void {
    this.emit("message", { name: "ready", value: RECORD });
  }

  kill(): boolean {
    this.end("SIGKILL");
    return true;
  }

  end(signal: string | null = null): void {
    this.emit("close", signal === null ? 0 : null, signal);
  }
}

/** Two workers whose processes are fakes; `fork` may be replaced. */
async function setUp() {
  const config: Config = configSchema({ env: {}, readFile: () => "" }).parse({
    listen: { port: 0 },
    log: { level: "silent", pretty: false },
    data: { store: "memory" },
    metrics: { enabled: false },
    demo: true,
  });
  const processes: FakeProcess[] = [];
  const current = { files: "first" as unknown as FilesRead };
  const world = {
    fork: (): ChildProcess => {
      const child = new FakeProcess();
      processes.push(child);
      return child as unknown as ChildProcess;
    },
  };
  const starting = startWorkers(config, {
    workers: 2,
    pid: process.pid,
    files: () => current.files,
    fork: () => world.fork(),
    onExit() {},
  });
  await turnsUntil(() => processes.length === 2);
  return {
    ...{ processes, world, starting },
    reload(running: Awaited<typeof starting>, files: string) {
      current.files = files as unknown as FilesRead;
      return running.reload(() => config);
    },
  };
}

async function started() {
  const up = await setUp();
  for (const child of up.processes) child.ready();
  const running = await up.starting;
  const reload = (files: string) => up.reload(running, files);
  return { ...up, running, reload, [Symbol.asyncDispose]: () => running.close("test") };
}

test("a worker that ends while another one still starts is replaced", async () => {
  const { processes, starting } = await setUp();
  processes[0]?.ready();
  await new Promise((resolve) => setImmediate(resolve));
  processes[0]?.end("SIGKILL");
  await new Promise((resolve) => setImmediate(resolve));
  processes[1]?.ready();
  const running = await starting;
  await turnsUntil(() => processes.length === 3);
  await running.close("test");
});

test("a worker is replaced although its process cannot be started for a while", async () => {
  await using up = await started();
  const { fork } = up.world;
  let failures = 0;
  up.world.fork = () => {
    if (failures++ < 2) throw Object.assign(new Error("spawn ENOMEM"), { code: "ENOMEM" });
    return fork();
  };
  up.processes[0]?.end("SIGKILL");
  await turnsUntil(() => up.processes.length === 3);
  expect(failures).toBe(3);
});

test("a worker that starts during a reload gets the new configuration, too", async () => {
  await using up = await started();
  const [first, second] = up.processes;
  first?.end("SIGKILL");
  await turnsUntil(() => up.processes.length === 3);
  const third = up.processes[2];
  if (second) second.isSilent = true;
  const reloading = up.reload("second");
  await turnsUntil(() => second?.told.length === 1);
  // It serves while the other one has not answered yet.
  third?.ready();
  await new Promise((resolve) => setImmediate(resolve));
  second?.emit("message", { answers: 1, value: {} });
  expect(await reloading).toEqual({});
  await turnsUntil(() => third?.told.length === 1);
  expect(third?.told).toEqual(["second"]);
});

test("a worker that ends during a reload does not make it fail, nor wait", async () => {
  await using up = await started();
  const [first, second] = up.processes;
  if (first) first.isSilent = true;
  const reloading = up.reload("second");
  await turnsUntil(() => first?.told.length === 1);
  first?.end("SIGKILL");
  expect(await reloading).toEqual({});
  expect(second?.told).toEqual(["second"]);
});

test("two reloads at a time are one after the other on all workers", async () => {
  await using up = await started();
  expect(await Promise.all([up.reload("second"), up.reload("third")])).toEqual([{}, {}]);
  expect(up.processes.map(({ told }) => told)).toEqual([
    ["second", "third"],
    ["second", "third"],
  ]);
});

test("a worker that was silent keeps the configuration that the others keep, once it wakes", async () => {
  await using up = await started();
  const [first, second] = up.processes;
  if (second) second.isSilent = true;
  expect(await up.reload("second")).toEqual({ refused: "worker 2 does not answer" });
  expect(up.processes.map(({ told }) => told)).toEqual([
    ["second", "first"],
    ["second", "first"],
  ]);
  if (first) expect(first.isSilent).toBe(false);
});

test("a client whose worker can be told nothing any more goes to another one once that has ended", async () => {
  await using up = await started();
  for (const child of up.processes) child.isConnected = false;
  const { port, hostname } = new URL(up.running.url);
  const client = connect(Number(port), hostname);
  client.on("error", () => {});
  await new Promise((resolve) => client.once("connect", resolve));
  const [, second] = up.processes;
  const given = new Promise((resolve) => {
    if (second)
      second.send = (message) => {
        if (message.name === "socket") resolve(message.name);
        return true;
      };
  });
  up.processes[0]?.end();
  expect(await given).toBe("socket");
  client.destroy();
  if (second) second.send = FakeProcess.prototype.send;
  for (const child of up.processes) child.isConnected = true;
});
