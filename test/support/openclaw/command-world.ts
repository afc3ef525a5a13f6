import type { CommandWorld } from "../../../src/cli/command.ts";

/** What a test says of the world that a command runs in. */
type Setting = Partial<Pick<CommandWorld, "env" | "cwd">>;

/** A world for commands whose outputs are kept. */
export function worldWith({ env = {}, cwd = "/nowhere" }: Setting = {}) {
  const written = { stdout: "", stderr: "" };
  const world: CommandWorld = {
    env,
    cwd,
    version: "1.2.3",
    openTerminal: undefined,
    openScreen: undefined,
    hangUp() {},
    stdout: { write: (text) => (written.stdout += text) },
    stderr: { write: (text) => (written.stderr += text) },
  };
  return { world, written };
}

/** Runs a command in this process. Resolves with its exit code and what it wrote. */
export async function runCommand(
  run: (args: readonly string[], world: CommandWorld) => number | Promise<number>,
  args: readonly string[],
  setting: Setting = {},
) {
  const { world, written } = worldWith(setting);
  const code = await run(args, world);
  return { code, ...written };
}
