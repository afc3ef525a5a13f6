import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { startOptions } from "../../../scripts/start-options.ts";
import { asObject, type JsonValue } from "../../../src/core/kernel/json.ts";
import { childrenOf, endAll } from "./child-processes.ts";
import { COMPILED } from "./compiled.ts";

const SOURCE = fileURLToPath(new URL("../../../src/main.ts", import.meta.url));
/** Linux ends the process with its parent, even one that is killed. The tests under jest hear of no other end. */
const SETPRIV = "/usr/bin/setpriv";
const WITH_PARENT = existsSync(SETPRIV) ? [SETPRIV, "--pdeathsig", "KILL"] : [];

/** The output of `npm run build`: takes about 75 MiB less, because it is bundled and nothing is compiled at the start. */
const BUILT = fileURLToPath(new URL("../../../dist/src/main.js", import.meta.url));

export interface SluiceProcess extends AsyncDisposable {
  readonly url: string;
  readonly pid: number;
  /** Its working directory. */
  readonly directory: string;
  /** Its output so far. */
  readonly stdout: string;
  readonly stderr: string;
  /** Exit code, or the name of the signal that killed it. */
  readonly exit: Promise<number | string>;
  kill(signal: NodeJS.Signals): void;
}

export interface SluiceProcessOptions {
  readonly env?: Readonly<Record<string, string>>;
  /** Shell commands before the start, such as `ulimit -n 256`. */
  readonly before?: string;
  /** Source of a module that runs in the process before the program. */
  readonly preload?: string;
  /** Command prefix, such as `nice`. */
  readonly under?: readonly string[];
  /** Runs the build, not the source. */
  readonly built?: boolean;
}

/** Writes a directory's configuration. */
export const writeConfig = (directory: string, config: unknown): void =>
  writeFileSync(join(directory, "sluice.config.json"), JSON.stringify(patient(config)));

/** A configuration that, unless it says otherwise, ignores the load of a busy test machine. */
function patient(config: unknown): unknown {
  const whole = asObject(config as JsonValue);
  const limits = asObject(whole?.limits ?? {});
  const streams = asObject(limits?.streams ?? {});
  return limits && streams ? { ...whole, limits: { ...limits, streams: { loopDelayMs: 60_000, ...streams } } } : config;
}

/** `sluice serve` as its own process, in a fresh directory with this configuration, on a free port. */
export async function startSluice(config: unknown, options: SluiceProcessOptions = {}): Promise<SluiceProcess> {
  const cwd = mkdtempSync(join(tmpdir(), "sluice-"));
  writeConfig(cwd, config);
  const command = `${options.before ?? "true"} && exec "$@"`;
  const preload =
    options.preload === undefined ? [] : ["--import", `data:text/javascript,${encodeURIComponent(options.preload)}`];
  const under = options.under ?? [];
  const child = spawn(
    "/bin/sh",
    [
      "-c",
      command,
      "sh",
      ...WITH_PARENT,
      ...under,
      process.execPath,
      ...startOptions(),
      ...preload,
      options.built ? BUILT : SOURCE,
      "serve",
    ],
    {
      cwd,
      env: { ...COMPILED, SLUICE_PORT: "0", ...options.env },
      stdio: ["ignore", "pipe", "pipe"],
    },
  );
  const written = { stdout: "", stderr: "" };
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    written.stderr += text;
  });
  // Where there is no `setpriv`.
  const end = () => void child.kill("SIGKILL");
  process.on("exit", end);
  const exit = once(child, "exit").then(([code, signal]): number | string => {
    process.off("exit", end);
    return code ?? signal;
  });
  const remove = () => rmSync(cwd, { recursive: true, force: true });
  const url = await new Promise<string>((resolve, reject) => {
    let hasStarted = false;
    const started = (at: string) => {
      hasStarted = true;
      resolve(at);
    };
    createInterface(child.stdout).on("line", (line) => {
      written.stdout += `${line}\n`;
      // Not the line of one worker of several.
      if (line.includes('"event":"started"') && !line.includes('"worker":')) started(JSON.parse(line).url);
      // With log.pretty.
      const [, pretty] = /^Sluice \S+ listens on (\S+)/.exec(line) ?? [];
      if (pretty) started(pretty);
    });
    void exit.then(() => {
      // Later, what it wrote is its owner's to read and to remove.
      if (!hasStarted) remove();
      reject(new Error(`it did not start: ${written.stderr}`));
    });
  });
  return {
    url,
    pid: child.pid ?? 0,
    directory: cwd,
    get stdout() {
      return written.stdout;
    },
    get stderr() {
      return written.stderr;
    },
    exit,
    kill: (signal) => void child.kill(signal),
    async [Symbol.asyncDispose]() {
      // Its workers see by themselves that it is gone, but one that was just starting creates its data first.
      const workers = childrenOf(child.pid ?? 0);
      child.kill("SIGKILL");
      await exit;
      await endAll(workers);
      remove();
    },
  };
}

/** A configuration with one Chat Completions route to this upstream, and the model `gpt`. */
export const configFor = (upstream: string, more: Readonly<Record<string, unknown>> = {}) => ({
  data: { store: "memory" },
  log: { level: "debug", pretty: false },
  routes: { chat: { dialect: "openai-chat", baseUrl: `${upstream}/v1`, key: "sk-test-key-of-the-route" } },
  models: { gpt: { route: "chat", model: "gpt-test" } },
  ...more,
});
