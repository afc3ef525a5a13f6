import { once } from "node:events";
import { createServer, request as httpRequest, type OutgoingHttpHeaders } from "node:http";
import { type AddressInfo, connect } from "node:net";
import { brotliCompressSync, deflateRawSync, deflateSync, gzipSync, zstdCompressSync } from "node:zlib";
import { describe, expect, test } from "@jest/globals";
import { InboundBudget, type InboundReservation } from "../../../src/core/caller/inbound-budget.ts";
import { GatewayError } from "../../../src/core/kernel/errors.ts";
import { sendPage } from "../../../src/transport/http/page.ts";
import { readBody } from "../../../src/transport/http/request-body.ts";
import { turnsUntil } from "../../support/jest/turns-until.ts";

const MAX_BYTES = 1_000;

/** A server that answers with what it read of a body, or with the code of what was wrong with it. */
async function startReader({ maxBytes = 100_000 } = {}) {
  const results: string[] = [];
  const budget = new InboundBudget({ maxBytes, maxBytesEach: maxBytes });
  let mostReserved = 0;
  const reserve = (bytes: number): InboundReservation => {
    const noted = <Value>(value: Value): Value => {
      mostReserved = Math.max(mostReserved, budget.usedBytes);
      return value;
    };
    const reservation = noted(budget.reserve("a", bytes));
    return {
      get bytes() {
        return reservation.bytes;
      },
      growTo: (total) => noted(reservation.growTo(total)),
      release: () => reservation.release(),
    };
  };
  const left = Promise.withResolvers<void>();
  const asked = Promise.withResolvers<void>();
  const server = createServer((request, response) => {
    const giveUp = readBody(request, MAX_BYTES, { came() {}, reserve }, (result) => {
      results.push(result instanceof GatewayError ? result.code : result);
      sendPage(request, response, {
        status: result instanceof GatewayError ? 400 : 200,
        headers: {},
        body: results.at(-1) ?? "",
      });
    });
    response.on("close", () => {
      giveUp();
      left.resolve();
    });
    asked.resolve();
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;

  return {
    port,
    results,
    budget,
    mostReserved: () => mostReserved,
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
  test("is read in full, however it is split", async () => {
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

  test("may be as long as the limit and no longer, with or without a content-length", async () => {
    await using reader = await startReader();
    const limit = "x".repeat(MAX_BYTES);
    expect(await reader.send({}, [limit])).toBe(limit);
    expect(await reader.send({}, [limit, "x"])).toBe("frame_too_large");
    expect(await reader.send({ "content-length": MAX_BYTES + 1 }, [limit, "x"])).toBe("frame_too_large");
  });

  test("that is far too long is discarded as it arrives, and its sender receives the refusal", async () => {
    await using reader = await startReader();
    const megabyte = Buffer.alloc(1_048_576, "x");
    expect(await reader.send({}, Array(8).fill(megabyte))).toBe("frame_too_large");
    expect(await reader.send({ "content-length": 8 * megabyte.length }, Array(8).fill(megabyte))).toBe(
      "frame_too_large",
    );
    expect(reader.results).toHaveLength(2);
  });

  test("that is shorter than announced is never delivered", async () => {
    await using reader = await startReader();
    const socket = connect(reader.port, "127.0.0.1");
    socket.write("POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 10\r\n\r\n{}");
    await reader.asked;
    socket.end();
    await reader.left;
    socket.destroy();
    expect(reader.results).toEqual([]);
  });

  test("whose sender hangs up midway is abandoned", async () => {
    await using reader = await startReader();
    const socket = connect(reader.port, "127.0.0.1");
    socket.write("POST / HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n2\r\n{}\r\n");
    await reader.asked;
    socket.resetAndDestroy();
    await reader.left;
    expect(reader.results).toEqual([]);
  });

  const packers = {
    gzip: gzipSync,
    "x-gzip": gzipSync,
    deflate: deflateSync,
    br: brotliCompressSync,
    zstd: zstdCompressSync,
  };
  const PACKERS = Object.entries(packers);

  test.each(PACKERS)("compressed with %s is decompressed, however it is split", async (encoding, pack) => {
    await using reader = await startReader();
    const text = "Grüße, 世界 🙂".repeat(20);
    const packed = pack(Buffer.from(text));
    expect(await reader.send({ "content-encoding": encoding }, [packed])).toBe(text);
    expect(
      await reader.send({ "content-encoding": encoding.toUpperCase(), "content-length": packed.length }, [packed]),
    ).toBe(text);
    const bytes = [...packed].map((byte) => Buffer.from([byte]));
    expect(await reader.send({ "content-encoding": `identity, ${encoding}` }, bytes)).toBe(text);
    expect(reader.budget.usedBytes).toBe(0);
  });

  test.each(PACKERS)(
    "compressed with %s may be as long as the limit when decompressed, and no longer",
    async (encoding, pack) => {
      await using reader = await startReader();
      const limit = "x".repeat(MAX_BYTES);
      const send = (text: string | Buffer) => reader.send({ "content-encoding": encoding }, [pack(Buffer.from(text))]);
      expect(await send(limit)).toBe(limit);
      expect(await send(`${limit}x`)).toBe("frame_too_large");
      expect(await send(Buffer.alloc(50_000_000))).toBe("frame_too_large");
      // What the largest would have taken was never there.
      expect(reader.mostReserved()).toBeLessThan(4 * MAX_BYTES);
      expect(reader.budget.usedBytes).toBe(0);
    },
  );

  test.each(PACKERS)("that is not valid %s is refused", async (encoding, pack) => {
    await using reader = await startReader();
    const packed = pack(Buffer.from('{"model":"gpt","stream":true,"messages":[]}'));
    for (const broken of [Buffer.from("{}"), packed.subarray(0, packed.length - 6), Buffer.from([0xff, 0xff])]) {
      expect(await reader.send({ "content-encoding": encoding }, [broken])).toBe("bad_request");
    }
    expect(reader.budget.usedBytes).toBe(0);
  });

  test("compressed in several frames is their concatenation, up to 64 frames", async () => {
    await using reader = await startReader();
    for (const [encoding, pack] of [
      ["zstd", zstdCompressSync],
      ["gzip", gzipSync],
    ] as const) {
      const frames = ["{", '"a":1', "}"].map((text) => pack(Buffer.from(text)));
      expect(await reader.send({ "content-encoding": encoding }, [Buffer.concat(frames)])).toBe('{"a":1}');
    }
    const empty = zstdCompressSync(Buffer.alloc(0));
    const send = (count: number) =>
      reader.send({ "content-encoding": "zstd" }, [Buffer.concat(Array<Buffer>(count).fill(empty))]);
    expect([await send(64), await send(65)]).toEqual(["", "bad_request"]);
    expect(reader.budget.usedBytes).toBe(0);
  });

  test("compressed with raw deflate is decompressed too", async () => {
    await using reader = await startReader();
    const packed = deflateRawSync(Buffer.from('{"model":"gpt"}'));
    expect(await reader.send({ "content-encoding": "deflate" }, [packed])).toBe('{"model":"gpt"}');
  });

  test("with another content-encoding, or two, is refused", async () => {
    await using reader = await startReader();
    for (const encoding of ["compress", "gzip, gzip", "zstd, br", "constructor"]) {
      expect(await reader.send({ "content-encoding": encoding }, [gzipSync("x")])).toBe("bad_request");
    }
  });

  test("that decompresses to more than the budget allows is refused, and its reservation released", async () => {
    await using reader = await startReader({ maxBytes: 700 });
    expect(await reader.send({ "content-encoding": "zstd" }, [zstdCompressSync(Buffer.alloc(900))])).toBe("overloaded");
    expect(reader.budget.usedBytes).toBe(0);
  });

  test("whose sender hangs up during decompression has its reservation released", async () => {
    await using reader = await startReader();
    const packed = gzipSync(Buffer.alloc(900));
    const socket = connect(reader.port, "127.0.0.1");
    socket.write(`POST / HTTP/1.1\r\nhost: x\r\ncontent-encoding: gzip\r\ncontent-length: ${packed.length}\r\n\r\n`);
    socket.end(packed);
    await reader.asked;
    socket.destroy();
    await reader.left;
    await turnsUntil(() => reader.budget.usedBytes === 0);
  });

  test("that is not UTF-8 is refused, not repaired", async () => {
    await using reader = await startReader();
    expect(await reader.send({}, [Buffer.from([0x22, 0xff, 0x22])])).toBe("bad_request");
    expect(await reader.send({}, [Buffer.from("世").subarray(0, 2)])).toBe("bad_request");
  });
});
