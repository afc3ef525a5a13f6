import type { CommandWorld } from "../../src/cli/command.ts";

/** A world for commands that write and touch nothing else. */
export function worldWith() {
  const written = { stdout: "", stderr: "" };
  const world: CommandWorld = {
    env: {},
    cwd: "/nowhere",
    version: "1.2.3",
    openTerminal: undefined,
    openScreen: undefined,
    hangUp() {},
    stdout: { write: (text) => (written.stdout += text) },
    stderr: { write: (text) => (written.stderr += text) },
  };
  return { world, written };
}
