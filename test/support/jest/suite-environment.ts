import { chmodSync, mkdtempSync, readdirSync, readlinkSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { TestEnvironment } from "jest-environment-node";
import { FAILED } from "./test-failure.ts";

/**
 * jest's environment of a suite. The suite's temporary directory is its own; when it ends, so do the processes that still
 * work in there, and the directory is removed. A suite whose tests all passed must have removed its own ones.
 */
export default class SuiteEnvironment extends TestEnvironment {
  readonly #directory: string;
  readonly #usual: string | undefined;
  #someFailed = false;

  constructor(...given: ConstructorParameters<typeof TestEnvironment>) {
    // Only the real process's environment counts for `tmpdir` and child processes; the suite gets a copy of it.
    const usual = process.env.TMPDIR;
    const directory = mkdtempSync(join(tmpdir(), "sluice-suite-"));
    // Tests of permissions enter it as another user.
    chmodSync(directory, 0o755);
    process.env.TMPDIR = directory;
    super(...given);
    this.#usual = usual;
    this.#directory = directory;
  }

  /** Hears from jest what happens, such as `test_fn_failure`, before the hooks that follow run. */
  handleTestEvent({ name }: { readonly name: string }): void {
    if (name === "test_start") Reflect.set(this.global, FAILED, false);
    if (name === "test_fn_failure" || name === "hook_failure") {
      Reflect.set(this.global, FAILED, true);
      this.#someFailed = true;
    }
  }

  /** Throws if directories are left though every test passed. */
  override async teardown(): Promise<void> {
    await super.teardown();
    if (this.#usual === undefined) delete process.env.TMPDIR;
    else process.env.TMPDIR = this.#usual;
    for (const pid of workersIn(this.#directory)) endNow(pid);
    const left = readdirSync(this.#directory).filter((name) => name.startsWith("sluice-"));
    rmSync(this.#directory, { recursive: true, force: true, maxRetries: 10 });
    if (left.length > 0 && !this.#someFailed) throw new Error(`the suite leaves behind ${left.join(", ")}`);
  }
}

/** Processes whose working directory is below this one; none where there is no /proc. */
function workersIn(directory: string): number[] {
  const isBelow = (pid: string): boolean => {
    try {
      return readlinkSync(`/proc/${pid}/cwd`).startsWith(`${directory}/`);
    } catch {
      // It has ended, or is another user's.
      return false;
    }
  };
  try {
    return readdirSync("/proc").filter(isBelow).map(Number);
  } catch {
    return [];
  }
}

function endNow(pid: number): void {
  try {
    process.kill(pid, "SIGKILL");
  } catch {
    // It has just ended by itself.
  }
}
