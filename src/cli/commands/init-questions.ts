import { PROVIDER_NAMES, type ProviderName, providerNamed } from "../../config/providers.ts";
import type { Terminal } from "../terminal.ts";
import {
  AnswerError,
  type Answers,
  type Chosen,
  lacksAddress,
  lacksModel,
  readAudience,
  readHost,
  readModels,
  readProviders,
} from "./first-config.ts";

type Env = Readonly<Record<string, string | undefined>>;

/** The answers given as options. */
export interface GivenAnswers {
  readonly providers?: string | undefined;
  readonly models?: string | undefined;
  readonly where?: string | undefined;
  readonly for?: string | undefined;
}

/**
 * Completes the given answers by asking on the terminal. Undefined once its input has ended. Throws AnswerError for a given
 * answer that cannot be used, and without a terminal for a missing one.
 */
export async function askFor(
  given: GivenAnswers,
  env: Env,
  openTerminal: (() => Terminal) | undefined,
): Promise<Answers | undefined> {
  const missing = (["providers", "where", "for"] as const).filter((name) => given[name] === undefined);
  if (missing.length > 0 && !openTerminal) {
    const flags = missing.map((name) => `--${name}`).join(", ");
    throw new AnswerError(`standard input is no terminal to ask on: give ${flags}; see sluice init --help`);
  }
  const terminal = openTerminal?.();
  try {
    return await new Questions(terminal).all(given, env);
  } catch (error) {
    if (error instanceof Ended) return undefined;
    throw error;
  } finally {
    terminal?.close();
  }
}

/** The terminal's input has ended. */
class Ended extends Error {}

class Questions {
  readonly #terminal: Terminal | undefined;

  constructor(terminal: Terminal | undefined) {
    this.#terminal = terminal;
  }

  async all(given: GivenAnswers, env: Env): Promise<Answers> {
    const which = `Which providers? demo, or some of ${PROVIDER_NAMES.join(", ")}`;
    const models = new Map(readModels(given.models ?? ""));
    const providers: Chosen[] = [];
    for (const named of await this.#ask(given.providers, which, usualProviders(env), readProviders)) {
      const { name } = named;
      const form = providerNamed(name)?.addressForm;
      const address = `${name}: its address, such as ${form}`;
      providers.push(lacksAddress(named) ? await this.#ask(undefined, address, "", addressFor(name)) : named);
      if (!lacksModel(named, models)) continue;
      models.set(name, await this.#ask(undefined, `${name}: a model, by the provider's own id`, "", modelFor(name)));
    }
    if ([...models.keys()].some((name) => !providers.some((provider) => provider.name === name)))
      throw new AnswerError("--models names a provider that is not among the providers");
    const where = "Where will clients reach it? here (this machine only), or a host name or address";
    const host = await this.#ask(given.where, where, "here", readHost);
    const whom = "For whom? me, or others (with a gateway key each)";
    return { providers, models, host, isForOthers: await this.#ask(given.for, whom, "me", readAudience) };
  }

  /** Asks until the answer can be used; what is given, or cannot be asked for, is read once. `usual` stands for no answer. */
  async #ask<Answer>(
    given: string | undefined,
    question: string,
    usual: string,
    read: (text: string) => Answer,
  ): Promise<Answer> {
    if (given !== undefined || !this.#terminal) return read(given ?? "");
    for (let prompt = question; ; ) {
      const text = await this.#terminal.ask(usual === "" ? `${prompt}: ` : `${prompt} [${usual}]: `);
      if (text === undefined) throw new Ended();
      try {
        return read(text || usual);
      } catch (error) {
        if (!(error instanceof AnswerError)) throw error;
        prompt = error.message;
      }
    }
  }
}

const addressFor =
  (name: ProviderName) =>
  (text: string): Chosen => {
    const [chosen] = text === "" ? [] : readProviders(`${name}=${text}`);
    if (chosen) return chosen;
    throw new AnswerError(`${name} needs its address: ${name}=${providerNamed(name)?.addressForm}`);
  };

const modelFor =
  (name: ProviderName) =>
  (text: string): string => {
    if (text !== "") return text;
    throw new AnswerError(`${name} needs a model, by the provider's own id: --models ${name}=<model>`);
  };

/** The providers whose keys are in the environment, one for each key; else the demo. */
function usualProviders(env: Env): string {
  const isUsual = (name: ProviderName): boolean => {
    const { keyEnv, addressForm } = providerNamed(name) ?? {};
    const first = PROVIDER_NAMES.find((other) => providerNamed(other)?.keyEnv === keyEnv);
    return keyEnv !== undefined && Boolean(env[keyEnv]) && addressForm === undefined && first === name;
  };
  return PROVIDER_NAMES.filter(isUsual).join(", ") || "demo";
}
