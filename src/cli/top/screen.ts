import type { ReadStream, WriteStream } from "node:tty";

/** The whole terminal, until it is closed. */
export interface Screen extends Disposable {
  readonly columns: number;
  readonly rows: number;
  /** Replaces what is shown. Lines are cut at the terminal's width by the one who writes them. */
  draw(lines: readonly string[]): void;
}

/** What a screen's user does. */
export interface ScreenListener {
  /** A key as the terminal sends it: a character or an escape sequence. */
  key(text: string): void;
  resized(): void;
}

/** The alternate screen, without a cursor, and without line wrap. */
const ENTER = "\x1b[?1049h\x1b[?25l\x1b[?7l";
const LEAVE = "\x1b[?7h\x1b[?25h\x1b[?1049l";
const HOME = "\x1b[H";
const REST_OF_LINE = "\x1b[K";
const REST_OF_SCREEN = "\x1b[J";

/** For a terminal that does not say how large it is. */
const UNKNOWN = { columns: 80, rows: 24 };

/** An escape sequence, as for an arrow, or one character. */
const KEYS = /\p{Cc}\[[\d;]*[A-Za-z~]|\p{Cc}O[A-Z]|[\s\S]/gu;

const SIGNALS = { SIGINT: 130, SIGTERM: 143, SIGHUP: 129 } as const;

/**
 * Takes over a terminal. It is given back when the screen is disposed, and at any other end of the process that Node can
 * see: an exit, an uncaught error, or a signal.
 */
export function openScreen(
  input: ReadStream,
  output: WriteStream,
  program: Pick<NodeJS.Process, "on" | "off" | "exit">,
  listener: ScreenListener,
): Screen {
  let isOpen = true;
  const leave = () => {
    if (!isOpen) return;
    isOpen = false;
    // A terminal that has gone cannot be given back.
    if (!input.destroyed) input.setRawMode(false);
    output.write(LEAVE);
  };
  const onKeys = (data: Buffer) => {
    // A paste or a fast typist sends several at once.
    for (const [key] of data.toString().matchAll(KEYS)) listener.key(key);
  };
  const onResize = () => listener.resized();
  const onSignal = Object.entries(SIGNALS).map(([signal, code]) => {
    const end = () => {
      leave();
      program.exit(code);
    };
    program.on(signal as keyof typeof SIGNALS, end);
    return () => program.off(signal as keyof typeof SIGNALS, end);
  });
  program.on("exit", leave);
  output.write(ENTER);
  input.setRawMode(true);
  input.on("data", onKeys);
  output.on("resize", onResize);
  return {
    get columns() {
      return output.columns || UNKNOWN.columns;
    },
    get rows() {
      return output.rows || UNKNOWN.rows;
    },
    draw(lines) {
      output.write(`${HOME}${lines.map((line) => `${line}${REST_OF_LINE}`).join("\r\n")}${REST_OF_SCREEN}`);
    },
    [Symbol.dispose]() {
      leave();
      program.off("exit", leave);
      for (const off of onSignal) off();
      input.off("data", onKeys);
      output.off("resize", onResize);
      input.pause();
    },
  };
}
