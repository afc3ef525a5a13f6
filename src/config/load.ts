import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import * as z from "zod";
import { asObject, asString, isObject, type JsonObject } from "../core/kernel/json.ts";
import { ConfigError, type KnownKeys, type Origin, toProblem } from "./config-error.ts";
import { keysAt, nearestKey } from "./nearest-key.ts";
import { withPresets } from "./presets.ts";
import { type Config, configSchema } from "./schema.ts";

/** Where the configuration comes from. */
export interface ConfigSources {
  readonly env: Readonly<Record<string, string | undefined>>;
  /** The directory relative paths start from. */
  readonly cwd: string;
  /** Reads a file by its absolute path; throws when it cannot. */
  readonly readFile?: (path: string) => string;
}

/** The configuration file, where SLUICE_CONFIG names no other. */
export const DEFAULT_FILE = "sluice.config.json";

/** Environment variables and the fields they set. The command line passes its flags as these variables. */
const OVERRIDES = [
  { env: "SLUICE_HOST", path: ["listen", "host"], as: "text", from: "--host or SLUICE_HOST" },
  { env: "SLUICE_PORT", path: ["listen", "port"], as: "number", from: "--port or SLUICE_PORT" },
  { env: "SLUICE_TOKEN", path: ["auth", "token"], as: "secret", from: "SLUICE_TOKEN" },
  { env: "SLUICE_DATA", path: ["data", "directory"], as: "text", from: "SLUICE_DATA" },
  { env: "SLUICE_CONTROL_UI", path: ["openclaw", "controlUi"], as: "text", from: "--control-ui or SLUICE_CONTROL_UI" },
  { env: "SLUICE_LOG_LEVEL", path: ["log", "level"], as: "text", from: "SLUICE_LOG_LEVEL" },
  { env: "SLUICE_WORKERS", path: ["cluster", "workers"], as: "number", from: "--workers or SLUICE_WORKERS" },
  { env: "SLUICE_COLLECTOR", path: ["runtime", "collector"], as: "text", from: "SLUICE_COLLECTOR" },
  { env: "SLUICE_NODE_ADDRESS", path: ["cluster", "listen", "address"], as: "text", from: "SLUICE_NODE_ADDRESS" },
] as const;

type Fields = Readonly<Record<string, unknown>>;

const readText = (path: string): string => readFileSync(path, "utf8");

/**
 * Loads the configuration: the file (`SLUICE_CONFIG`, else sluice.config.json if it exists), routes for provider keys
 * in the environment, then overrides from the environment. An empty variable counts as unset. Paths in the result are
 * absolute. Throws ConfigError with all problems.
 */
export function loadConfig({ env, cwd, readFile = readText }: ConfigSources): Config {
  const source = env.SLUICE_CONFIG || DEFAULT_FILE;
  const read = (path: string) => readFile(resolve(cwd, path));
  const file = parse(source, readOptional(source, read, Boolean(env.SLUICE_CONFIG)));
  const { fields, origins } = override(addPresets(file, env), env);
  return complete(fields, { source, env, cwd, read, origins });
}

/**
 * Checks and completes a configuration that a program gives as a value. The environment serves references to secrets
 * only: it neither adds routes nor overrides anything. Otherwise as `loadConfig`.
 */
export function completeConfig(value: Fields, { env, cwd, readFile = readText }: ConfigSources): Config {
  const read = (path: string) => readFile(resolve(cwd, path));
  return complete(addPresets(value, {}), { source: "the configuration", env, cwd, read, origins: new Map() });
}

interface Reading extends Pick<ConfigSources, "env" | "cwd"> {
  /** What a ConfigError names. */
  readonly source: string;
  readonly read: (path: string) => string;
  readonly origins: ReadonlyMap<string, Origin>;
}

function complete(fields: Fields, { source, env, cwd, read, origins }: Reading): Config {
  // Interpreted: compiling the schema, which zod does by default, takes longer than reading one configuration.
  const result = configSchema({ env, readFile: read }).safeParse(fields, { reportInput: true, jitless: true });
  if (!result.success) {
    const { issues } = result.error;
    const known: KnownKeys = {
      nearest: (path, key) => nearestKey(jsonSchema(), path, key),
      of: (path) => keysAt(jsonSchema(), path),
    };
    const isOverride = issues.every(({ path }) => origins.has(path.join(".")));
    throw new ConfigError(
      isOverride ? "the command line or the environment" : source,
      issues.map((issue) => toProblem(issue, origins, known)),
    );
  }
  const config = result.data;
  const directory = resolve(cwd, config.data.directory);
  const controlUi = findControlUi(config.openclaw.controlUi, resolve(directory, "control-ui"), cwd, read);
  return { ...config, data: { ...config.data, directory }, openclaw: { ...config.openclaw, ...controlUi } };
}

/** The configuration's JSON Schema, made only to explain a mistake. */
function jsonSchema(): JsonObject {
  const schema = z.toJSONSchema(configSchema({ env: {}, readFile: () => "" }), { io: "input" });
  return asObject(JSON.parse(JSON.stringify(schema))) ?? {};
}

/** The configured Control UI, or the one that `npm run control-ui` installed. */
function findControlUi(asked: string | undefined, usual: string, cwd: string, read: (path: string) => string) {
  if (asked !== undefined) return { controlUi: resolve(cwd, asked) };
  try {
    read(resolve(usual, "index.html"));
    return { controlUi: usual };
  } catch {
    return {};
  }
}

function readOptional(source: string, read: (path: string) => string, required: boolean): string {
  try {
    return read(source);
  } catch (error) {
    const code = asString(asObject(error)?.code) ?? "an error";
    if (code === "ENOENT" && !required) return "{}";
    const found = code === "ENOENT" ? "no such file" : code;
    throw new ConfigError(source, [
      { path: "the file", found, expected: "a readable file; set SLUICE_CONFIG or --config to one" },
    ]);
  }
}

function parse(source: string, text: string): Fields {
  let value: unknown;
  try {
    // Editors on Windows begin the file with a byte order mark.
    value = JSON.parse(text.replace(/^\uFEFF/, ""));
  } catch (error) {
    // The engine's message may quote the text, and so a secret: keep its harmless parts.
    const place = /line \d+ column \d+|Unexpected token '.'|Unexpected end/.exec(String(error))?.[0];
    const found = place ? `invalid JSON (${place})` : "invalid JSON";
    throw new ConfigError(source, [{ path: "the file", found, expected: "JSON, without comments" }]);
  }
  if (isObject(value)) return value;
  throw new ConfigError(source, [{ path: "the file", found: "JSON that is not an object", expected: "an object" }]);
}

function addPresets(file: Fields, env: ConfigSources["env"]): Fields {
  const { routes = {}, models = {} } = file;
  // The schema reports these.
  if (!isObject(routes) || !isObject(models)) return file;
  return { demo: Object.keys(routes).length === 0, ...file, ...withPresets(routes, models, env) };
}

function override(file: Fields, env: ConfigSources["env"]): { fields: Fields; origins: ReadonlyMap<string, Origin> } {
  const origins = new Map<string, Origin>();
  let fields = file;
  for (const { env: name, path, as, from } of OVERRIDES) {
    const text = env[name];
    if (!text) continue;
    const value = as === "secret" ? { env: name } : as === "number" && /^\d+$/.test(text) ? Number(text) : text;
    const changed = withValue(fields, path, value);
    if (!changed) continue;
    fields = changed;
    origins.set(path.join("."), { from, isSecret: as === "secret" });
  }
  return { fields, origins };
}

/** The fields with a value at a path; undefined if something else than a section stands on the way, which the schema says better. */
function withValue(fields: Fields, [key = "", ...rest]: readonly string[], value: unknown): Fields | undefined {
  if (rest.length === 0) return { ...fields, [key]: value };
  const section = fields[key] ?? {};
  const inner = isObject(section) ? withValue(section, rest, value) : undefined;
  return inner && { ...fields, [key]: inner };
}
