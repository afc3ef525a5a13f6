// @ts-check
/** The box in which a prompt is sent to a model. */
import { SluiceError } from "./client/index.js";
import { bodyFor, readEvent } from "./dialect-reader.js";
import { RunView } from "./run-view.js";

/** @import { Sluice, SluiceStream } from "./client/index.js" */
/** @typedef {{ alias: string, name: string, route: string, dialect: string }} Model */

const form = /** @type {HTMLFormElement} */ (document.getElementById("try"));
const select = /** @type {HTMLSelectElement} */ (document.getElementById("model"));
const prompt = /** @type {HTMLTextAreaElement} */ (document.getElementById("prompt"));
const send = /** @type {HTMLButtonElement} */ (document.getElementById("send"));
const stop = /** @type {HTMLButtonElement} */ (document.getElementById("stop"));

/** With these the gateway was not reached, or wants another token. */
const LINK_CODES = ["client_gone", "unauthorized"];

const EXAMPLES = {
  demo: [
    "What happens to my prompt on its way to the model?",
    "200 tokens, 10 ms each: [[200x10]]",
    "Please call a tool.",
    "Fail on purpose: [[cut]]",
  ],
  real: [
    "What is a token, in two sentences?",
    "Write four lines about water.",
    "Count from 1 to 40, one number on each line.",
  ],
};

/** @type {readonly Model[]} */
let models = [];
/** @type {(() => void) | undefined} */
let cancel;

/**
 * Lists the models and keeps the present choice.
 * @param {readonly Model[]} known
 */
export function offerModels(known) {
  if (JSON.stringify(known) === JSON.stringify(models)) return;
  const chosen = select.value;
  models = known;
  select.replaceChildren(
    ...models.map(({ alias, name }) => new Option(name === alias ? alias : `${name} — ${alias}`, alias)),
  );
  if (models.some(({ alias }) => alias === chosen)) select.value = chosen;
  send.disabled = models.length === 0;
}

/**
 * Offers example prompts: those for the demo upstream show its directives.
 * @param {boolean} demo
 */
export function offerExamples(demo) {
  const texts = demo ? EXAMPLES.demo : EXAMPLES.real;
  const examples = document.getElementById("examples");
  if (!examples || examples.childElementCount > 0) return;
  for (const text of texts) {
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = text;
    button.addEventListener("click", () => {
      prompt.value = text;
      form.requestSubmit();
    });
    examples.append(button);
  }
}

/**
 * @param {Sluice} client
 * @param {() => void} couldNotConnect called when the gateway cannot be reached
 */
export function startTryIt(client, couldNotConnect) {
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    run(client, couldNotConnect);
  });
  prompt.addEventListener("keydown", (event) => {
    // In many languages Enter also ends the composition of a character, which must not send.
    if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
    event.preventDefault();
    form.requestSubmit();
  });
  stop.addEventListener("click", () => cancel?.());
}

/**
 * @param {Sluice} client
 * @param {() => void} couldNotConnect
 */
function run(client, couldNotConnect) {
  const model = models.find(({ alias }) => alias === select.value);
  if (cancel || !model || prompt.value.trim() === "") return;
  const view = new RunView();
  send.hidden = true;
  stop.hidden = false;
  const sent = whenConnected(client, () => view.sent());
  const stream = client.open({ model: model.alias, body: bodyFor(model.dialect, prompt.value) });
  cancel = () => stream.cancel();
  void show(stream, model.dialect, view)
    .catch((error) => {
      const { code, message } = error;
      view.failed({ code, message: message.replace(`${code}: `, "") });
      if (LINK_CODES.includes(code)) couldNotConnect();
    })
    .finally(() => {
      sent();
      cancel = undefined;
      send.hidden = false;
      stop.hidden = true;
    });
}

/**
 * Calls once when the client is connected, now or later, unless the result is called before.
 * @param {Sluice} client
 * @param {() => void} connected
 */
function whenConnected(client, connected) {
  if (client.state === "open") {
    connected();
    return () => {};
  }
  const off = client.subscribe((state) => {
    if (state !== "open") return;
    off();
    connected();
  });
  return off;
}

/**
 * Rejects if the stream has no end.
 * @param {SluiceStream} stream
 * @param {string} dialect
 * @param {RunView} view
 */
async function show(stream, dialect, view) {
  try {
    for await (const { data } of stream) {
      const piece = readEvent(dialect, data);
      if (piece) view.show(piece);
    }
  } catch (error) {
    // The end says how the stream failed, and what was used.
    if (!(error instanceof SluiceError)) throw error;
  }
  view.end(await stream.end);
}
