// @ts-check
/** The snippets to copy, with the address of this gateway. */
import { httpBase, webSocketBase } from "./address.js";
import { bodyFor } from "./dialect-reader.js";

/** @import { Model } from "./try-it.js" */

/**
 * @param {boolean} authRequired
 * @param {Model | undefined} model the one in the example
 * @returns {Record<string, string>} texts by the id of their element
 */
export function snippets(authRequired, model) {
  const ws = webSocketBase();
  // A proxy that takes its path off knows only the folder: clients follow no redirect to it.
  const openclaw = new URL(ws).pathname === "/" ? ws : `${ws}/`;
  const token = authRequired ? "<token>" : "any";
  const header = authRequired ? ' -H "Authorization: Bearer <token>"' : "";
  const bearer = authRequired ? ' -H "authorization: Bearer $SLUICE_KEY"' : "";
  const { alias, dialect } = model ?? { alias: "demo", dialect: "anthropic-messages" };
  const open = { type: "open", id: "1", model: alias, flow: "none", body: bodyFor(dialect, "Hi") };
  return {
    "openclaw-url": openclaw,
    "openclaw-cli": `openclaw tui --url ${openclaw} --token ${token}`,
    "stream-connect": `npx wscat -c ${ws}/v1/stream -s sluice.v1${header}`,
    "stream-open": JSON.stringify(open),
    "usage-curl": `curl${bearer} "${httpBase()}/v1/usage?by=model&since=7d"`,
    "metrics-curl": `curl${bearer} ${httpBase()}/metrics`,
    "top-cli": `sluice top --url ${httpBase()}`,
    "health-curl": `curl ${httpBase()}/healthz`,
  };
}

/** @param {Record<string, string>} texts */
export function showSnippets(texts) {
  for (const [id, text] of Object.entries(texts)) {
    const code = document.getElementById(id);
    if (code) code.textContent = text;
  }
}

/** Makes each Copy button copy its snippet. */
export function startCopying() {
  for (const button of document.querySelectorAll("button[data-copy]")) {
    const code = document.getElementById(button.getAttribute("data-copy") ?? "");
    button.addEventListener("click", async () => {
      button.textContent = (await copy(code)) ? "Copied" : "Selected";
      setTimeout(() => {
        button.textContent = "Copy";
      }, 1500);
    });
  }
}

/**
 * Copies the text, or selects it where the browser forbids copying (plain HTTP except on localhost).
 * @param {HTMLElement | null} code
 */
async function copy(code) {
  if (!code) return false;
  try {
    await navigator.clipboard.writeText(code.textContent ?? "");
    return true;
  } catch {
    getSelection()?.selectAllChildren(code);
    return false;
  }
}
