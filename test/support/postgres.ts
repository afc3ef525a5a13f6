import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, describe } from "@jest/globals";
import { CAN_RUN, TestPostgres } from "./postgres-server.ts";

export { TestPostgres };

/** A name for a schema that no other test uses. */
export const freshSchema = (): string => `s_${randomUUID().replaceAll("-", "")}`;

/**
 * Describes what needs a server of PostgreSQL, which runs meanwhile. Where its programs are missing the tests are skipped,
 * and the name says why.
 */
export function describeWithPostgres(name: string, tests: (server: () => TestPostgres) => void): void {
  if (!CAN_RUN) {
    describe.skip(`${name} (skipped: no server of PostgreSQL is installed here)`, () => tests(() => unavailable()));
    return;
  }
  describe(name, () => {
    let server: TestPostgres | undefined;
    beforeAll(async () => {
      server = await TestPostgres.start();
    });
    afterAll(() => server?.stop());
    tests(() => server ?? unavailable());
  });
}

function unavailable(): never {
  throw new Error("no server runs");
}
