/* Sliders and the player. The player contains the controls and handles the keys that change the current step. */

import { announce, app, byId } from "./app.js";
import { button, h, labelledSelect, revise } from "./elements.js";
import { goOn } from "./exercise.js";
import { disabledWithoutRun, textOfAll } from "./panels.js";
import { judgement } from "./source.js";
import { announcePlace, MARKS } from "./step.js";

/** @import { Run } from "./trained.js" */

const PACES = { slow: 1500, fast: 400 }; // ms per step

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

let playId = 0; // the id of the timer that plays the steps; 0 while nothing is playing

function stopPlaying() {
  clearInterval(playId);
  playId = 0;
}

/** Return the elements of a slider over the positions 0 … `end()`, and `go`, which shows a position and announces it.
    `position()`, `end()` and `text()` describe the page's state; `show(position)` changes it, and `finish()` announces
    the change. `range()` is the slider's maximum if it differs from `end()`.
    @type {(parts: { id: string, label: string, position: () => number, end: () => number, text: () => string,
      show: (position: number) => void, finish: () => void, range?: () => number }) =>
      { elements: HTMLElement[], go: (position: number) => void }} */
export function slider({ id, label, position, end, text, show, finish, range = end }) {
  /** @type {(position: number) => void} */
  const go = (to) => {
    stopPlaying();
    show(Math.max(0, Math.min(to, end())));
    finish();
  };
  const input = h("input", { id, type: "range", ariaLabel: label, oninput: () => go(Number(input.value)) });
  const output = h("output", { for: id, "aria-live": "off" });
  app.add(() => {
    if (!app.runs.length) return;
    revise(input, { max: range(), "aria-valuetext": text() });
    if (input.value !== `${position()}`) input.value = `${position()}`;
    revise(output, {}, text());
  });
  return { elements: [input, output], go };
}

/** Return the controls that change the current step. */
export function player() {
  const end = () => app.S + app.T;
  const { elements, go } = slider({
    id: "place",
    label: "Step",
    position: () => app.state.place,
    end,
    range: () => (app.state.hidden ? Math.max(2 * app.S + 1, app.state.place) : end()),
    text: () =>
      app.t === null
        ? `${app.state.place} of ${app.S} read`
        : `${app.t + 1}${app.state.hidden ? "" : ` of ${app.T}`} written`,
    show: (place) => app.change({ place }),
    finish: announcePlace,
  });
  let pace = PACES.slow;
  const tick = () => (app.state.place + 1 < end() ? app.change({ place: app.state.place + 1 }) : go(end()));
  const start = () => {
    clearInterval(playId);
    playId = setInterval(tick, pace);
  };
  const toggle = () => {
    if (playId) return go(app.state.place);
    start();
    app.change(app.state.place >= end() || app.isOpening ? { place: 0 } : {});
  };
  app.add(() => app.runs.length || stopPlaying());
  const play = button(() => (playId ? "Pause" : "Play"), toggle, { class: "primary", id: "play-place" });
  const arrow = (/** @type {string} */ text) => h("span", { class: "chevron", "aria-hidden": true }, text);
  /** @type {(id: string, n: number, ...label: (string | Node)[]) => HTMLButtonElement} */
  const stepButton = (id, n, ...label) => {
    const isUnused = () => app.state.place === (n < 0 ? 0 : end()); // a disabled button would lose the focus
    return button(h("span", {}, ...label), () => go(app.state.place + n), { id, "aria-disabled": isUnused });
  };
  const back = [stepButton("first", -Infinity, arrow("«"), "First"), stepButton("back", -1, arrow("‹"), "Back")];
  const on = [stepButton("next", 1, "Next", arrow("›")), stepButton("last", Infinity, "Last", arrow("»"))];
  document.addEventListener("keydown", (event) => onKey(event, end(), go), app.built);
  const blur = (/** @type {MouseEvent} */ { detail }) => {
    // after a click with the mouse, a focused button would take the clicker's keys
    const selector = "button, [role=button], [type=radio]";
    if (detail && app.state.lecture) /** @type {HTMLElement?} */ (document.activeElement?.closest(selector))?.blur();
  };
  document.addEventListener("click", blur, app.built);
  const choice = labelledSelect("Pace", Object.keys(PACES), (i) => {
    pace = Object.values(PACES)[i];
    if (playId) start();
  });
  const buttons = h("div", { class: "controls" }, ...back, play, ...on);
  /** @type {(run: Run) => string} */
  const answer = (run) => `${run.network.targetVocabulary.text(run.answer)} ${MARKS[judgement(run).kind]}`;
  // the greedy answers, except in the beam search panel, which they would contradict
  const shown = () => (app.state.hidden || app.state.tab === "beam" ? "" : textOfAll(answer));
  const answers = h("p", { class: "answers", "aria-hidden": true });
  app.add(() => app.isStep || revise(answers, {}, shown())); // judging an answer takes too long for a step
  const track = h("div", { class: "track" }, buttons, ...elements, choice);
  return disabledWithoutRun(h("div", { id: "player" }, track, answers));
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
