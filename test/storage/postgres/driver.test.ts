import { expect, test } from "@jest/globals";
import { withDriver } from "../../../src/storage/postgres/driver.ts";

const missing = () =>
  Promise.reject(
    Object.assign(new Error("Cannot find package 'pg' imported from /x.js"), { code: "ERR_MODULE_NOT_FOUND" }),
  );
const CURE =
  "its driver, the optional package pg, is not installed: install without --omit=optional, or npm install pg";

test.each([
  [undefined, `data.store is "postgres", and ${CURE}`],
  ["data.postgres is one of the two places", `data.postgres is one of the two places, and ${CURE}`],
])("without the driver, whoever needs it says why: %s", async (why, message) => {
  await expect(withDriver(missing, why)).rejects.toMatchObject({ code: "store_unavailable", message });
});
