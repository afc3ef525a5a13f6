import { pino } from "pino";

export interface LogDestination {
  /** Takes one line. Never throws, never blocks: a line that cannot be kept is counted in `dropped`. */
  write(line: string): void;
  /** Lines that were lost: the reader is gone, or slower than the lines for too long. */
  readonly dropped: number;
  /** Resolves when everything went out, or after a second: a blocked pipe must not keep the process. */
  close(): Promise<void>;
}

/** Lines kept in memory while the pipe is blocked. */
const MAX_BUFFERED_BYTES = 1024 * 1024;
const CLOSE_TIMEOUT_MS = 1_000;

/** Whatever takes lines: a test's list, a stream whose faults are its owner's business. */
export interface LineSink {
  write(line: string): unknown;
}

/** Asynchronous writes to a file descriptor or a file's path; a sink gets its lines as they are made. */
export function openDestination(target: number | string | LineSink): LogDestination {
  if (typeof target === "object") {
    return { write: (line) => void target.write(line), dropped: 0, close: () => Promise.resolve() };
  }
  const sink = pino.destination({ dest: target, sync: false, maxLength: MAX_BUFFERED_BYTES, mkdir: true });
  let dropped = 0;
  let gone = false;
  sink.on("drop", () => dropped++);
  // Without a listener a broken pipe would end the process. Other faults (a full disk) may pass: it tries on.
  sink.on("error", (error: NodeJS.ErrnoException) => {
    gone ||= error.code === "EPIPE" || error.code === "EBADF";
  });
  return {
    write(line) {
      if (gone) dropped++;
      else sink.write(line);
    },
    get dropped() {
      return dropped;
    },
    close: () =>
      new Promise((resolve) => {
        if (gone) return resolve();
        gone = true;
        const giveUp = setTimeout(() => {
          sink.destroy();
          resolve();
        }, CLOSE_TIMEOUT_MS);
        sink.once("close", () => {
          clearTimeout(giveUp);
          resolve();
        });
        sink.once("error", () => {
          clearTimeout(giveUp);
          resolve();
        });
        sink.end();
      }),
  };
}
