let isReading = false;
const waiting: (() => void)[] = [];

/** From here on until `endRead` all that happens comes of one read of an upstream's socket. */
export function beginRead(): void {
  isReading = true;
}

/**
 * Runs `work` once when the read is handled, so that what it brought leaves together and waits for no other socket's
 * reads. False, and nothing is done, when there is none.
 */
export function afterRead(work: () => void): boolean {
  if (isReading) waiting.push(work);
  return isReading;
}

export function endRead(): void {
  isReading = false;
  for (const work of waiting) work();
  waiting.length = 0;
}
