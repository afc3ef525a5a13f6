import { expect, test } from "@jest/globals";
import { openPostgresKeys, watchPostgresKeys } from "../../../src/storage/keys/postgres-keys.ts";
import { PostgresDatabase } from "../../../src/storage/postgres/database.ts";
import { Health } from "../../../src/storage/postgres/health.ts";
import { migrate } from "../../../src/storage/postgres/migrations.ts";
import { freshSecret, keyFor } from "../../support/gateways/gateway-key.ts";
import { describeWithPostgres, freshSchema } from "../../support/stores/postgres.ts";
import { keyContract } from "./key-contract.ts";

describeWithPostgres("the keys in PostgreSQL", (server) => {
  keyContract("PostgreSQL", () => {
    const schema = freshSchema();
    const options = server().options(schema);
    const database = new PostgresDatabase(options);
    return {
      open: () => openPostgresKeys(options),
      watch: async (news) => {
        await migrate(database);
        return watchPostgresKeys(
          database,
          new Health(
            () => performance.now(),
            () => {},
          ),
          news,
        );
      },
      spoil: () => void server().ask(`ALTER TABLE ${schema}.key_changes RENAME TO hidden`),
      mend: () => void server().ask(`ALTER TABLE ${schema}.hidden RENAME TO key_changes`),
      close: () => database.close(5_000),
    };
  });

  test("a server that fails is named with the reason, and no key is quoted", async () => {
    const schema = freshSchema();
    const keys = await openPostgresKeys(server().options(schema));
    server().ask(`ALTER TABLE ${schema}.keys ADD CONSTRAINT none CHECK (false)`);
    const { message } = (await keys.add(keyFor("alice", freshSecret())).catch((error: Error) => error)) as Error;
    expect(message).toContain("cannot be used: PostgreSQL's error 23514");
    expect(message).not.toContain("alice");
    await keys.close();
  });
});
