import { randomUUID } from "node:crypto";
import { describeWith } from "../jest/describe-with.ts";
import { CAN_RUN, TestPostgres } from "./postgres-server.ts";

export { TestPostgres };

/** A name for a schema that no other test uses. */
export const freshSchema = (): string => `s_${randomUUID().replaceAll("-", "")}`;

/** A suite with a PostgreSQL of its own. */
export const describeWithPostgres = describeWith("PostgreSQL", CAN_RUN, () => TestPostgres.start());
