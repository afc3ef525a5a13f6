/** How often a test may be overtaken by time. */
const TRIES = 20;

/** Runs a test, and again from its beginning if it has failed too late to say anything. */
async function notLate(begin: () => () => boolean, work: () => Promise<void>): Promise<void> {
  for (let left = TRIES; ; left--) {
    const isLate = begin();
    try {
      return await work();
    } catch (error) {
      if (!isLate() || left === 1) throw error;
    }
  }
}

/** Runs a test of what is counted by the minute, and again if it has failed in the next minute. */
export const inOneMinute = (work: () => Promise<void>): Promise<void> =>
  notLate(() => {
    const minute = () => Math.floor(Date.now() / 60_000);
    const began = minute();
    return () => minute() !== began;
  }, work);

/** Runs a test of what holds for so many milliseconds, and again if it has failed after them. */
export const within = (ms: number, work: () => Promise<void>): Promise<void> =>
  notLate(() => {
    const began = performance.now();
    return () => performance.now() - began >= ms;
  }, work);
