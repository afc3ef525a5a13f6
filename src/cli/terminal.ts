import { createInterface } from "node:readline/promises";

/** Somebody who answers questions. */
export interface Terminal {
  /** The answer, trimmed; undefined once the input has ended (Ctrl+C, Ctrl+D). */
  ask(question: string): Promise<string | undefined>;
  close(): void;
}

/** Asks on a terminal: questions go to `output`, and answers are read from `input` line by line. */
export function openTerminal(input: NodeJS.ReadableStream, output: NodeJS.WritableStream): Terminal {
  const lines = createInterface({ input, output });
  const ended = new Promise<undefined>((resolve) => lines.once("close", () => resolve(undefined)));
  return {
    async ask(question) {
      const answer = await Promise.race([lines.question(question).catch(() => undefined), ended]);
      // What is written next begins a line of its own.
      if (answer === undefined) output.write("\n");
      return answer?.trim();
    },
    close: () => lines.close(),
  };
}
