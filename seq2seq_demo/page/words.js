/* Explains the words in the picture on hover or focus. */

import { byId } from "./app.js";
import { h } from "./elements.js";
import { placeAt } from "./panels.js";

/** Return the explanation of a word from words.html. */
export function meaningOf(/** @type {string} */ word) {
  const term = Array.from(byId("words").children).find(({ textContent }) => textContent === word);
  return term?.nextElementSibling?.textContent ?? "";
}

/** Explain an element with `data-word` while the pointer is on it or it has the focus. */
export function explainWords() {
  const tip = h("div", { class: "tip word-tip", popover: "manual", "aria-hidden": true });
  document.body.append(tip);
  const position = (/** @type {any} */ { clientX, clientY }) => `${clientX} ${clientY}`;
  let pressed = ""; // the position of the last click, which may have changed the element there
  const explain = (/** @type {Event} */ event) => {
    const word = /** @type {Element} */ (event.target).closest?.("[data-word]");
    tip.hidePopover();
    // when the context layer closes, it moves the focus
    if (!word || position(event) === pressed || document.getElementById("context-layer")) return;
    tip.textContent = meaningOf(word.getAttribute("data-word") ?? "");
    tip.showPopover();
    placeAt(tip, word);
  };
  for (const type of ["pointerover", "focusin"]) document.addEventListener(type, explain);
  document.addEventListener("pointerup", (event) => (pressed = position(event)));
  document.addEventListener("keydown", () => tip.hidePopover());
}
