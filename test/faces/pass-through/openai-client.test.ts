import { createHash } from "node:crypto";
import { describe, expect, test } from "@jest/globals";
import OpenAI, { toFile } from "openai";
import { answerJson, type ProviderAnswer } from "../../support/upstreams/provider.ts";
import { ROUTE_KEY, setUp } from "./set-up.ts";

const FILE = { id: "file-1", object: "file", bytes: 3, created_at: 1, filename: "a.jsonl", purpose: "batch" };
/** Bytes that are no text in any encoding. */
const BINARY = Buffer.from(Array.from({ length: 100_000 }, (_, at) => (at * 7) % 256));

const OPENAI: ProviderAnswer = ({ method, url, text }, response) => {
  const path = `${method} ${url.split("?")[0]}`;
  if (path === "POST /v1/embeddings") {
    const { input } = JSON.parse(text);
    answerJson(response, {
      object: "list",
      model: JSON.parse(text).model,
      data: [input].flat().map((_: unknown, index: number) => ({ object: "embedding", index, embedding: [0.5, -1] })),
      usage: { prompt_tokens: 3, total_tokens: 3 },
    });
  } else if (path === "GET /v1/files/file-1/content") {
    response.writeHead(200, { "content-type": "application/octet-stream", "content-length": BINARY.length });
    response.end(BINARY);
  } else if (path === "GET /v1/files") answerJson(response, { object: "list", data: [FILE], has_more: false });
  else if (path === "DELETE /v1/files/file-1") answerJson(response, { id: "file-1", object: "file", deleted: true });
  else if (path.includes("/v1/files")) answerJson(response, FILE);
  else if (path.includes("/v1/batches")) answerJson(response, { id: "batch_1", object: "batch", status: "validating" });
  else if (path.includes("/v1/images")) answerJson(response, { created: 1, data: [{ b64_json: "aGk=" }] });
  else answerJson(response, { error: { message: "no such path" } }, 404);
};

const clientOf = (url: string) => new OpenAI({ apiKey: "sk-of-the-client", baseURL: `${url}/v1`, maxRetries: 0 });

describe("the openai client", () => {
  test("gets its embeddings, for an alias under the provider's name and with the route's key", async () => {
    await using rig = await setUp(OPENAI);
    const { data } = await clientOf(rig.url).embeddings.create({
      model: "embed",
      input: ["a", "b"],
      encoding_format: "float",
    });
    expect(data.map(({ embedding }) => embedding)).toEqual([
      [0.5, -1],
      [0.5, -1],
    ]);
    const [request] = rig.provider.requests;
    expect(JSON.parse(request?.text ?? "")).toEqual({
      model: "text-embedding-3-small",
      input: ["a", "b"],
      encoding_format: "float",
    });
    expect(request?.headers.authorization).toBe(`Bearer ${ROUTE_KEY}`);
  });

  test("uploads a file of 20 MB, which arrives byte for byte", async () => {
    await using rig = await setUp(OPENAI);
    const bytes = Buffer.concat(Array.from({ length: 200 }, () => BINARY));
    const file = await clientOf(rig.url).files.create({ file: await toFile(bytes, "a.bin"), purpose: "batch" });
    expect(file.id).toBe("file-1");
    const [request] = rig.provider.requests;
    expect(request?.headers["content-type"]).toMatch(/^multipart\/form-data; boundary=/);
    expect(request?.bytes).toBeGreaterThan(bytes.length);
    expect(request?.bytes).toBeLessThan(bytes.length + 1_000);
  });

  test("lists, finds, downloads and deletes files", async () => {
    await using rig = await setUp(OPENAI);
    const { files } = clientOf(rig.url);
    expect((await files.list({ limit: 5 })).data.map(({ id }) => id)).toEqual(["file-1"]);
    expect((await files.retrieve("file-1")).filename).toBe("a.jsonl");
    const content = await files.content("file-1");
    const downloaded = Buffer.from(await content.arrayBuffer());
    expect(createHash("sha256").update(downloaded).digest("hex")).toBe(
      createHash("sha256").update(BINARY).digest("hex"),
    );
    expect(content.headers.get("content-length")).toBe(String(BINARY.length));
    expect((await files.delete("file-1")).deleted).toBe(true);
    expect(rig.provider.requests.map(({ method, url }) => `${method} ${url}`)).toEqual([
      "GET /v1/files?limit=5",
      "GET /v1/files/file-1",
      "GET /v1/files/file-1/content",
      "DELETE /v1/files/file-1",
    ]);
  });

  test("begins and follows a batch", async () => {
    await using rig = await setUp(OPENAI);
    const { batches } = clientOf(rig.url);
    const batch = await batches.create({
      input_file_id: "file-1",
      endpoint: "/v1/chat/completions",
      completion_window: "24h",
    });
    expect(batch.id).toBe("batch_1");
    expect((await batches.retrieve("batch_1")).status).toBe("validating");
  });

  test("makes and edits images", async () => {
    await using rig = await setUp(OPENAI);
    const { images } = clientOf(rig.url);
    const made = await images.generate({ model: "gpt-image-1", prompt: "a sluice" });
    expect(made.data?.[0]?.b64_json).toBe("aGk=");
    const image = await toFile(BINARY, "a.png", { type: "image/png" });
    expect((await images.edit({ model: "gpt-image-1", image, prompt: "again" })).data).toHaveLength(1);
  });

  test("gets a path that no route lists refused in OpenAI's form", async () => {
    await using rig = await setUp(OPENAI);
    const call = clientOf(rig.url).moderations.create({ input: "a" });
    await expect(call).rejects.toMatchObject({ status: 404 });
    expect(rig.provider.requests).toEqual([]);
  });
});
