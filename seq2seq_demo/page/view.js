/* Builds the page from the stage and the tabs. */

import { app, byId, readHash } from "./draw/app.js";
import { attentionPanel } from "./draw/attention.js";
import { h } from "./draw/elements.js";
import { forcedPanel } from "./draw/forced.js";
import { influencePanel } from "./draw/influence.js";
import { insidePanel } from "./draw/inside.js";
import { explainWords, networkColumns, panel, placeLayers, redraw, showTab, tabs } from "./draw/panels.js";
import { player } from "./draw/player.js";
import { probabilityPanel, symbolLayer } from "./draw/probabilities.js";
import { inputPanel, showSummary } from "./draw/source.js";
import { stepPanel } from "./draw/step.js";
import { treePanel } from "./draw/tree.js";
import { trialsLine } from "./draw/trials.js";
import { announceNext, followAnswer, showExercise } from "./lesson/exercise.js";
import { followKeys } from "./lesson/keys.js";
import { fillIn, keepNotes } from "./lesson/notes.js";
import { PLANS } from "./lesson/plans.js";
import { fillTour } from "./lesson/tour.js";

const TABS = [forcedPanel, treePanel, influencePanel, insidePanel]; // in this order

/** Return the stage and the tabs. Next to the pictures are the probabilities, if there is only one network, and the
    panel that `makeSide` returns, which contains the attention of the first network. If `makeSide` is null, attention
    is in a tab. */
function layOut(/** @type {((attention: HTMLElement | null) => HTMLElement) | null} */ makeSide) {
  const attention = app.networks.map((_, i) => attentionPanel(i));
  const side = makeSide?.(attention[0]) ?? null;
  const probabilities = app.networks.length === 1 ? probabilityPanel() : null;
  const picture = stepPanel(app.networks.map((_, i) => [trialsLine(i), symbolLayer(i)]));
  const pictures = h("div", { class: "pictures" }, side, picture, probabilities);
  const steps = player();
  followKeys(steps);
  const stage = h("div", { id: "stage" }, pictures, steps.element);
  const sections = TABS.map((makePanel) => makePanel());
  if (!side && attention.some(Boolean)) {
    const maps = networkColumns((i) => [attention[i] ?? h("p", {}, "This network has no attention.")]);
    sections.unshift(panel("details", "Attention", maps));
  }
  return [stage, byId("exercises"), ...tabs(stage, sections)];
}

/** Build the page for `app.networks`, with `parts` above the source and next to the pictures, and show the state in the
    URL. `text` is the source if the URL does not contain one.
    @type {(text: string, parts?: { top: HTMLElement, side: (attention: HTMLElement | null) => HTMLElement }) => void} */
export function buildPage(text, parts) {
  document.body.toggleAttribute("data-waiting"); // until the first valid source
  app.add(() => app.runs.length && document.body.removeAttribute("data-waiting"));
  app.add(() => app.isStep || showExercise());
  app.add(() => announceNext(false));
  keepNotes();
  Object.assign(app, { fillIn, plans: [...PLANS.keys()] });
  const lasting = app.updates;
  app.build = () => {
    app.updates = [...lasting];
    app.built.abort(); // removes the listeners of the previous panels
    app.built = new AbortController();
    showSummary();
    redraw(byId("main"), parts?.top ?? null, inputPanel(), ...layOut(parts?.side ?? null));
    fillTour();
    dispatchEvent(new Event("resize")); // the parts measure the available space before they are shown
  };
  app.build();
  const show = (/** @type {Event} */ { target }) => {
    followAnswer();
    if (!app.state.exercise) /** @type {Element} */ (target).scrollIntoView();
  };
  byId("exercises").addEventListener("toggle", show, true); // when the list or an answer opens
  explainWords();
  placeLayers();
  /** @type {(hash: string, text?: string) => void} */
  const open = (hash, text) => {
    const given = readHash(hash);
    const first = document.querySelector(`#exercise-${given.exercise} a:not([rel])`); // contains what a short URL lacks
    app.open({ ...(first && !given.text ? readHash(first.getAttribute("href") ?? "") : {}), ...given }, text);
    const { tab, hidden } = app.state;
    // once the page is laid out
    if (tab && !hidden) requestAnimationFrame(() => setTimeout(() => app.state.tab === tab && showTab(tab)));
  };
  open(location.hash, text);
  document.querySelector(".skip")?.addEventListener("click", (event) => {
    event.preventDefault(); // because the URL fragment holds the state
    byId("source").focus();
  });
  addEventListener("hashchange", ({ newURL }) => {
    const { lecture, embed, plan } = app.state;
    open(new URL(newURL).hash); // while networks are training, location.hash may have been written again
    // links in exercises keep the plan and the lecture view
    app.change({ plan: app.state.plan || plan, lecture: app.state.lecture || (lecture && !embed) });
    if (!app.state.tab || app.state.hidden) scrollTo(0, 0);
  });
  addEventListener("keydown", ({ key }) => {
    const isLayer = document.querySelector(":popover-open"); // a layer, which Escape closes
    if (key === "Escape" && app.state.lecture && !app.state.embed && !isLayer) app.change({ lecture: false });
  });
}
