import { expect, test } from "@jest/globals";
import { describeUi, openKeptProfile, startUi } from "../support/browser/control-ui.ts";
import { OpenClawClient } from "../support/openclaw/openclaw-client.ts";
import { temporaryDirectories } from "../support/stores/temporary-directory.ts";
import { ChatScript } from "../support/upstreams/chat-script.ts";

const newDirectory = temporaryDirectories();
const token = "a-shared-token-of-this-test";

describeUi("signed in in the Control UI", () => {
  test("a new tab and a reopened browser are signed in at once, without the token", async () => {
    await using ui = await startUi({ token });
    const directory = newDirectory();
    {
      await using profile = await openKeptProfile(ui.gateway.url, directory);
      const first = await profile.open("chat/main", token);
      await first.send("Remember the tide");
      new ChatScript(await ui.upstream.request()).text("High water at nine").finish();
      await first.untilAnswer("High water at nine");
      const second = await profile.open();
      await second.untilAnswer("High water at nine");
      expect(await second.page.evaluate("JSON.stringify({ ...sessionStorage })")).not.toContain(token);
      await second.settled();
      await second.shot("signed-in-second-tab");
    }
    await using profile = await openKeptProfile(ui.gateway.url, directory);
    const reopened = await profile.open();
    await reopened.untilAnswer("High water at nine");
    await reopened.send("And low water?");
    new ChatScript(await ui.upstream.request()).text("At three").finish();
    await reopened.untilAnswer("At three");
    await reopened.shot("signed-in-reopened");
    expect(reopened.refused).toEqual([]);
  });

  test("its devices are listed in the settings, each as connected or not", async () => {
    await using ui = await startUi({ token });
    const tab = await ui.open("settings/devices");
    await tab.untilText("1 of 1 connected");
    expect(await tab.page.getByText("unpaired").count()).toBe(0);
    await tab.shot("signed-in-devices");
  });

  test("a browser whose device is removed is asked for the token, once, and can sign in with it", async () => {
    await using ui = await startUi({ token });
    await using profile = await openKeptProfile(ui.gateway.url, newDirectory());
    const first = await profile.open("chat/main", token);
    await first.composer.waitFor();
    await first.page.close();
    const tab = await profile.open();
    await tab.composer.waitFor();
    using operator = await OpenClawClient.dial(ui.gateway.url);
    await operator.connect({ token });
    const { paired } = (await operator.request("device.pair.list")) as { paired: { deviceId: string }[] };
    await operator.request("device.pair.remove", { deviceId: paired[0]?.deviceId });
    const password = tab.page.locator("input[type=password]:visible").first();
    await password.waitFor();
    await tab.shot("signed-in-removed");
    expect(tab.refused).toEqual([{ method: "connect", message: expect.stringContaining("device token mismatch") }]);
    await password.fill(token);
    await tab.page.keyboard.press("Enter");
    await tab.composer.waitFor();
  });
});
