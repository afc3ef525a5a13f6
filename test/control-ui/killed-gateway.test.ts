import { expect, test } from "@jest/globals";
import { CONTROL_UI, describeUi, openProfile } from "../support/browser/control-ui.ts";
import { configFor, startSluice } from "../support/gateways/sluice-process.ts";
import { freePort } from "../support/network/free-port.ts";
import { untilStored } from "../support/stores/stored-text.ts";
import { temporaryDirectories } from "../support/stores/temporary-directory.ts";
import { ChatScript } from "../support/upstreams/chat-script.ts";
import { startScriptedUpstream } from "../support/upstreams/scripted-upstream.ts";

const newDirectory = temporaryDirectories();

/** A gateway with a data directory over a scripted upstream, and a browser that asked it for a story. */
async function setUp() {
  await using made = new AsyncDisposableStack();
  const upstream = made.use(await startScriptedUpstream());
  const directory = newDirectory();
  const config = configFor(upstream.url, { data: { store: "sqlite", directory }, openclaw: { controlUi: CONTROL_UI } });
  const env = { SLUICE_PORT: String(await freePort()) };
  const killed = made.use(await startSluice(config, { env }));
  const profile = made.use(await openProfile(killed.url));
  const tab = await profile.open("new");
  await tab.send("Tell me a story");
  new ChatScript(await upstream.request()).text("Once upon a time");
  await tab.untilAnswer("Once upon a time");
  const stack = made.move();
  return {
    upstream,
    profile,
    tab,
    /** Kills the gateway, and starts it again where it was; also the address of the session. */
    async killAndRestart() {
      const address = await tab.untilOwnAddress();
      // A page that looks on complains of each connection that fails.
      await tab.page.close();
      await untilStored(directory, "Once upon a time");
      killed.kill("SIGKILL");
      await killed.exit;
      const again = stack.use(await startSluice(config, { env }));
      expect(again.url).toBe(killed.url);
      return address;
    },
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  };
}

describeUi("a gateway killed in mid-answer, in the Control UI", () => {
  test("shows the partial answer and the reason after its restart, answers the next message, and asks the old one again", async () => {
    await using up = await setUp();
    const { upstream, profile } = up;
    const tab = await profile.open(await up.killAndRestart());
    await tab.untilText("Once upon a time");
    await tab.untilText(/[Tt]he gateway stopped in the middle of this answer/);
    await tab.shot("killed-gateway");
    await tab.send("Once more");
    new ChatScript(await upstream.request()).text("They lived happily").finish();
    await tab.untilAnswer("They lived happily");
    await tab.untilQuestions(["Tell me a story", "Once more"]);
    await tab.rewind("Tell me a story");
    await tab.page.keyboard.press("Enter");
    new ChatScript(await upstream.request()).text("Once upon a time, and so on").finish();
    await tab.untilAnswer("Once upon a time, and so on");
    await tab.untilQuestions(["Tell me a story"]);
  });

  test("answers the message that waited, and shows each once", async () => {
    await using up = await setUp();
    const { upstream, profile, tab } = up;
    await tab.send("And then");
    await tab.until("chat.send", { message: "And then" });
    const address = await up.killAndRestart();
    const answer = new ChatScript(await upstream.request());
    const later = await profile.open(address);
    await later.untilQuestions(["Tell me a story", "And then"]);
    answer.text("They lived happily").finish();
    await later.untilAnswer("They lived happily");
    await later.untilQuestions(["Tell me a story", "And then"]);
    await later.shot("killed-gateway-queued");
    expect(upstream.requests).toBe(2);
  });
});
