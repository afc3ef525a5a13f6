import { expect, test } from "@jest/globals";
import { CONTROL_UI, describeUi, openProfile, startUi, type UiStage } from "../support/browser/control-ui.ts";
import { png } from "../support/browser/png.ts";
import type { UiTab } from "../support/browser/ui-tab.ts";
import { configFor, startSluice } from "../support/gateways/sluice-process.ts";
import { freePort } from "../support/network/free-port.ts";
import { temporaryDirectories } from "../support/stores/temporary-directory.ts";
import { ChatScript } from "../support/upstreams/chat-script.ts";
import { startScriptedUpstream } from "../support/upstreams/scripted-upstream.ts";

const newDirectory = temporaryDirectories();

/** A green square of 96 pixels a side. */
const PNG = png(96, [40, 160, 90]).toString("base64");
const picture = (name: string) => ({ name, mimeType: "image/png", buffer: Buffer.from(PNG, "base64") });
const TEXT = { name: "note.txt", mimeType: "text/plain", buffer: Buffer.from("The boat leaves at nine.") };
const PDF = { name: "plan.pdf", mimeType: "application/pdf", buffer: Buffer.from("%PDF-1.4\n%%EOF\n") };

type File = { readonly name: string; readonly mimeType: string; readonly buffer: Buffer };

async function attach(tab: UiTab, ...files: File[]): Promise<void> {
  await tab.composer.waitFor();
  await tab.page.locator("input[type=file][multiple]").last().setInputFiles(files);
}

/** Waits until a picture of the transcript, fetched from the gateway, is drawn. */
async function untilDrawn(tab: UiTab): Promise<void> {
  const image = tab.page.locator('.chat-group.user img[src*="/__openclaw__/assistant-media?"]').first();
  await image.waitFor();
  // `decode` rejects for a picture that is broken or was refused.
  const width = await image.evaluate(async (element) => {
    await Reflect.get(element, "decode").call(element);
    return Number(Reflect.get(element, "naturalWidth"));
  });
  expect(width).toBe(96);
}

async function ask(ui: Pick<UiStage, "upstream">, tab: UiTab, question: string, answer: string): Promise<string> {
  await tab.send(question);
  const exchange = await ui.upstream.request();
  new ChatScript(exchange).text(answer).finish();
  await tab.untilAnswer(answer);
  return exchange.body;
}

describeUi("files in the Control UI", () => {
  test("a picture stays in the transcript after the answer, a reload, and in another tab, with a token required", async () => {
    await using ui = await startUi({ token: "a-token-of-sixteen-or-more" });
    const tab = await ui.open("new");
    await attach(tab, picture("dot.png"));
    const body = await ask(ui, tab, "What is this?", "a green dot");
    expect(body).toContain(`data:image/png;base64,${PNG}`);
    await untilDrawn(tab);
    await tab.shot("media-answered");
    const address = await tab.untilOwnAddress();
    await tab.page.reload({ waitUntil: "domcontentloaded" });
    await tab.untilAnswer("a green dot");
    await untilDrawn(tab);
    const other = await ui.open(address);
    await untilDrawn(other);
    await other.shot("media-second-tab");
  });

  test("a picture is there after the gateway has started again", async () => {
    await using upstream = await startScriptedUpstream();
    const config = configFor(upstream.url, {
      data: { store: "sqlite", directory: newDirectory() },
      openclaw: { controlUi: CONTROL_UI },
    });
    const env = { SLUICE_PORT: String(await freePort()) };
    await using first = await startSluice(config, { env });
    await using profile = await openProfile(first.url);
    const tab = await profile.open("new");
    await attach(tab, picture("dot.png"));
    await ask({ upstream }, tab, "What is this?", "a green dot");
    const address = await tab.untilOwnAddress();
    await tab.page.close();
    first.kill("SIGTERM");
    await first.exit;
    await using again = await startSluice(config, { env });
    expect(again.url).toBe(first.url);
    const reopened = await profile.open(address);
    await reopened.untilAnswer("a green dot");
    await untilDrawn(reopened);
    await reopened.shot("media-restarted");
  });

  test("a text and a PDF are answered and shown as cards", async () => {
    await using ui = await startUi();
    const tab = await ui.open();
    await attach(tab, TEXT, PDF);
    const body = await ask(ui, tab, "What do these say?", "The boat leaves at nine");
    expect(body).toContain('<file name=\\"note.txt\\">\\nThe boat leaves at nine.\\n</file>');
    expect(body).toContain('"filename":"plan.pdf"');
    await tab.page.reload({ waitUntil: "domcontentloaded" });
    for (const name of ["note.txt", "plan.pdf"]) await tab.untilText(name);
    await tab.untilText(/^TXT.*24 B$/);
    await tab.shot("media-files");
  });

  test("a file that no model reads is refused with its reason on the page", async () => {
    await using ui = await startUi();
    const tab = await ui.open();
    await attach(tab, { name: "song.mp3", mimeType: "audio/mpeg", buffer: Buffer.from([0xff, 0xfb, 0x90, 0x00]) });
    await tab.send("And this?");
    // As a card or above the composer, whichever the page's outbox comes to first.
    await tab.untilText(/song\.mp3 cannot be sent to a model/);
    await tab.shot("media-refused");
    expect(ui.upstream.requests).toBe(0);
  });
});
