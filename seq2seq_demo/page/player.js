/* Sliders with a button that plays through them; the controls and keyboard shortcuts of the current step. */

import { app, byId, isCurrent } from "./app.js";
import { button, h, labelledSelect, revise } from "./elements.js";
import { disabledWithoutRun, withLabel } from "./panels.js";
import { countText } from "./runs.js";
import { judgement } from "./source.js";
import { announcePlace, MARKS } from "./step.js";

/** @import { Run } from "./trained.js" */

const PACES = { slow: 1500, fast: 400 }; // ms per position

const FIELDS = "input, textarea, select, .scroll:focus, [contenteditable]"; // elements that use the arrow keys
const TYPED = "input:not([type=range]), textarea, select";
/** The keys of the lecture view, and the elements that use them. Clickers send the first three.
    @type {Record<string, string>} */
const LECTURE_KEYS = {
  PageUp: "textarea",
  PageDown: "textarea",
  " ": `${TYPED}, button, summary, a, [role=button]`,
  f: TYPED,
};

/** A slider over the positions 0 … `end()`, and a button that plays through them. */
export class Track {
  static pace = PACES.slow;
  static timer = 0;
  /** Only one track plays.
      @type {Track | null} */
  static playing = null;

  /** `position()`, `end()` and `text()` describe the page's state; `show(position)` changes it, and `finish()` announces
      the change. `range()` is the slider's end if it differs from `end()`; if `isFresh()`, playing begins at 0.
      @param {{ id: string, label: string, name: string, position: () => number, end: () => number, text: () => string,
        show: (position: number) => void, finish: () => void, range?: () => number, isFresh?: () => boolean }} parts */
  constructor(parts) {
    const { id, label, name } = parts;
    this.parts = parts;
    const oninput = () => this.go(Number(this.slider.value));
    this.slider = h("input", { id, type: "range", min: "0", step: "1", oninput });
    this.output = h("output", { attributes: { for: id, "aria-live": "off" } });
    this.play = button(name, () => this.toggle(), { className: "primary", id: `play-${id}` });
    this.elements = [h("label", { htmlFor: id, className: "visually-hidden" }, label), this.slider, this.output];
    app.add(() => (app.runs.length ? this.update() : Track.stop()));
  }

  /** Stop playing, go to a position and announce it. */
  go(/** @type {number} */ position) {
    Track.stop();
    this.parts.show(Math.max(0, Math.min(position, this.parts.end())));
    this.parts.finish();
  }

  /** Play or pause; at the end, and if the position is fresh, play from the beginning. */
  toggle() {
    if (Track.playing === this) return this.go(this.parts.position());
    Track.stop();
    if (this.parts.position() >= this.parts.end() || this.parts.isFresh?.()) this.parts.show(0);
    Track.playing = this;
    Track.restart();
  }

  /** Set the pace of all tracks in ms per position. */
  static restart(pace = Track.pace) {
    Track.pace = pace;
    clearInterval(Track.timer);
    const track = Track.playing;
    if (!track) return;
    Track.timer = setInterval(() => track.tick(), Track.pace);
    track.play.textContent = "Pause";
  }

  static stop() {
    if (Track.playing) Track.playing.play.textContent = Track.playing.parts.name;
    Track.playing = null;
    clearInterval(Track.timer);
  }

  tick() {
    this.parts.show(this.parts.position() + 1);
    if (this.parts.position() >= this.parts.end()) this.go(this.parts.end());
  }

  update() {
    const { slider, output, parts } = this;
    const [position, end, text] = [parts.position(), (parts.range ?? parts.end)(), parts.text()];
    if (slider.value === `${position}` && slider.max === `${end}` && output.textContent === text) return;
    revise(slider, { max: end, "aria-valuetext": text });
    slider.value = String(position);
    revise(output, {}, text);
  }
}

/** Return an arrow that is hidden from screen readers. */
const arrow = (/** @type {string} */ text) =>
  h("span", { className: "chevron", attributes: { "aria-hidden": "true" } }, text);

/** Return the controls of the current step; `rows` are further controls below them.
    @type {(...rows: (Node | null)[]) => HTMLElement} */
export function player(...rows) {
  const track = new Track({
    id: "place",
    label: "Step",
    name: "Play",
    position: () => app.state.place,
    end: () => app.S + app.T,
    range: () => (app.state.hidden ? Math.max(2 * app.S + 1, app.state.place) : app.S + app.T),
    text: () =>
      app.t === null ? `${app.state.place} of ${app.S} read` : `output ${countText(app.state.place - app.S, app.T)}`,
    show: (place) => app.change({ place }),
    finish: () => announcePlace(),
    isFresh: () => app.isOpening,
  });
  /** @type {(id: string, n: number, ...label: (string | Node)[]) => HTMLButtonElement} */
  const stepButton = (id, n, ...label) => button(h("span", {}, ...label), () => track.go(app.state.place + n), { id });
  const first = stepButton("first", -Infinity, arrow("«"), "First");
  const back = stepButton("back", -1, arrow("‹"), "Back");
  const next = stepButton("next", 1, "Next", arrow("›"));
  const end = stepButton("last", Infinity, "Last", arrow("»"));
  app.add(() => {
    // aria-disabled, because a disabled button loses the focus
    for (const one of [first, back]) revise(one, { "aria-disabled": app.state.place === 0 });
    for (const one of [next, end]) revise(one, { "aria-disabled": app.state.place === track.parts.end() });
  });
  document.addEventListener("keydown", (event) => onKey(event, track), app.built);
  const blur = (/** @type {MouseEvent} */ { detail }) => {
    // after a click with the mouse, the button would take the keys of the clicker
    if (detail && app.state.lecture) /** @type {HTMLElement?} */ (document.activeElement?.closest("button"))?.blur();
  };
  document.addEventListener("click", blur, app.built);
  const pace = labelledSelect("Pace", Object.keys(PACES), (i) => Track.restart(Object.values(PACES)[i]));
  const buttons = h("div", { className: "controls" }, first, back, track.play, next, end);
  const parts = h("div", { className: "track" }, buttons, ...track.elements, pace);
  const answers = h("p", { className: "answers", attributes: { "aria-hidden": "true" } });
  const answer = (/** @type {Run} */ run) =>
    withLabel(run.network, `${run.network.targetVocabulary.text(run.answer)} ${MARKS[judgement(run).kind]}`);
  app.addForRuns(() => revise(answers, {}, app.state.hidden ? "" : app.runs.map(answer).join(" ")));
  return disabledWithoutRun(h("div", { id: "player" }, parts, ...rows, answers));
}

/** Handle ←, →, Home and End and, in the lecture view, its keys, unless the focused element uses them. */
function onKey(/** @type {KeyboardEvent} */ event, /** @type {Track} */ track) {
  const { place } = app.state;
  const isLecture = app.state.lecture;
  const users = LECTURE_KEYS[event.key] ?? FIELDS;
  if (event.defaultPrevented || event.altKey || event.ctrlKey || event.metaKey || event.shiftKey) return;
  if (/** @type {Element} */ (event.target).closest?.(users) || !app.runs.length) return;
  /** @type {Record<string, number>} */
  const places = { ArrowLeft: place - 1, ArrowRight: place + 1, Home: 0, End: track.parts.end() };
  if (isLecture) Object.assign(places, { PageUp: place - 1, PageDown: place + 1, " ": place + 1 });
  const to = places[event.key];
  const isBeyond = to > track.parts.end();
  const isTraining = app.state.exercise && app.moments.length;
  const isBack = event.key === "PageUp" && app.state.exercise && place <= app.first && !isTraining;
  if (event.key === "f" && isLecture) switchFullScreen();
  else if (to === undefined) return;
  else if (app.state.embed && (to < 0 || isBeyond)) {
    parent.focus();
    parent.postMessage(JSON.stringify({ method: to < 0 ? "prev" : "next" }), "*"); // slides of reveal.js, or theory.html
  } else if (isLecture && app.state.hidden && isBeyond) byId("hidden").click();
  else if (isLecture && to > place && isTraining && !app.state.samples) byId("train").click();
  else if (isLecture && (to < 0 || isBeyond || isBack)) goToLink(to - place);
  else track.go(to);
  event.preventDefault();
}

/** Go to the link before or after the current one, among those of the exercise on the stage and of its neighbours. */
function goToLink(/** @type {number} */ n) {
  const links = [...document.querySelectorAll("[data-exercise] .chosen > p:not(.steps) a")];
  const i = links.findIndex((link) => isCurrent(/** @type {HTMLAnchorElement} */ (link).hash));
  const neighbour = document.querySelector(`[data-exercise] .chosen [rel=${n < 0 ? "prev" : "next"}]`);
  document.querySelector("#exercises .chosen details")?.removeAttribute("open"); // the answer
  /** @type {HTMLElement | null} */ ((i >= 0 && links[i + n]) || neighbour)?.click();
}

/** Switch full screen on or off; some browsers do not have it, or do not allow it. */
function switchFullScreen() {
  if (document.fullscreenElement) document.exitFullscreen();
  else document.documentElement.requestFullscreen?.().catch(() => {});
}
