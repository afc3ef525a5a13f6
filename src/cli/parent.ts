/** The parts of `process` used here. */
export interface ChildProcess {
  readonly env: Readonly<Record<string, string | undefined>>;
  /** The parent's current id: the system gives orphans another parent. */
  readonly ppid: number;
}

/** A terminal's Ctrl+C and npm's copy of it arrive within this; no user presses it twice as fast. */
export const NPM_ECHO_MS = 500;

/** Whether an npm script of this package started the process. Signals to the terminal then arrive twice. */
export const isFromNpm = ({ env }: Pick<ChildProcess, "env">, packageName: string): boolean =>
  env.npm_lifecycle_event !== undefined && env.npm_package_name === packageName;

/** Between two checks: an orphan holds its port no longer than this. */
const LOOK_MS = 250;

/**
 * Resolves when the npm script that started this process is gone: npm forwards SIGTERM and SIGINT, but not SIGHUP or
 * SIGKILL, and would leave the process behind on its port. Never resolves for other parents, which a daemon may outlive.
 */
export async function npmGone(child: ChildProcess, packageName: string, lookMs = LOOK_MS): Promise<void> {
  const parent = child.ppid;
  await new Promise<void>((resolve) => {
    if (!isFromNpm(child, packageName)) return;
    const looking = setInterval(() => {
      if (child.ppid === parent) return;
      clearInterval(looking);
      resolve();
    }, lookMs);
    looking.unref();
  });
}
