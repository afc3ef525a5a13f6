/** What is asked of the process here. */
export interface ChildProcess {
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Its parent's id now: the system gives orphans another parent. */
  readonly ppid: number;
}

/** What is both the terminal's and npm's Ctrl+C comes within this, in milliseconds; nobody means a second one sooner. */
export const NPM_ECHO_MS = 500;

/** Whether npm started this process, by a script of this package. Signals to a whole terminal then come twice. */
export const isFromNpm = ({ env }: Pick<ChildProcess, "env">, packageName: string): boolean =>
  env.npm_lifecycle_event !== undefined && env.npm_package_name === packageName;

/** Between two looks: an orphan holds its port no longer than this. */
const LOOK_MS = 250;

/**
 * Resolves when npm, which started this process by a script of this package, is gone: npm passes on SIGTERM and SIGINT, but
 * not SIGHUP or SIGKILL, and would leave the process behind on its port. Never resolves when something else started it: a
 * daemon may well outlive its parent.
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
    // It does not keep the process alive.
    looking.unref();
  });
}
