/* The words of the picture, explained where the pointer or the focus is. */

import { h } from "./elements.js";

/** @type {Record<string, string>} */
export const WORDS = {
  encoder: "Reads the source, one symbol at a time. Each box is its state after that symbol.",
  encoders:
    "One reads the source from left to right, in the upper row, the other from right to left. So for each symbol, the network knows what stands before and after it.",
  decoder: "Writes the answer, one symbol at a time. It is fed the symbol before, at first GO.",
  state:
    "The numbers that the network remembers after this step: blue is positive, orange negative. Click to go to the step, and again to look inside.",
  "backward state": "The state of the second encoder, which begins with the last symbol and reads from right to left.",
  "final state": "The encoder's state after the last symbol, from which the decoder starts.",
  "final states, joined": "The last state of each of the two encoders, side by side. The decoder starts from both.",
  "the bottleneck":
    "The final state of the encoder: all that the decoder knows about the source. It has one size, however long the source is.",
  context: "A mix of the encoder's outputs, each weighted by its share of attention. It helps to choose the symbol.",
  previous: "The context of the output before, a mix of other shares. The decoder is fed it with the symbol.",
  attention:
    "How much the decoder looks at each input: at the output of the encoder for it, which is its state there or a part of it. The shares sum to 100 %.",
  GO: "The symbol that starts the answer.",
  END: "The symbol with which the network ends its answer.",
};

/** Show the explanation of the element with `data-word` that has the pointer or the focus. */
export function explainWords() {
  const tip = h("div", { className: "tip word-tip", popover: "manual", attributes: { "aria-hidden": "true" } });
  document.body.append(tip);
  const explain = (/** @type {Event} */ event) => {
    const word = /** @type {Element} */ (event.target).closest?.("[data-word]");
    tip.hidePopover();
    if (!word) return;
    tip.textContent = WORDS[word.getAttribute("data-word") ?? ""];
    tip.showPopover();
    const [box, { width }] = [word.getBoundingClientRect(), tip.getBoundingClientRect()];
    const left = Math.max(8, Math.min(box.left + box.width / 2 - width / 2, innerWidth - width - 8));
    Object.assign(tip.style, { left: `${left}px`, top: `${box.bottom + 6}px` });
  };
  for (const type of ["pointerover", "focusin"]) document.addEventListener(type, explain);
  document.addEventListener("keydown", () => tip.hidePopover());
}
