import { afterAll, beforeAll, describe } from "@jest/globals";

/** Suites that each have a server of their own; skipped, and said so, where its program is not installed. */
export const describeWith =
  <Server extends { stop(): unknown }>(program: string, canRun: boolean, start: () => Promise<Server>) =>
  (name: string, suite: (server: () => Server) => void): void => {
    let server: Server | undefined;
    const running = (): Server => {
      if (!server) throw new Error(`no ${program} runs`);
      return server;
    };
    if (!canRun) {
      describe.skip(`${name} (skipped: ${program} is not installed here)`, () => suite(running));
      return;
    }
    describe(name, () => {
      beforeAll(async () => {
        server = await start();
      });
      afterAll(async () => {
        await server?.stop();
      });
      suite(running);
    });
  };
