// @ts-check
/** The box in which a prompt is sent to a model. */
import { bodyFor, readEvent } from "./dialect-reader.js";
import { RunView } from "./run-view.js";

/** @import { StreamClient } from "./stream-client.js" */
/** @typedef {{ alias: string, name: string, route: string, dialect: string }} Model */

const form = /** @type {HTMLFormElement} */ (document.getElementById("try"));
const select = /** @type {HTMLSelectElement} */ (document.getElementById("model"));
const prompt = /** @type {HTMLTextAreaElement} */ (document.getElementById("prompt"));
const send = /** @type {HTMLButtonElement} */ (document.getElementById("send"));
const stop = /** @type {HTMLButtonElement} */ (document.getElementById("stop"));

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
 * @param {StreamClient} client
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
 * @param {StreamClient} client
 * @param {() => void} couldNotConnect
 */
function run(client, couldNotConnect) {
  const model = models.find(({ alias }) => alias === select.value);
  if (cancel || !model || prompt.value.trim() === "") return;
  const view = new RunView();
  const over = () => {
    cancel = undefined;
    send.hidden = false;
    stop.hidden = true;
  };
  send.hidden = true;
  stop.hidden = false;
  cancel = client.open(model.alias, bodyFor(model.dialect, prompt.value), {
    sent: () => view.sent(),
    event(data) {
      const piece = readEvent(model.dialect, data);
      if (piece) view.show(piece);
    },
    end(end) {
      view.end(end);
      over();
    },
    failed(failure) {
      view.failed(failure);
      over();
      if (failure.code.startsWith("closed")) couldNotConnect();
    },
  });
}
