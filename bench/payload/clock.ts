/**
 * Microseconds of CLOCK_MONOTONIC, which all processes of a Linux machine share, so times from the upstream and the client
 * can be subtracted. (`performance.now` counts from each process's own start.)
 */
export function nowUs(): number {
  const [seconds, nanoseconds] = process.hrtime();
  return seconds * 1e6 + nanoseconds / 1000;
}
