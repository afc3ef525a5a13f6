// @ts-check
/** The start page: what is running, and the token. */
import { httpBase, webSocketBase } from "./address.js";
import { connect } from "./client/index.js";
import { offerClients, startConnect } from "./connect.js";
import { FrameView } from "./frame-view.js";
import { showSnippets, snippets, startCopying } from "./snippets.js";
import { offerExamples, offerModels, startTryIt } from "./try-it.js";
import { refreshUsage, startUsage } from "./usage.js";
import { SocketWatch } from "./watched-socket.js";
import { offerWire, startWire } from "./wire.js";

/** @import { Model } from "./try-it.js" */
/** @import { Caller } from "./usage.js" */
/** @typedef {{ version: string, authRequired: boolean, uptimeS?: number, demo?: boolean, controlUi?: string, models?: Model[], metrics?: boolean, caller?: Caller }} Running */

const TOKEN = "sluice.token";
const REFRESH_MS = 15_000;

/** @param {string} id */
const element = (id) => /** @type {HTMLElement} */ (document.getElementById(id));
const tokenField = /** @type {HTMLInputElement} */ (element("token"));

/** Kept in this tab only, and never read from the address. */
const token = () => sessionStorage.getItem(TOKEN) ?? "";

/** @param {string} path of this gateway, relative to the page */
const ask = (path) => {
  const headers = token() === "" ? {} : { authorization: `Bearer ${token()}` };
  return fetch(path, { headers, cache: "no-store" });
};

/** @returns {Promise<Running>} */
async function whatRuns() {
  const answer = await ask("start.json");
  const value = await answer.json();
  if (!answer.ok) throw new Error(value.error?.message ?? `HTTP ${answer.status}`);
  return value;
}

/** @param {number} seconds */
function uptime(seconds) {
  if (seconds < 60) return `${Math.floor(seconds)} s`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min`;
  return seconds < 86_400 ? `${Math.floor(seconds / 3600)} h` : `${Math.floor(seconds / 86_400)} d`;
}

/** @param {readonly Model[]} models */
function listModels(models) {
  element("models").replaceChildren(
    ...models.map((model) => {
      const row = document.createElement("tr");
      for (const [label, text] of [
        ["Model", model.alias],
        ["Name", model.name],
        ["Route", model.route],
        ["Dialect", model.dialect],
      ]) {
        const cell = document.createElement("td");
        cell.dataset.label = label;
        cell.textContent = text ?? "";
        row.append(cell);
      }
      return row;
    }),
  );
}

/** @param {Running} running */
function show({ version, authRequired, uptimeS, demo, controlUi, models, metrics, caller }) {
  const locked = models === undefined;
  showState(locked ? "locked" : "running", locked ? "Token needed" : "Running");
  element("uptime").textContent = locked ? "" : `for ${uptime(uptimeS ?? 0)}`;
  element("version").textContent = `v${version}`;
  element("token-box").hidden = !locked;
  element("token-note").textContent =
    token() === "" ? "It is kept in this tab only." : "The gateway does not accept this token.";
  element("try-box").hidden = locked;
  element("wire-box").hidden = locked;
  element("usage-box").hidden = locked;
  element("models-box").hidden = locked;
  element("demo-note").hidden = !demo;
  element("any-token").hidden = authRequired;
  element("control-ui").hidden = controlUi === undefined;
  element("no-control-ui").hidden = locked || controlUi !== undefined;
  const link = /** @type {HTMLAnchorElement} */ (element("control-ui-link"));
  // Browsers do not send the fragment: the Control UI reads its token from it and removes it.
  if (controlUi !== undefined)
    link.href = `${httpBase()}${controlUi}${token() === "" ? "" : `#token=${encodeURIComponent(token())}`}`;
  offerModels(models ?? []);
  offerWire(models ?? [], demo ?? false);
  offerClients(authRequired, models ?? []);
  if (!locked) offerExamples(demo ?? false);
  listModels(models ?? []);
  if (!locked) void refreshUsage(caller, metrics ?? false);
  showSnippets(snippets(authRequired, models?.[0]));
}

/**
 * @param {"running" | "locked" | "down"} state
 * @param {string} words
 */
function showState(state, words) {
  element("state").dataset.state = state;
  // Screen readers announce it, so set it only when it changes.
  if (element("state-text").textContent !== words) element("state-text").textContent = words;
}

async function refresh() {
  try {
    show(await whatRuns());
  } catch (error) {
    element("uptime").textContent = "";
    showState("down", error instanceof TypeError || !(error instanceof Error) ? "Not reachable" : error.message);
  }
}

element("token-box").addEventListener("submit", (event) => {
  event.preventDefault();
  sessionStorage.setItem(TOKEN, tokenField.value.trim());
  tokenField.value = "";
  void refresh();
});

const streamUrl = `${webSocketBase()}/v1/stream`;
const frames = new FrameView(element("frames"));
const { SocketClass } = new SocketWatch((direction, text) => frames.add(direction, text));
const client = connect({ url: streamUrl, token, WebSocket: SocketClass });
startTryIt(client, () => void refresh());
startWire(streamUrl, token);
startConnect();
startUsage(ask);
startCopying();
await refresh();
setInterval(() => {
  if (!document.hidden) void refresh();
}, REFRESH_MS);
