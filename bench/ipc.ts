/**
 * Requests from the runner to the processes of a run, and notifications from them, over Node's IPC channel between parent
 * and child.
 */
type Question = (argument: never) => unknown;
export type Questions = Readonly<Record<string, Question>>;

interface Asked {
  readonly ask: string;
  readonly id: number;
  readonly argument: unknown;
}

interface Answered {
  readonly id: number;
  readonly value?: unknown;
  readonly error?: string;
}

interface News {
  readonly news: string;
}

/** In the child: answers every request, and exits with the runner. */
export function answerRunner(questions: Questions): void {
  process.on("message", (message: Asked) => {
    const answer = async () => questions[message.ask]?.(message.argument as never);
    answer().then(
      (value) => process.send?.({ id: message.id, value }),
      (error: unknown) =>
        process.send?.({ id: message.id, error: error instanceof Error ? error.message : String(error) }),
    );
  });
  process.on("disconnect", () => process.exit());
}

export const tellRunner = (news: string): void => {
  process.send?.({ news } satisfies News);
};

/** A child process with an IPC channel. */
interface Channel {
  send(message: Asked): boolean;
  on(event: "message", listener: (message: unknown) => void): unknown;
  once(event: "exit", listener: () => void): unknown;
}

/** The runner's end. */
export class Asker<Q extends Questions> {
  readonly #channel: Channel;
  readonly #waiting = new Map<number, { resolve: (value: unknown) => void; reject: (error: Error) => void }>();
  readonly #listeners = new Map<string, () => void>();
  readonly #name: string;
  #lastId = 0;
  #over = false;

  constructor(channel: Channel, name: string) {
    this.#channel = channel;
    this.#name = name;
    channel.on("message", (message) => this.#receive(message as Answered | News));
    channel.once("exit", () => {
      this.#over = true;
      for (const { reject } of this.#waiting.values()) reject(this.#ended());
      this.#waiting.clear();
    });
  }

  ask<K extends keyof Q & string>(name: K, argument: Parameters<Q[K]>[0]): Promise<Awaited<ReturnType<Q[K]>>> {
    if (this.#over) return Promise.reject(this.#ended());
    const id = ++this.#lastId;
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, { resolve: (value) => resolve(value as Awaited<ReturnType<Q[K]>>), reject });
      this.#channel.send({ ask: name, id, argument });
    });
  }

  /** One listener per kind of notification; a later one replaces it. */
  hear(news: string, listener: () => void): void {
    this.#listeners.set(news, listener);
  }

  #ended(): Error {
    return new Error(`the ${this.#name} has ended`);
  }

  #receive(message: Answered | News): void {
    if ("news" in message) {
      this.#listeners.get(message.news)?.();
      return;
    }
    const waiting = this.#waiting.get(message.id);
    this.#waiting.delete(message.id);
    if (message.error !== undefined) waiting?.reject(new Error(message.error));
    else waiting?.resolve(message.value);
  }
}
