import { isLoopback, isWildcard } from "../../config/addresses/loopback.ts";
import { PRESETS } from "../../config/presets.ts";
import { PROVIDER_NAMES, type ProviderName, providerNamed } from "../../config/providers.ts";

/** An answer that cannot be used; the message says what is expected. */
export class AnswerError extends Error {
  override readonly name = "AnswerError";
}

/** A preset, with its own address if it was given one. */
export interface Chosen {
  readonly name: ProviderName;
  readonly address: string | undefined;
}

/** What `sluice init` asks for. */
export interface Answers {
  /** None: the demo. */
  readonly providers: readonly Chosen[];
  /** A model of each provider for which we know none, by the provider's own id. */
  readonly models: ReadonlyMap<string, string>;
  /** The name or address by which clients reach the gateway; undefined for this machine only. */
  readonly host: string | undefined;
  readonly isForOthers: boolean;
}

/** The variable that holds the token of a gateway with one user. */
export const TOKEN_VARIABLE = "SLUICE_TOKEN";

/** Reads `openrouter, vllm=http://10.0.0.5:8000/v1`, or `demo` for none. Throws AnswerError. Never quotes an address. */
export function readProviders(text: string): readonly Chosen[] {
  if (text.trim() === "demo") return [];
  const chosen = pairs(text).map(([name, address]) => {
    const known = PROVIDER_NAMES.find((each) => each === name);
    if (known === undefined) throw new AnswerError(`providers are demo, or some of ${PROVIDER_NAMES.join(", ")}`);
    const url = address === undefined ? undefined : URL.parse(address);
    const isAddress = url !== null && (url === undefined || (/^https?:$/.test(url.protocol) && url.username === ""));
    if (!isAddress) throw new AnswerError(`the address of ${known} is an http or https URL without credentials`);
    return { name: known, address };
  });
  if (new Set(chosen.map(({ name }) => name)).size < chosen.length)
    throw new AnswerError("name each provider once; further routes can be added to the file");
  if (chosen.length === 0) throw new AnswerError("name at least one provider, or demo");
  return chosen;
}

/** Reads `openrouter=anthropic/claude-sonnet-5, vllm=llama`. Throws AnswerError. */
export function readModels(text: string): ReadonlyMap<string, string> {
  return new Map(
    pairs(text).map(([name, model]) => {
      if (model === undefined || model === "") throw new AnswerError("models are given as provider=model");
      return [name, model];
    }),
  );
}

/**
 * Reads `here`, or the name or address clients use: undefined for this machine, by whatever name. Throws AnswerError, also for
 * `0.0.0.0`, at which no client reaches anything.
 */
export function readHost(text: string): string | undefined {
  const place = text.trim();
  if (place === "here") return undefined;
  const host = URL.parse(place.includes("://") ? place : `http://${place}`)?.hostname;
  if (!host || isWildcard(host)) throw new AnswerError("where is here, or the host name or address clients will use");
  return isLoopback(host) ? undefined : host;
}

/** Reads `me` or `others`. Throws AnswerError. */
export function readAudience(text: string): boolean {
  const audience = text.trim();
  if (audience !== "me" && audience !== "others") throw new AnswerError("for whom is me or others");
  return audience === "others";
}

/** The models of a provider that are known without asking. */
export const knownModels = (name: ProviderName) => PRESETS.find((preset) => preset.name === name)?.models ?? {};

/** Whether a provider's address has to be asked for. */
export const lacksAddress = ({ name, address }: Chosen): boolean =>
  address === undefined && providerNamed(name)?.addressForm !== undefined;

/** Whether a model of the provider has to be asked for. */
export const lacksModel = ({ name }: Chosen, models: ReadonlyMap<string, string>): boolean =>
  !models.has(name) && Object.keys(knownModels(name)).length === 0;

/** The environment variables that the configuration refers to. */
export function variablesOf({ providers, host, isForOthers }: Answers): readonly string[] {
  const keys = providers.map(({ name }) => providerNamed(name)?.keyEnv).filter((variable) => variable !== undefined);
  return [...new Set([...keys, ...(host !== undefined && !isForOthers ? [TOKEN_VARIABLE] : [])])];
}

/** The configuration, with references in place of secrets. */
export function firstConfig({ providers, models, host, isForOthers }: Answers) {
  const auth = isForOthers ? { required: true } : host === undefined ? undefined : { token: { env: TOKEN_VARIABLE } };
  const routes = providers.map(({ name, address }) => {
    const keyEnv = providerNamed(name)?.keyEnv;
    const route = { preset: name, ...(address !== undefined && { baseUrl: address }) };
    return [name, { ...route, ...(keyEnv !== undefined && { key: { env: keyEnv } }) }];
  });
  return {
    ...(host !== undefined && { listen: { host: "0.0.0.0" }, allowedHosts: [host] }),
    ...(auth && { auth }),
    ...(providers.length === 0
      ? { demo: true }
      : { routes: Object.fromEntries(routes), models: Object.assign({}, ...providers.map(modelsOf(models))) }),
  };
}

/** What an alias may be: see the schema of `models`. */
const ALIAS = /^[A-Za-z0-9][A-Za-z0-9._:/-]{0,127}$/;

const modelsOf =
  (models: ReadonlyMap<string, string>) =>
  ({ name }: Chosen) => {
    const model = models.get(name);
    if (model === undefined) return knownModels(name);
    return { [ALIAS.test(model) ? model : name]: { route: name, model } };
  };

/** The parts of `a=b, c`: a name, and what follows its first `=`. */
const pairs = (text: string): readonly (readonly [string, string | undefined])[] =>
  text
    .replace(/\s*=\s*/g, "=")
    .split(/[\s,]+/)
    .filter((part) => part !== "")
    .map((part) => {
      const at = part.indexOf("=");
      return at < 0 ? [part, undefined] : [part.slice(0, at), part.slice(at + 1)];
    });
