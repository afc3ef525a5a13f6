import { pino } from "pino";

/** Takes log lines and never delays the gateway. */
export interface LogDestination {
  /** Writes one line. Never throws or blocks: a line that cannot be buffered is counted in `dropped`. */
  write(line: string): void;
  /** Lines lost because the reader is gone, or too slow for too long. */
  readonly dropped: number;
  /** Resolves when everything is written, or after a second: a blocked pipe must not keep the process alive. */
  close(): Promise<void>;
}

/** Lines buffered while the pipe is blocked. */
const MAX_BUFFERED_BYTES = 1024 * 1024;
const CLOSE_TIMEOUT_MS = 1_000;

/** A synchronous receiver of lines, such as a test's list. Its faults are its owner's. */
export interface LineSink {
  write(line: string): unknown;
}

/** Opens a file descriptor or a path for asynchronous writes; a sink gets each line synchronously. */
export function openDestination(target: number | string | LineSink): LogDestination {
  if (typeof target === "object") {
    return { write: (line) => void target.write(line), dropped: 0, close: () => Promise.resolve() };
  }
  const sink = pino.destination({ dest: target, sync: false, maxLength: MAX_BUFFERED_BYTES, mkdir: true });
  let dropped = 0;
  let gone = false;
  sink.on("drop", () => dropped++);
  // Without a listener a broken pipe would end the process. After other faults, such as a full disk, it keeps trying.
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
