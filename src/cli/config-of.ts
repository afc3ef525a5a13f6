import { loadConfig } from "../config/load.ts";
import type { Config } from "../config/schema.ts";
import type { CommandWorld } from "./command.ts";

/** The configuration that a command reads: the file of its `--config`, else as the environment says. Throws ConfigError. */
export const configOf = (file: string | undefined, { env, cwd }: Pick<CommandWorld, "env" | "cwd">): Config =>
  loadConfig({ env: { ...env, ...(file !== undefined && { SLUICE_CONFIG: file }) }, cwd });
