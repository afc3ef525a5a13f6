/**
 * Microseconds of CLOCK_MONOTONIC, which on Linux all processes of a machine share: a time taken in the upstream can be
 * subtracted from one taken in the client. (`performance.now` counts from each process's own start.)
 */
export function nowUs(): number {
  const [seconds, nanoseconds] = process.hrtime();
  return seconds * 1e6 + nanoseconds / 1000;
}
