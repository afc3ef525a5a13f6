// @ts-check
/** The box with the caller's key, its usage, and what the gateway does now: what the token may see, and no more. */

/** @typedef {Readonly<Record<string, number>>} Caps */
/** @typedef {{ name: string, scopes: readonly string[] | null, caps: Caps, team?: { name: string, caps: Caps } }} Caller */
/** @typedef {{ streams: number, inputTokens: number | null, outputTokens: number | null, cost: string | null }} Figures */
/** @typedef {{ group: string | null, streams: number, failed: number, exact: Figures, estimated: Figures }} Line */

const SINCE = "30d";
const MAX_LINES = 12;

/** @param {string} id */
const element = (id) => /** @type {HTMLElement} */ (document.getElementById(id));
const by = /** @type {HTMLSelectElement} */ (element("usage-by"));

/** @type {(path: string) => Promise<Response>} */
let ask = () => Promise.reject(new Error("not started"));

/** @param {(path: string) => Promise<Response>} request asks the gateway with the caller's token */
export function startUsage(request) {
  ask = request;
  by.addEventListener("change", () => void showUsage());
}

/**
 * @param {Caller | undefined} caller undefined where nobody signs in
 * @param {boolean} hasMetrics
 */
export async function refreshUsage(caller, hasMetrics) {
  const may = (/** @type {string} */ scope) =>
    !caller?.scopes || [scope, "admin"].some((one) => caller.scopes?.includes(one));
  const team = caller?.team;
  const caps = [said("Caps", caller?.caps), team ? said(`Caps of team ${team.name}`, team.caps) : ""].join("");
  const scopes = caller?.scopes?.join(", ") ?? "everything";
  element("usage-caller").textContent = caller
    ? `You are ${caller.name}; this may: ${scopes}.${caps}`
    : "This gateway asks nobody for a token, so you see everybody’s usage.";
  element("usage-whose").textContent = may("admin")
    ? "Everybody’s streams of the last 30 days."
    : "Your own streams of the last 30 days.";
  element("now").hidden = !hasMetrics || !may("read");
  await Promise.all([showUsage(), element("now").hidden ? undefined : showMetrics()]);
}

/** @param {string} whose @param {Caps | undefined} caps */
function said(whose, caps = {}) {
  const each = Object.entries(caps).map(([cap, limit]) => `${cap} ${limit.toLocaleString("en")}`);
  return each.length > 0 ? ` ${whose}: ${each.join(", ")}.` : "";
}

async function showUsage() {
  const response = await ask(`v1/usage?by=${by.value}&since=${SINCE}`);
  const body = await response.json();
  const problem = element("usage-problem");
  problem.hidden = response.ok;
  problem.textContent = response.ok ? "" : (body.error?.message ?? `HTTP ${response.status}`);
  const lines = /** @type {readonly Line[]} */ (response.ok ? body.lines : []);
  element("usage-none").hidden = !response.ok || lines.length > 0;
  element("usage-table").hidden = lines.length === 0;
  // Days come in order, so the newest are last.
  const shown = by.value === "day" ? lines.slice(-MAX_LINES) : lines.slice(0, MAX_LINES);
  element("usage").replaceChildren(...shown.map(row));
}

/** @param {Line} line */
function row({ group, streams, failed, exact, estimated }) {
  const about = estimated.streams > 0 ? "~" : "";
  /** @param {"inputTokens" | "outputTokens"} field */
  const tokens = (field) => `${about}${((exact[field] ?? 0) + (estimated[field] ?? 0)).toLocaleString("en")}`;
  const costs = [exact.cost, estimated.cost].filter((cost) => cost !== null).map(Number);
  const cost = costs.length > 0 ? `${about}${costs.reduce((sum, one) => sum + one, 0).toFixed(4)}` : "–";
  const cells = {
    Group: group ?? "–",
    Streams: streams.toLocaleString("en"),
    Failed: failed.toLocaleString("en"),
    Input: tokens("inputTokens"),
    Output: tokens("outputTokens"),
    Cost: cost,
  };
  const made = document.createElement("tr");
  for (const [label, text] of Object.entries(cells)) {
    const cell = document.createElement("td");
    cell.dataset.label = label;
    cell.textContent = text;
    made.append(cell);
  }
  return made;
}

/** A few gauges of `/metrics`. */
async function showMetrics() {
  const response = await ask("metrics");
  if (!response.ok) return;
  const text = await response.text();
  /** @param {string} name */
  const sum = (name) =>
    [...text.matchAll(new RegExp(`^${name}(?:\\{[^}]*\\})? (\\S+)$`, "gm"))].reduce(
      (total, [, value]) => total + Number(value),
      0,
    );
  element("now-streams").textContent = String(
    /^sluice_streams\{state="active"\} (\S+)$/m.exec(text)?.[1] ?? sum("sluice_streams"),
  );
  element("now-connections").textContent = String(sum("sluice_connections"));
  element("now-memory").textContent = `${(sum("process_resident_memory_bytes") / 1_048_576).toFixed(0)} MiB`;
  element("now-logs").textContent =
    `${((100 * sum("sluice_log_bytes")) / (sum("sluice_log_limit_bytes") || 1)).toFixed(1)} %`;
}
