import { once } from "node:events";
import { createServer, request as httpRequest, type OutgoingHttpHeaders } from "node:http";
import { type AddressInfo, connect } from "node:net";
import { describe, expect, test } from "@jest/globals";
import { InboundBudget } from "../../../src/core/caller/inbound-budget.ts";
import { GatewayError } from "../../../src/core/kernel/errors.ts";
import { sendPage } from "../../../src/transport/http/page.ts";
import { readBody } from "../../../src/transport/http/request-body.ts";

const MAX_BYTES = 1_000;

/** A server that answers with what it read of a body, or with the code of what was wrong with it. */
async function startReader() {
  const results: string[] = [];
  const budget = new InboundBudget({ maxBytes: 10_000, maxBytesEach: 10_000 });
  const left = Promise.withResolvers<void>();
  const asked = Promise.withResolvers<void>();
  const server = createServer((request, response) => {
    response.on("close", () => left.resolve());
    readBody(request, MAX_BYTES, { came() {}, reserve: (bytes) => budget.reserve("a", bytes) }, (result) => {
      results.push(result instanceof GatewayError ? result.code : result);
      sendPage(request, response, {
        status: result instanceof GatewayError ? 400 : 200,
        headers: {},
        body: results.at(-1) ?? "",
      });
    });
    asked.resolve();
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;

  return {
    port,
    results,
    /** The connection of the last request is closed. */
    left: left.promise,
    asked: asked.promise,
    /** Sends these pieces, each in a loop turn of its own, and returns the answer. */
    async send(headers: OutgoingHttpHeaders, pieces: readonly (string | Buffer)[]): Promise<string> {
      const request = httpRequest({ port, host: "127.0.0.1", method: "POST", agent: false, headers });
      const answered = once(request, "response");
      for (const piece of pieces) {
        await new Promise((written) => request.write(piece, written));
        await new Promise((turn) => setImmediate(turn));
      }
      request.end();
      const [response] = await answered;
      let text = "";
      for await (const chunk of response) text += chunk;
      return text;
    },
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((closed) => server.close(closed));
    },
  };
}

describe("a request's body", () => {
  test("is read whole, in whatever pieces it comes", async () => {
    await using reader = await startReader();
    const text = "Grüße, 世界 🙂";
    expect(
      await reader.send(
        {},
        [...Buffer.from(text)].map((byte) => Buffer.from([byte])),
      ),
    ).toBe(text);
    expect(await reader.send({ "content-length": 2 }, ["o", "k"])).toBe("ok");
    expect(await reader.send({ "content-encoding": "identity" }, ["plain"])).toBe("plain");
    expect(await reader.send({}, [])).toBe("");
  });

  test("may be as long as the limit, and not a byte longer, also when no length was promised", async () => {
    await using reader = await startReader();
    const limit = "x".repeat(MAX_BYTES);
    expect(await reader.send({}, [limit])).toBe(limit);
    expect(await reader.send({}, [limit, "x"])).toBe("frame_too_large");
    expect(await reader.send({ "content-length": MAX_BYTES + 1 }, [limit, "x"])).toBe("frame_too_large");
  });

  test("that is far too long is thrown away as it comes, and its sender hears so", async () => {
    await using reader = await startReader();
    const megabyte = Buffer.alloc(1_048_576, "x");
    expect(await reader.send({}, Array(8).fill(megabyte))).toBe("frame_too_large");
    expect(await reader.send({ "content-length": 8 * megabyte.length }, Array(8).fill(megabyte))).toBe(
      "frame_too_large",
    );
    expect(reader.results).toHaveLength(2);
  });

  test("that is shorter than promised never counts as one", async () => {
    await using reader = await startReader();
    const socket = connect(reader.port, "127.0.0.1");
    socket.write("POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 10\r\n\r\n{}");
    await reader.asked;
    socket.end();
    await reader.left;
    expect(reader.results).toEqual([]);
  });

  test("whose sender hangs up in the middle is given up", async () => {
    await using reader = await startReader();
    const socket = connect(reader.port, "127.0.0.1");
    socket.write("POST / HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n2\r\n{}\r\n");
    await reader.asked;
    socket.resetAndDestroy();
    await reader.left;
    expect(reader.results).toEqual([]);
  });

  test("that is packed is not unpacked", async () => {
    await using reader = await startReader();
    for (const encoding of ["gzip", "br", "zstd", "gzip, identity"]) {
      expect(await reader.send({ "content-encoding": encoding }, ["x"])).toBe("bad_request");
    }
  });

  test("that is not UTF-8 is refused, not repaired", async () => {
    await using reader = await startReader();
    expect(await reader.send({}, [Buffer.from([0x22, 0xff, 0x22])])).toBe("bad_request");
    expect(await reader.send({}, [Buffer.from("世").subarray(0, 2)])).toBe("bad_request");
  });
});
