import { createHash } from "node:crypto";
import { once } from "node:events";
import { mkdirSync, readFileSync, renameSync, symlinkSync, unlinkSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import { type ControlUiParts, createControlUi } from "../../src/page/control-ui.ts";
import type { PageRequest } from "../../src/page/start-page.ts";
import { temporaryDirectories } from "../support/stores/temporary-directory.ts";

const temporaryDirectory = temporaryDirectories();
const SCRIPT = "\n      globalThis.started = 1;\n    ";
const HTML = `<!doctype html>
<html lang="en"><head><link rel="icon" href="./favicon.svg" /><script data-x="1">${SCRIPT}</script>
<script type="module" crossorigin src="./assets/app-Ab12.js"></script></head><body></body></html>`;

/** A Control UI beside a file that is none of its own. */
function installed() {
  const directory = temporaryDirectory();
  mkdirSync(join(directory, "ui/assets"), { recursive: true });
  writeFileSync(join(directory, "secret.txt"), "not for anybody");
  for (const [name, text] of Object.entries({
    "index.html": HTML,
    "favicon.svg": "<svg/>",
    "assets/app-Ab12.js": "export {};",
    "assets/app-Ab12.js.br": "brotli",
    "assets/app-Ab12.js.gz": "gzip",
  })) {
    writeFileSync(join(directory, "ui", name), text);
  }
  symlinkSync(join(directory, "secret.txt"), join(directory, "ui", "linked.txt"));
  const ui = join(directory, "ui");
  const page = (changes: Partial<ControlUiParts> = {}) => {
    const answer = createControlUi({
      directory: ui,
      version: "1.2.3",
      agentName: "Sluice",
      basePath: "",
      authRequired: () => false,
      authorised: ({ authorization }) => authorization === "Bearer good",
      ...changes,
    });
    return (path: string, fields: Partial<PageRequest> = {}) =>
      answer({ method: "GET", path, headers: {}, remoteAddress: "127.0.0.1", ...fields });
  };
  return { ui, page };
}

const served = (changes: Partial<ControlUiParts> = {}) => installed().page(changes);

describe("the start document", () => {
  test.each(["/ui", "/ui/", "/ui/index.html", "/ui/chat/main", "/ui/settings/model-providers"])(
    "is what %s gives, and no cache keeps it",
    async (path) => {
      const answer = await served()(path);
      expect(answer).toMatchObject({
        status: 200,
        headers: { "content-type": "text/html; charset=utf-8", "cache-control": "no-store" },
      });
      expect(String(answer?.body)).toContain("<!doctype html>");
    },
  );

  test("is served for a deep link with a dot in it, while a missing file is not found", async () => {
    const get = served();
    const navigation = { headers: { accept: "text/html,application/xhtml+xml" } };
    expect((await get("/ui/chat/agent:main:v1.2", navigation))?.status).toBe(200);
    expect((await get("/ui/assets/gone-Zz99.js"))?.status).toBe(404);
  });

  test("has its base path and absolute addresses", async () => {
    const body = String((await served()("/ui/"))?.body);
    expect(body).toContain('<html data-openclaw-control-ui-base-path="/ui" lang="en">');
    expect(body).toContain('href="/ui/favicon.svg"');
    expect(body).toContain('src="/ui/assets/app-Ab12.js"');
  });

  test("has the base path below a proxy's, and passes it to the page", async () => {
    const get = served({ basePath: "/claw/one" });
    const body = String((await get("/ui/"))?.body);
    expect(body).toContain('<html data-openclaw-control-ui-base-path="/claw/one/ui" lang="en">');
    expect(body).toContain('src="/claw/one/ui/assets/app-Ab12.js"');
    const settings = await get("/ui/control-ui-config.json");
    expect(JSON.parse(String(settings?.body))).toMatchObject({ basePath: "/claw/one/ui" });
  });

  test("may run only its own scripts, by their hash", async () => {
    const policy = (await served()("/ui/"))?.headers["content-security-policy"];
    const hash = createHash("sha256").update(SCRIPT).digest("base64");
    expect(policy).toContain(`script-src 'self' 'wasm-unsafe-eval' 'sha256-${hash}';`);
    expect(policy).not.toMatch(/script-src[^;]*unsafe-inline|unsafe-eval'[^;]*'unsafe-eval|https?:|wss?:|\*/);
    expect(policy).toContain("frame-ancestors 'none'");
  });
});

describe("the files", () => {
  test("with a hash are cached forever, others are revalidated", async () => {
    const get = served();
    expect((await get("/ui/assets/app-Ab12.js"))?.headers).toMatchObject({
      "content-type": "text/javascript; charset=utf-8",
      "cache-control": "public, max-age=31536000, immutable",
      "x-content-type-options": "nosniff",
    });
    expect((await get("/ui/favicon.svg"))?.headers).toMatchObject({
      "content-type": "image/svg+xml",
      "cache-control": "no-cache",
      "x-content-type-options": "nosniff",
    });
  });

  test.each([
    ["gzip, deflate, br", "br", "brotli"],
    ["gzip", "gzip", "gzip"],
    ["identity", undefined, "export {};"],
  ])("for a client that takes %s they come as %s", async (accepted, encoding, body) => {
    const answer = await served()("/ui/assets/app-Ab12.js", { headers: { "accept-encoding": accepted } });
    expect(answer?.headers["content-encoding"]).toBe(encoding);
    expect(answer?.headers.vary).toBe("accept-encoding");
    expect(String(answer?.body)).toBe(body);
  });

  test("only GET and HEAD are allowed", async () => {
    expect(await served()("/ui/", { method: "POST" })).toMatchObject({ status: 405, headers: { allow: "GET, HEAD" } });
  });

  test("other paths are not served", () => {
    const get = served();
    for (const path of ["/", "/uix", "/u", "/v1/stream", "/start.js", "//ui/"]) expect(get(path)).toBeUndefined();
  });
});

describe("files outside the directory", () => {
  const ways = ["/ui/../secret.txt", "/ui/..%2fsecret.txt", "/ui/%2e%2e/secret.txt", "/ui/assets/../../secret.txt"];
  test.each([...ways, "/ui/..\\secret.txt", "/ui//secret.txt", "/ui/linked.txt", "/ui/secret.txt\0.js"])(
    "%s does not lead there",
    async (path) => {
      const answer = await served()(path);
      expect(answer?.status).toBe(404);
      expect(String(answer?.body)).not.toContain("not for anybody");
    },
  );

  test.each([
    ["a directory", "etc", "..", "secret.txt"],
    ["a directory of a directory", "assets/etc", "../..", "secret.txt"],
    ["a directory that holds a linked directory", "one/two/etc", "../../..", "secret.txt"],
    ["a file", "copy.txt", "../secret.txt", ""],
    ["a file in a directory", "assets/copy.txt", "../../secret.txt", ""],
  ])("no link leads there: %s", async (_, link, target, name) => {
    const { page, ui } = installed();
    mkdirSync(join(ui, link, ".."), { recursive: true });
    symlinkSync(target, join(ui, link));
    expect(readFileSync(join(ui, link, name), "utf8")).toBe("not for anybody");
    for (const path of [`/ui/${link}/${name}`, `/ui/${link}`]) {
      const answer = await page()(path);
      expect(String(answer?.body)).not.toContain("not for anybody");
    }
    expect((await page()("/ui/favicon.svg"))?.status).toBe(200);
  });

  test("a link within the directory is left out as well", async () => {
    const { page, ui } = installed();
    symlinkSync("assets", join(ui, "alias"));
    symlinkSync("favicon.svg", join(ui, "alias.svg"));
    for (const path of ["/ui/alias/app-Ab12.js", "/ui/alias.svg"]) expect((await page()(path))?.status).toBe(404);
  });

  test("links that form a loop, lead up or lead nowhere do not prevent the start", async () => {
    const { page, ui } = installed();
    for (const [name, target] of Object.entries({
      self: ".",
      up: "..",
      loop: "loop",
      gone: "nowhere",
      "gone.js": "x.js",
    })) {
      symlinkSync(target, join(ui, "assets", name));
    }
    const get = page();
    expect((await get("/ui/assets/app-Ab12.js"))?.status).toBe(200);
    for (const path of ["self/self/app-Ab12.js", "up/index.html", "gone.js", "gone"]) {
      expect(String((await get(`/ui/assets/${path}`))?.body)).not.toBe("export {};");
    }
    expect((await get("/ui/assets/gone.js"))?.status).toBe(404);
  });

  test("anything but a regular file, such as a socket, is left out", async () => {
    const { page, ui } = installed();
    await using server = createServer();
    await once(server.listen(join(ui, "socket.txt")), "listening");
    expect((await page()("/ui/socket.txt"))?.status).toBe(404);
  });

  test("a file that is replaced by a link later is no longer read", async () => {
    const { page, ui } = installed();
    const get = page();
    unlinkSync(join(ui, "favicon.svg"));
    symlinkSync("../secret.txt", join(ui, "favicon.svg"));
    expect((await get("/ui/favicon.svg"))?.status).toBe(404);
    renameSync(join(ui, "assets"), join(ui, "../elsewhere"));
    symlinkSync("../elsewhere", join(ui, "assets"));
    expect((await get("/ui/assets/app-Ab12.js"))?.status).toBe(404);
  });

  test("a start document that is a link does not count", () => {
    const { page, ui } = installed();
    unlinkSync(join(ui, "index.html"));
    symlinkSync("../secret.txt", join(ui, "index.html"));
    expect(() => page()).toThrow("index.html");
  });

  test("the directory itself may be a link", async () => {
    const { page, ui } = installed();
    symlinkSync("ui", join(ui, "../current"));
    const get = page({ directory: join(ui, "../current") });
    expect(String((await get("/ui/assets/app-Ab12.js"))?.body)).toBe("export {};");
    expect(String((await get("/ui/"))?.body)).toContain("<!doctype html>");
  });

  test("no path leads there", async () => {
    const get = served();
    const step = fc.constantFrom("..", ".", "%2e%2e", "..%2f", "ui", "assets", "", "secret.txt", "linked.txt", "\\..");
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 8 }), fc.boolean(), async (steps, navigates) => {
        const headers = navigates ? { accept: "text/html" } : {};
        const answer = await get(`/ui/${steps.join("/")}`, { headers });
        expect(String(answer?.body)).not.toContain("not for anybody");
      }),
    );
  });
});

describe("control-ui-config.json", () => {
  const PATHS = ["/ui/control-ui-config.json", "/ui/__openclaw/control-ui-config.json"];
  test.each(PATHS)("%s says where the page is and whose", async (path) => {
    const answer = await served()(path);
    expect(answer?.headers["cache-control"]).toBe("no-store");
    expect(JSON.parse(String(answer?.body))).toMatchObject({
      basePath: "/ui",
      assistantName: "Sluice",
      assistantAgentId: "main",
      serverVersion: "Sluice 1.2.3",
      terminalEnabled: false,
    });
  });

  test("is served only to clients with the token", async () => {
    const get = served({ authRequired: () => true });
    const [path = ""] = PATHS;
    expect(await get(path)).toMatchObject({ status: 401, body: expect.stringContaining("unauthorized") });
    expect((await get(path, { headers: { authorization: "Bearer bad" } }))?.status).toBe(401);
    expect((await get(path, { headers: { authorization: "Bearer good" } }))?.status).toBe(200);
  });
});

test.each([
  ["without a Control UI", "", "has no index.html"],
  ["that is not there", "/nowhere", "cannot be read"],
])("a directory %s is refused at the start", (_, below, found) => {
  const directory = temporaryDirectory() + below;
  const parts = {
    directory,
    version: "1",
    agentName: "Sluice",
    basePath: "",
    authRequired: () => false,
    authorised: () => true,
  };
  expect(() => createControlUi(parts)).toThrow(
    `no Control UI: ${directory} ${found}; set SLUICE_CONTROL_UI, --control-ui or openclaw.controlUi to an installed one`,
  );
});
