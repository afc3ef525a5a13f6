// @ts-check
/** The box with three answers on one socket, and the frames that carry them. */
import { connect } from "./client/index.js";
import { bodyFor } from "./dialect-reader.js";
import { FrameView } from "./frame-view.js";
import { Lane } from "./lane.js";
import { SocketWatch } from "./watched-socket.js";

/** @import { Model } from "./try-it.js" */

const LANES = 3;
/** Of the demo: enough events to fill the window of a stalled stream. */
const DEMO_PROMPT = "[[2500x4]]";
const MAX_TOKENS = 2_500;
const REAL_PROMPT = "Count from 1 to 120, one number on each line.";

/** @param {string} id */
const element = (id) => /** @type {HTMLElement} */ (document.getElementById(id));
const start = /** @type {HTMLButtonElement} */ (element("wire-start"));
const cut = /** @type {HTMLButtonElement} */ (element("wire-cut"));
const template = /** @type {HTMLTemplateElement} */ (element("lane"));

/** @type {readonly Model[]} */
let models = [];
let isDemo = false;

/**
 * @param {readonly Model[]} known
 * @param {boolean} demo
 */
export function offerWire(known, demo) {
  models = known;
  isDemo = demo;
  if (start.dataset.running === undefined) start.disabled = known.length === 0;
}

/**
 * @param {string} url
 * @param {() => string} token
 */
export function startWire(url, token) {
  const frames = new FrameView(element("wire-frames"));
  /** By the names of their streams. @type {Map<string, Lane>} */
  const lanes = new Map();
  const watch = new SocketWatch((direction, text) => {
    frames.add(direction, text);
    if (direction === "received") arrived(lanes, text);
  });
  const client = connect({ url, token, WebSocket: watch.SocketClass });
  client.subscribe((state) => {
    if (state === "waiting") say("Connection lost. Connecting again …");
    else if (state === "open") say("");
  });
  start.addEventListener("click", () => {
    const chosen = Array.from({ length: LANES }, (_, index) => models[index % models.length]).filter((one) => !!one);
    element("lanes").replaceChildren();
    lanes.clear();
    let running = chosen.length;
    const over = () => {
      running--;
      if (running > 0) return;
      setRunning(false);
      say("All three have ended.");
    };
    setRunning(true);
    element("wire-output").hidden = false;
    for (const model of chosen) {
      const copy = /** @type {DocumentFragment} */ (template.content.cloneNode(true));
      const root = /** @type {HTMLElement} */ (copy.firstElementChild);
      element("lanes").append(copy);
      const body = bodyFor(model.dialect, isDemo ? DEMO_PROMPT : REAL_PROMPT, MAX_TOKENS);
      const stream = client.open({ model: model.alias, body });
      const lane = new Lane(root, model);
      lanes.set(stream.id, lane);
      void lane.read(stream).finally(over);
    }
  });
  cut.addEventListener("click", () => watch.cut());
}

/**
 * Tells a lane what came for it: the client hands an event on only when the loop asks, and resumes without a word.
 * @param {ReadonlyMap<string, Lane>} lanes
 * @param {string} text
 */
function arrived(lanes, text) {
  const frame = JSON.parse(text);
  const lane = lanes.get(frame.id);
  if (frame.type === "resumed") lane?.resumed(frame.after);
  else if (frame.type === "event") lane?.arrived(frame.seq);
  else if (frame.type === "events") lane?.arrived(frame.events.at(-1).seq);
}

/** @param {boolean} isRunning */
function setRunning(isRunning) {
  start.disabled = isRunning;
  cut.disabled = !isRunning;
  if (isRunning) start.dataset.running = "";
  else delete start.dataset.running;
}

/** @param {string} words */
function say(words) {
  element("wire-status").textContent = words;
}
