// @ts-check
/** The box that says how a client connects: one of them at a time, for the models there are. */
import { httpBase } from "./address.js";
import { CLIENTS, snippetOf } from "./clients.js";

/** @import { Model } from "./try-it.js" */

const GROUPS = /** @type {const} */ (["HTTP", "SDKs", "Agents"]);
const select = /** @type {HTMLSelectElement} */ (document.getElementById("client"));
const box = /** @type {HTMLElement} */ (document.getElementById("client-box"));
const text = /** @type {HTMLElement} */ (document.getElementById("client-text"));
const missing = /** @type {HTMLElement} */ (document.getElementById("client-missing"));
const key = /** @type {HTMLElement} */ (document.getElementById("client-key"));

/** @type {readonly Model[]} */
let known = [];

/** Lists the clients. */
export function startConnect() {
  for (const name of GROUPS) {
    const group = document.createElement("optgroup");
    group.label = name;
    group.append(...CLIENTS.filter((client) => client.group === name).map((client) => new Option(client.name)));
    select.append(group);
  }
  select.addEventListener("change", showClient);
}

/**
 * @param {boolean} authRequired
 * @param {readonly Model[]} models
 */
export function offerClients(authRequired, models) {
  known = models;
  key.textContent = `export SLUICE_KEY=${authRequired ? "…" : "any"}`;
  showClient();
}

function showClient() {
  const client = CLIENTS.find(({ name }) => name === select.value);
  if (!client) return;
  const snippet = snippetOf(client, httpBase(), known);
  box.hidden = !("text" in snippet);
  missing.hidden = "text" in snippet;
  if ("missing" in snippet) missing.textContent = snippet.missing;
  // A refresh must not undo a selection of the text.
  else if (text.textContent !== snippet.text) text.textContent = snippet.text;
}
