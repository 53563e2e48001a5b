/* The words of the picture, explained where the pointer or the focus is. */

import { byId } from "./app.js";
import { h } from "./elements.js";
import { placeAt } from "./panels.js";

/** Return the explanation of a word, which is in words.html. */
export function meaningOf(/** @type {string} */ word) {
  const term = Array.from(byId("words").children).find(({ textContent }) => textContent === word);
  return term?.nextElementSibling?.textContent ?? "";
}

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
    tip.textContent = meaningOf(word.getAttribute("data-word") ?? "");
    tip.showPopover();
    placeAt(tip, word);
  };
  for (const type of ["pointerover", "focusin"]) document.addEventListener(type, explain);
  document.addEventListener("pointerup", (event) => (pressed = position(event)));
  document.addEventListener("keydown", () => tip.hidePopover());
}
