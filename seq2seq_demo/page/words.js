/* The words of the picture, explained where the pointer or the focus is. */

import { h } from "./elements.js";
import { placeAt } from "./panels.js";

/** @type {Record<string, string>} */
export const WORDS = {
  encoder: "Reads the source, one symbol at a time. Each box is its state after that symbol.",
  encoders: "One reads the source from the left (upper row), the other from the right.",
  decoder: "Writes the answer, one symbol at a time. It is fed the symbol before, at first GO.",
  state:
    "What the network remembers after this step: blue is positive, orange negative. Click to go there, and again to look inside.",
  "backward state": "The state of the second encoder, which reads from the last symbol to the first.",
  "final state": "The encoder's state after the last symbol, from which the decoder starts.",
  "final states, joined": "The last states of both encoders, from which the decoder starts.",
  "the bottleneck": "The encoder's final state, in one size for any length: all of the source that the decoder gets.",
  context:
    "A mix of the encoder's outputs, weighted by attention, which helps to choose the symbol. Click the dot for the numbers.",
  previous: "The context of the output before. The decoder is fed it with the symbol.",
  attention: "How much the decoder looks at the encoder's output for each input. The weights sum to 100 %.",
  GO: "The symbol that starts the answer.",
  END: "The symbol with which the network ends its answer.",
};

/** Show the explanation of the element with `data-word` that has the pointer or the focus. */
export function explainWords() {
  const tip = h("div", { class: "tip word-tip", popover: "manual", "aria-hidden": true });
  document.body.append(tip);
  const position = (/** @type {any} */ { clientX, clientY }) => `${clientX} ${clientY}`;
  let pressed = ""; // where the pointer is since a click, which may have changed what is there
  const explain = (/** @type {Event} */ event) => {
    const word = /** @type {Element} */ (event.target).closest?.("[data-word]");
    tip.hidePopover();
    // the context's layer moves the focus when it closes
    if (!word || position(event) === pressed || document.getElementById("context-layer")) return;
    tip.textContent = WORDS[word.getAttribute("data-word") ?? ""];
    tip.showPopover();
    placeAt(tip, word);
  };
  for (const type of ["pointerover", "focusin"]) document.addEventListener(type, explain);
  document.addEventListener("pointerup", (event) => (pressed = position(event)));
  document.addEventListener("keydown", () => tip.hidePopover());
}
