// @ts-check
/** What is running, the token, and the parts of the page. */
import { showSnippets, snippets, startCopying } from "./snippets.js";
import { StreamClient } from "./stream-client.js";
import { offerModels, startTryIt } from "./try-it.js";

/** @import { Model } from "./try-it.js" */
/** @typedef {{ version: string, authRequired: boolean, uptimeS?: number, demo?: boolean, models?: Model[] }} Running */

const TOKEN = "sluice.token";
const REFRESH_MS = 15_000;

/** @param {string} id */
const element = (id) => /** @type {HTMLElement} */ (document.getElementById(id));
const tokenField = /** @type {HTMLInputElement} */ (element("token"));

/** Kept for this tab only, and never read from the address. */
const token = () => sessionStorage.getItem(TOKEN) ?? "";

/** @returns {Promise<Running>} */
async function whatRuns() {
  const headers = token() === "" ? {} : { authorization: `Bearer ${token()}` };
  const answer = await fetch("/start.json", { headers, cache: "no-store" });
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
function show({ version, authRequired, uptimeS, demo, models }) {
  const locked = models === undefined;
  element("state").dataset.state = locked ? "locked" : "running";
  element("state-text").textContent = locked ? "Token needed" : `Running for ${uptime(uptimeS ?? 0)}`;
  element("version").textContent = `v${version}`;
  element("token-box").hidden = !authRequired;
  element("token-note").textContent = !locked
    ? "This token is accepted. It stays in this tab only."
    : token() === ""
      ? "This gateway asks for its token. It stays in this tab only."
      : "The gateway does not accept this token.";
  element("demo-note").hidden = !demo;
  element("any-token").hidden = authRequired;
  element("models-box").hidden = locked;
  offerModels(models ?? []);
  listModels(models ?? []);
  showSnippets(snippets(authRequired, models?.[0]?.alias ?? "demo"));
}

async function refresh() {
  try {
    show(await whatRuns());
  } catch (error) {
    element("state").dataset.state = "down";
    element("state-text").textContent = error instanceof TypeError ? "Not reachable" : String(error);
  }
}

element("token-box").addEventListener("submit", (event) => {
  event.preventDefault();
  sessionStorage.setItem(TOKEN, tokenField.value.trim());
  tokenField.value = "";
  void refresh();
});

const scheme = location.protocol === "https:" ? "wss" : "ws";
startTryIt(new StreamClient(`${scheme}://${location.host}/v1/stream`, token), () => void refresh());
startCopying();
await refresh();
setInterval(() => {
  if (!document.hidden) void refresh();
}, REFRESH_MS);
