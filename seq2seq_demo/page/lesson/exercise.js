/* The exercise on the page: its question, the panel that it needs, and the way to the next exercise. */

import { announce, app, byId, hashOf, isCurrent } from "../draw/app.js";
import { revise } from "../draw/elements.js";
import { showTab } from "../draw/panels.js";
import { asLeft, writeNote } from "./notes.js";
import { partAfter, partName } from "./plans.js";

let isAnnounced = false; // whether the last key press announced the next exercise

/** Return the links in the current exercise that match a selector.
    @type {(selector: string) => HTMLAnchorElement[]} */
const linksOf = (selector) => Array.from(byId("exercises").querySelectorAll(`.chosen ${selector}`));

/** Show the question of the current exercise, and a button for its panel. The links to the neighbouring exercises keep
    the lecture view. In a plan, they lead to the previous and the next part instead. */
export function showExercise() {
  const { exercise, lecture, plan, tab } = app.state;
  document.documentElement.toggleAttribute("data-exercise", exercise > 0);
  for (const one of byId("exercises").querySelectorAll("article"))
    one.classList.toggle("chosen", one.id === `exercise-${exercise}`);
  if (exercise) byId("exercises").querySelector("details")?.setAttribute("open", "");
  followAnswer();
  for (const link of linksOf("a[rel]")) {
    link.dataset.to ??= `${link.getAttribute("href")}`;
    const part = partAfter(plan, `#exercise=${exercise}`, link.rel === "next" ? 1 : -1);
    revise(link, { href: part || link.dataset.to + (lecture ? "&view=lecture" : "") });
  }
  for (const button of byId("exercises").querySelectorAll("button")) {
    button.hidden = !tab;
    button.textContent = tab && `Show “${byId(`tab-${tab}`).textContent}”`;
    button.onclick = () => (app.state.hidden ? byId("hidden").click() : showTab(`${tab}`));
  }
}

/** Tell CSS whether an answer is open, because an open answer stands next to the pictures. */
export function followAnswer() {
  const isOpen = document.querySelector("#exercises .chosen > details[open]") !== null;
  document.documentElement.toggleAttribute("data-answer", isOpen);
}

/** Announce the next exercise or, if `isNext` is false, remove the announcement. */
export function announceNext(isNext = true) {
  isAnnounced = isNext;
  for (const link of /** @type {NodeListOf<HTMLAnchorElement>} */ (byId("exercises").querySelectorAll("[rel=next]"))) {
    const words = isNext ? `Next: ${partName(link.href)}` : "Next exercise";
    revise(link, { class: isNext ? "announced" : "" }, words);
    if (isNext && link.closest(".chosen")) announce(words);
  }
}

/** In the lecture view, go on to the next source of the exercise or, after its last source, to the next exercise.
    Before it goes on to the next exercise, key presses open the answer and scroll through it if it is long; the last of
    them announces the next exercise. If n is −1, go back; the previous exercise opens as it was left. */
export function goOn(/** @type {1 | -1} */ n) {
  const answer = /** @type {HTMLElement} */ (document.querySelector("#exercises .chosen > details"));
  const sources = linksOf("> p:not(.steps) a");
  const i = sources.findIndex(({ hash }) => isCurrent(hash));
  const source = i < 0 ? undefined : sources[i + n];
  if (n > 0 && !source && !isAnnounced) {
    if (answer.hasAttribute("open")) answer.scrollTop += 0.8 * answer.clientHeight;
    answer.setAttribute("open", "");
    followAnswer(); // now the answer has its final size
    if (answer.scrollHeight - answer.scrollTop - answer.clientHeight < 9) announceNext();
    return;
  }
  answer.removeAttribute("open");
  if (source) return source.click();
  writeNote(`exercise ${app.state.exercise}`, hashOf(app.state)); // see `asLeft`
  for (const { href } of linksOf(`[rel=${n < 0 ? "prev" : "next"}]`)) location.href = n < 0 ? asLeft(href) : href;
}
