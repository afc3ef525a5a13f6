import { LAUNCHER } from "./older-node.ts";

/** The parts of `process` used here. */
export interface ChildProcess {
  readonly env: Readonly<Record<string, string | undefined>>;
  /** The parent's current id: the system gives orphans another parent. */
  readonly ppid: number;
}

/** A terminal's Ctrl+C and npm's copy of it arrive within this; no user presses it twice as fast. */
const NPM_ECHO_MS = 500;

/** Whether an npm script of this package started the process. Signals to the terminal then arrive twice. */
const isFromNpm = ({ env }: ChildProcess, packageName: string): boolean =>
  env.npm_lifecycle_event !== undefined && env.npm_package_name === packageName;

/** Whether the parent forwards its signals, as npm does, and an older Node that started this one. */
const isForwarded = (child: ChildProcess, packageName: string): boolean =>
  isFromNpm(child, packageName) || child.env[LAUNCHER] === String(child.ppid);

/** How long copies of a signal may arrive, in milliseconds. */
export const echoMs = (child: ChildProcess, packageName: string): number =>
  isForwarded(child, packageName) ? NPM_ECHO_MS : 0;

/** Between two checks: an orphan holds its port no longer than this. */
const LOOK_MS = 250;

/**
 * Resolves when the npm script or launcher that started this process is gone: npm forwards SIGTERM and SIGINT, but not
 * SIGHUP or SIGKILL, and would leave the process behind on its port. Never resolves for other parents, which a daemon may outlive.
 */
export async function forwarderGone(child: ChildProcess, packageName: string, lookMs = LOOK_MS): Promise<void> {
  const parent = child.ppid;
  await new Promise<void>((resolve) => {
    if (!isForwarded(child, packageName)) return;
    const looking = setInterval(() => {
      if (child.ppid === parent) return;
      clearInterval(looking);
      resolve();
    }, lookMs);
    looking.unref();
  });
}
