import { ConfigError } from "../../src/config/config-error.ts";
import { loadConfig } from "../../src/config/load.ts";
import type { Config } from "../../src/config/schema.ts";

type Env = Readonly<Record<string, string>>;

/** A file system with these files that fails as Node's does. */
export const filesOf =
  (files: Readonly<Record<string, string>>) =>
  (path: string): string => {
    const text = files[path];
    if (text === undefined) throw Object.assign(new Error(`ENOENT: ${path}`), { code: "ENOENT" });
    return text;
  };

/** Loads in /app, with `config` as sluice.config.json (undefined: no file). */
export function load(config: unknown, env: Env = {}, files: Readonly<Record<string, string>> = {}): Config {
  const own = config === undefined ? {} : { "/app/sluice.config.json": JSON.stringify(config) };
  return loadConfig({ env, cwd: "/app", readFile: filesOf({ ...own, ...files }) });
}

/** The problems in the ConfigError that loading throws; empty if it succeeds. */
export function problemsOf(config: unknown, env: Env = {}, files: Readonly<Record<string, string>> = {}): string[] {
  try {
    load(config, env, files);
  } catch (error) {
    if (error instanceof ConfigError)
      return error.message
        .split("\n")
        .slice(1)
        .map((line) => line.trim());
    throw error;
  }
  return [];
}

/** A valid route. */
export const route = { dialect: "openai-chat", baseUrl: "https://api.example.com/v1" };
export const model = { route: "r", model: "m-1" };
