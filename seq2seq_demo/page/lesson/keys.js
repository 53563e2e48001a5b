/* The keys that change the current step; in the lecture view, also the keys of a clicker. */

import { announce, app, byId } from "../draw/app.js";
import { goOn } from "./exercise.js";

const FIELDS = "input, textarea, select, .scroll:focus, [contenteditable]"; // elements that use the arrow keys
const TYPED = "input:not([type=range]), textarea, select";
/** The keys of the lecture view, and the elements that use these keys themselves. Clickers send the first three.
    @type {Record<string, string>} */
const LECTURE_KEYS = {
  PageUp: "textarea",
  PageDown: "textarea",
  " ": `${TYPED}, button, summary, a, [role=button]`,
  f: TYPED,
};

/** Follow the keys until the panels are rebuilt; `steps` is as in `player`.
    @type {(steps: { end: () => number, go: (place: number) => void }) => void} */
export function followKeys(steps) {
  document.addEventListener("keydown", (event) => onKey(event, steps.end(), steps.go), app.built);
  const blur = (/** @type {MouseEvent} */ { detail }) => {
    // after a click with the mouse, a focused button would take the clicker's keys
    const selector = "button, [role=button], [type=radio]";
    if (detail && app.state.lecture) /** @type {HTMLElement?} */ (document.activeElement?.closest(selector))?.blur();
  };
  document.addEventListener("click", blur, app.built);
}

/** Handle ←, →, Home and End and, in the lecture view, LECTURE_KEYS, unless the focused element uses the key itself.
    @type {(event: KeyboardEvent, end: number, go: (place: number) => void) => void} */
function onKey(event, end, go) {
  const { state } = app;
  const { place, lecture, embed, hidden, exercise, samples } = state;
  const users = LECTURE_KEYS[event.key] ?? FIELDS;
  if (event.defaultPrevented || event.altKey || event.ctrlKey || event.metaKey || event.shiftKey) return;
  if (/** @type {Element} */ (event.target).closest?.(users) || !app.runs.length) return;
  /** @type {Record<string, number>} */
  const steps = { ArrowLeft: place - 1, ArrowRight: place + 1, Home: 0, End: end };
  if (lecture) Object.assign(steps, { PageUp: place - 1, PageDown: place + 1, " ": place + 1 });
  const to = steps[event.key];
  const isBeyond = to > end;
  // the user must paste pairs first
  const canTrain = (exercise || embed) && app.moments.length && state.task !== "pairs";
  const isBack = event.key === "PageUp" && exercise && place <= app.first && !canTrain;
  if (event.key === "f" && lecture) switchFullScreen();
  else if (to === undefined) return;
  else if (embed && (to < 0 || isBeyond)) {
    parent.focus();
    parent.postMessage(JSON.stringify({ method: to < 0 ? "prev" : "next" }), "*"); // to reveal.js or theory.html
  } else if (!lecture) go(to);
  else if (app.isTraining)
    announce("The networks are training."); // a step would hide what they write
  else if (hidden && (isBeyond || (exercise && to > place))) {
    byId("hidden").click();
    go(app.S + app.T);
  } else if (to > place && document.querySelector("#influence:not([hidden]) figure[hidden]"))
    announce("The influence has not been computed yet.");
  else if (to > place && canTrain && !samples) byId("train").click();
  else if (exercise && (to < 0 || isBeyond || isBack)) goOn(to > place ? 1 : -1);
  else go(to);
  event.preventDefault();
}

/** Turn full screen on or off; some browsers do not support or allow it. */
function switchFullScreen() {
  if (document.fullscreenElement) document.exitFullscreen();
  else document.documentElement.requestFullscreen?.().catch(() => {});
}
