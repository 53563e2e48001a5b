/* Sliders, and the player with the controls that change the current step. */

import { app } from "./app.js";
import { button, h, labelledSelect, revise } from "./elements.js";
import { disabledWithoutRun, textOfAll } from "./panels.js";
import { judgement } from "./source.js";
import { announcePlace, MARKS } from "./step.js";

/** @import { Run } from "../network/trained.js" */

const PACES = { slow: 1500, fast: 400 }; // ms per step

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

/** Return the controls that change the current step: their element, `end`, which returns the last step, and `go`, which
    goes to a step. */
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
  return { element: disabledWithoutRun(h("div", { id: "player" }, track, answers)), end, go };
}
