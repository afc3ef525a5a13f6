import { writeFileSync } from "node:fs";
import { type AddressInfo, createServer, type Socket } from "node:net";
import { join } from "node:path";
import { describe, expect, test } from "@jest/globals";
import { PostgresDatabase } from "../../../src/storage/postgres/database.ts";
import { migrate } from "../../../src/storage/postgres/migrations.ts";
import { AUTHORITY, VOUCHED_FOR } from "../../support/network/test-authority.ts";
import { CERTIFICATE, PRIVATE_KEY } from "../../support/network/test-certificate.ts";
import { describeWithPostgres, freshSchema } from "../../support/stores/postgres.ts";
import { temporaryDirectories } from "../../support/stores/temporary-directory.ts";

const directory = temporaryDirectories();
const PASSWORD = "s3cret-word";

/** What a start says with this URL; undefined if the database can be used. */
async function refusalOf(url: string, schema = freshSchema()): Promise<string | undefined> {
  let database: PostgresDatabase | undefined;
  try {
    database = new PostgresDatabase({ url, schema, connections: 2 });
    await migrate(database);
    return undefined;
  } catch (error) {
    expect(error).toMatchObject({ code: "store_unavailable" });
    const { message } = error as Error;
    expect(message).not.toContain(PASSWORD);
    return message;
  } finally {
    await database?.close(1_000);
  }
}

/** A server that does only this with a connection. */
async function serverThat(meets: (socket: Socket) => void) {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket.on("error", () => {}));
    meets(socket);
  });
  await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening));
  const place = `127.0.0.1:${(server.address() as AddressInfo).port}/things`;
  return {
    place,
    url: `postgres://ann:${PASSWORD}@${place}`,
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      await new Promise((closed) => server.close(closed));
    },
  };
}

describe("a database that cannot be reached is named with the reason, without user and password", () => {
  test("a server that accepts and stays silent", async () => {
    await using silent = await serverThat(() => {});
    const refusal = await refusalOf(`${silent.url}?connect_timeout=1`);
    expect(refusal).toBe(`PostgreSQL at ${silent.place} cannot be used: it did not answer in time`);
  });

  test("the same before TLS", async () => {
    await using silent = await serverThat(() => {});
    expect(await refusalOf(`${silent.url}?connect_timeout=1&sslmode=verify-full`)).toContain("did not answer in time");
  });

  test("something else that listens there", async () => {
    await using other = await serverThat((socket) => socket.end("HTTP/1.1 400 Bad Request\r\n\r\n"));
    expect(await refusalOf(other.url)).toContain("cannot be used: it closed the connection");
  });

  test("nothing that listens there", async () => {
    expect(await refusalOf(`postgres://ann:${PASSWORD}@127.0.0.1:1/things`)).toBe(
      "PostgreSQL at 127.0.0.1:1/things cannot be used: connect ECONNREFUSED 127.0.0.1:1",
    );
  });

  test.each([
    ["sslmode=prefer", 'its sslmode is "prefer": it may be disable, no-verify or verify-full'],
    ["sslmode=verify-full&sslrootcert=/no/such/file", "its sslrootcert, /no/such/file, cannot be read (ENOENT)"],
    ["connect_timeout=soon", "its connect_timeout is no number of seconds from 1 to 99"],
  ])("a URL with %s", async (parameters, reason) => {
    expect(await refusalOf(`postgres://ann:${PASSWORD}@127.0.0.1:1/things?${parameters}`)).toContain(reason);
  });
});

describeWithPostgres("a server of PostgreSQL", (server) => {
  const urlFor = (user: string, database = "postgres") => `postgres://${user}@127.0.0.1:${server().port}/${database}`;

  test("that knows the user by another password says so", async () => {
    server().ask(`CREATE ROLE ann LOGIN PASSWORD 'right'`);
    server().admit("host all ann 127.0.0.1/32 scram-sha-256");
    expect(await refusalOf(urlFor(`ann:${PASSWORD}`))).toContain(
      'cannot be used: password authentication failed for user "ann" (28P01)',
    );
  });

  test("that admits no such user says so", async () => {
    server().admit("host all bob 127.0.0.1/32 reject");
    expect(await refusalOf(urlFor(`bob:${PASSWORD}`))).toContain("pg_hba.conf rejects connection");
  });

  test("without that database says so", async () => {
    expect(await refusalOf(urlFor("sluice", "things"))).toContain('database "things" does not exist (3D000)');
  });

  test("whose database is in another encoding is refused", async () => {
    server().ask("CREATE DATABASE latin ENCODING 'LATIN1' LOCALE 'C' TEMPLATE template0");
    expect(await refusalOf(urlFor("sluice", "latin"))).toContain("its encoding is LATIN1, not UTF8");
  });

  test("that lets this user make no schema says so; one that an administrator made will do", async () => {
    server().ask("CREATE ROLE eve LOGIN");
    expect(await refusalOf(urlFor("eve"))).toMatch(
      /this user may not make the schema (\w+) in it: let its owner CREATE SCHEMA \1 AUTHORIZATION eve$/,
    );
    const schema = freshSchema();
    server().ask(`CREATE SCHEMA ${schema} AUTHORIZATION eve`);
    expect(await refusalOf(urlFor("eve"), schema)).toBeUndefined();
  });

  test("whose tables a newer version made is refused", async () => {
    const schema = freshSchema();
    expect(await refusalOf(urlFor("sluice"), schema)).toBeUndefined();
    server().ask(`INSERT INTO ${schema}.migrations (step) VALUES (99)`);
    expect(await refusalOf(urlFor("sluice"), schema)).toContain("a newer version made its tables (step 99");
  });

  test("that does not offer TLS is refused where sslmode asks for it", async () => {
    expect(await refusalOf(`${urlFor("sluice")}?sslmode=verify-full`)).toContain("it does not offer TLS");
  });

  test("with TLS is used if its authority is named and its name is right, and refused otherwise", async () => {
    const [own, other] = [join(directory(), "ca.pem"), join(directory(), "other.pem")];
    writeFileSync(own, AUTHORITY);
    writeFileSync(other, CERTIFICATE);
    const certificate = server().file("server.pem", VOUCHED_FOR);
    server().configure({
      ssl_cert_file: certificate,
      ssl_key_file: server().file("server.key", PRIVATE_KEY),
      ssl: "on",
    });
    const url = `postgres://sluice@localhost:${server().port}/postgres?sslmode=verify-full`;
    expect(await refusalOf(`${url}&sslrootcert=${own}`)).toBeUndefined();
    const untrusted = "its certificate is not trusted: sslrootcert names its authority's file";
    expect(await refusalOf(`${url}&sslrootcert=${other}`)).toContain(untrusted);
    expect(await refusalOf(url)).toContain(untrusted);
    const byAddress = `${urlFor("sluice")}?sslmode=verify-full&sslrootcert=${own}`;
    expect(await refusalOf(byAddress)).toContain("does not match certificate's altnames");
    expect(await refusalOf(`${url}&sslrootcert=${other}`.replace("verify-full", "no-verify"))).toBeUndefined();
  });
});
