import { randomInt } from "node:crypto";
import { once } from "node:events";
import { createServer } from "node:net";

/** Below the ports that systems give to whoever asks for any (32768 on Linux, 49152 elsewhere), and above the well-known. */
const [FIRST, END] = [12_000, 32_000];

/**
 * A port of loopback for a program that cannot be asked to listen on any and say which. Nothing that asks the system for one
 * gets it before the program does, or while the program is down; neither can a client connect to itself there.
 */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = randomInt(FIRST, END);
    const server = createServer().listen(port, "127.0.0.1");
    const isFree = await once(server, "listening").then(
      () => true,
      (error: NodeJS.ErrnoException) => {
        if (error.code !== "EADDRINUSE") throw error;
        return false;
      },
    );
    if (!isFree) continue;
    await new Promise((resolve) => server.close(resolve));
    return port;
  }
}
