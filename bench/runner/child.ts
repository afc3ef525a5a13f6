import { type ChildProcess, spawn } from "node:child_process";
import { fileURLToPath } from "node:url";
import manifest from "../../package.json" with { type: "json" };
import { forwarderGone } from "../../src/cli/parent.ts";
import { Asker, type Questions } from "../ipc.ts";
import { nowUs } from "../payload/clock.ts";
import { type Cpus, pinned, placed, type Role } from "./placement.ts";

const STOP_GRACE_MS = 3_000;
const START_TIMEOUT_MS = 30_000;
/** Interval between checks of a gateway that does not announce when it listens. */
const LOOK_MS = 10;

const running = new Set<ChildProcess>();
// No started process may outlive the benchmark, however it ends.
process.on("exit", () => {
  for (const child of running) child.kill("SIGKILL");
});
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(signal, () => process.exit(130));
void forwarderGone(process, manifest.name).then(() => process.exit(130));

/** One of the benchmark's own processes, which answers requests. */
export interface Helper<Q extends Questions> {
  readonly asker: Asker<Q>;
  readonly pid: number;
  stop(): Promise<void>;
}

/** Starts one of the benchmark's own programs. */
export function startHelper<Q extends Questions>(role: Role, program: URL): Helper<Q> {
  const { command, args } = pinned(role, process.execPath, [fileURLToPath(program)]);
  const child = spawn(command, args, { stdio: ["ignore", "inherit", "inherit", "ipc"] });
  watch(child);
  return { asker: new Asker<Q>(child, role), pid: pidOf(child), stop: () => stopChild(child) };
}

/** When a gateway's process was started, and how long it took until it listened. */
export interface Started {
  /** Microseconds of the clock that all processes share. */
  readonly atUs: number;
  readonly listeningMs: number;
}

/** A gateway process that is listening. */
export interface GatewayProcess {
  readonly pid: number;
  /** What the pattern's group matched in its output. */
  readonly found: string;
  readonly started: Started;
  stop(): Promise<void>;
}

export interface GatewayCommand {
  readonly command: string;
  readonly args: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd?: string;
  /** The pattern that announces listening in its output; for a silent gateway, a check to repeat until it succeeds. */
  readonly ready: RegExp | (() => Promise<boolean>);
}

/** Starts a gateway on its CPUs and waits until it listens. Rejects with its output if it does not. */
export function startGateway(cpus: Cpus, gateway: GatewayCommand): Promise<GatewayProcess> {
  const { command, args, over: leave } = placed(cpus, gateway.command, gateway.args);
  const atUs = nowUs();
  const child = spawn(command, args, {
    stdio: ["ignore", "pipe", "pipe"],
    env: { ...process.env, ...gateway.env },
    ...(gateway.cwd !== undefined && { cwd: gateway.cwd }),
  });
  watch(child);
  child.once("exit", leave);
  return new Promise((resolve, reject) => {
    let output = "";
    const over = () => {
      clearTimeout(timer);
      clearInterval(looking);
    };
    const fail = (why: string) => {
      over();
      child.kill("SIGKILL");
      reject(new Error(`${gateway.command} ${why}: ${output.slice(-500)}`));
    };
    const succeed = (found: string) => {
      over();
      const listeningMs = (nowUs() - atUs) / 1000;
      resolve({ pid: pidOf(child), found, started: { atUs, listeningMs }, stop: () => stopChild(child) });
    };
    const timer = setTimeout(() => fail("did not start"), START_TIMEOUT_MS);
    const { ready } = gateway;
    const look = () => typeof ready === "function" && ready().then((found) => found && succeed(""));
    const looking = setInterval(look, LOOK_MS);
    const listen = (chunk: Buffer) => {
      output = (output + chunk.toString("utf8")).slice(-10_000);
      const found = ready instanceof RegExp ? ready.exec(output) : null;
      if (found) succeed(found[1] ?? "");
    };
    child.stdout?.on("data", listen);
    child.stderr?.on("data", listen);
    child.once("error", (error) => fail(error.message));
    child.once("exit", (code) => fail(`ended with ${code}`));
  });
}

function watch(child: ChildProcess): void {
  running.add(child);
  child.once("exit", () => running.delete(child));
}

function stopChild(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return Promise.resolve();
  return new Promise((resolve) => {
    const timer = setTimeout(() => child.kill("SIGKILL"), STOP_GRACE_MS);
    child.once("exit", () => {
      clearTimeout(timer);
      resolve();
    });
    child.kill("SIGTERM");
  });
}

function pidOf(child: ChildProcess): number {
  if (child.pid === undefined) throw new Error("the process did not start");
  return child.pid;
}
