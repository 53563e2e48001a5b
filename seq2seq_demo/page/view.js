/* Builds the page from the stage and the tabs. */

import { app, byId } from "./app.js";
import { attentionPanel } from "./attention.js";
import { h, revise } from "./elements.js";
import { forcedPanel } from "./forced.js";
import { influencePanel } from "./influence.js";
import { insidePanel } from "./inside.js";
import { networkColumns, panel } from "./panels.js";
import { player } from "./player.js";
import { likeliestLine, probabilityPanel } from "./probabilities.js";
import { inputPanel, showSummary } from "./source.js";
import { stepPanel } from "./step.js";
import { showTab, tabs } from "./tabs.js";
import { fillTour } from "./tour.js";
import { treePanel } from "./tree.js";
import { explainWords } from "./words.js";

const TABS = [forcedPanel, treePanel, influencePanel, insidePanel]; // in this order

/** Return the pictures and the player; the attention, and the probabilities of several networks, are in a tab. The
    function `makeSide`, if any, returns a panel beside the pictures of several networks, which contains the attention. */
function layOut(/** @type {((attention: HTMLElement | null) => HTMLElement) | null} */ makeSide) {
  const isAlone = app.networks.length === 1;
  const parts = app.networks.map((_, i) => [attentionPanel(i), probabilityPanel(i)]);
  const label = (/** @type {HTMLElement | null} */ section, /** @type {number} */ i) =>
    section?.setAttribute("aria-label", `${section.ariaLabel} of ${app.networks[i].name}`);
  if (!isAlone) parts.forEach((sections, i) => sections.forEach((section) => label(section, i)));
  const lines = isAlone ? [] : app.networks.map((_, i) => likeliestLine(i));
  const side = makeSide?.(parts[0][0]) ?? null;
  const pictures = h("div", { className: "pictures" }, side, stepPanel(lines), isAlone ? parts[0][1] : null);
  const stage = h("div", { id: "stage" }, pictures, player());
  const title = makeSide ? "Probabilities" : isAlone ? "Attention" : "Attention and probabilities";
  const inTab = networkColumns((i) => [makeSide ? null : h("div", {}, parts[i][0]), isAlone ? null : parts[i][1]]);
  const isNarrow = (/** @type {number} */ i) => !makeSide && !parts[i][0];
  inTab.querySelectorAll(".column").forEach((column, i) => column.classList.toggle("narrow", isNarrow(i)));
  const details = isAlone && (makeSide || !parts[0][0]) ? null : panel("details", title, "", inTab);
  const sections = [details, ...TABS.map((makePanel) => makePanel())].filter((section) => section !== null);
  return [stage, byId("exercises"), ...tabs(stage, sections)];
}

/** Show the question of the exercise in the state; the links to others keep the lecture view. */
function showExercise() {
  const { exercise, lecture } = app.state;
  document.documentElement.toggleAttribute("data-exercise", exercise > 0);
  for (const one of byId("exercises").querySelectorAll("article"))
    one.classList.toggle("chosen", one.id === `exercise-${exercise}`);
  if (exercise) byId("exercises").querySelector("details")?.setAttribute("open", "");
  const view = lecture ? "&view=lecture" : "";
  for (const link of byId("exercises").querySelectorAll("a[rel]"))
    revise(link, { href: link.getAttribute("href")?.replace(/(&view=lecture)?$/, view) });
}

/** Build the page of `app.networks`, with parts above the source and beside the pictures, and show the state in the
    address; `text` is the source if the address has none.
    @type {(text: string, parts?: { top: HTMLElement, side: (attention: HTMLElement | null) => HTMLElement }) => void} */
export function buildPage(text, parts) {
  document.body.toggleAttribute("data-waiting"); // until the first valid source
  app.add(() => app.runs.length && document.body.removeAttribute("data-waiting"));
  app.add(() => app.isStep || showExercise());
  if (parts) byId("main").prepend(parts.top);
  const lasting = app.updates;
  app.build = () => {
    const before = [...byId("main").children].filter((one) => one !== parts?.top);
    app.updates = [...lasting];
    app.built.abort(); // the listeners of the panels before
    app.built = new AbortController();
    byId("actions").replaceChildren();
    showSummary();
    const panels = [inputPanel(), ...layOut(parts?.side ?? null)];
    for (const one of before) if (!panels.includes(/** @type {HTMLElement} */ (one))) one.remove();
    byId("main").append(...panels);
    fillTour();
  };
  app.build();
  const show = (/** @type {Event} */ { target }) =>
    app.state.exercise || /** @type {Element} */ (target).scrollIntoView();
  byId("exercises").addEventListener("toggle", show, true); // a list or an answer that opens
  explainWords();
  /** @type {(hash: string, text?: string) => void} */
  const open = (hash, text) => {
    const short = /^#exercise=(\d+)(&view=\w+)?$/.exec(hash); // on the worksheet: the first link of the exercise
    const first = short && document.querySelector(`#exercise-${short[1]} a:not([rel])`);
    app.open(first instanceof HTMLAnchorElement ? `${first.hash}${short?.[2] ?? ""}` : hash, text);
    const { tab } = app.state;
    if (tab) requestAnimationFrame(() => setTimeout(() => app.state.tab === tab && showTab(tab))); // once the page is laid out
  };
  open(location.hash, text);
  document.querySelector(".skip")?.addEventListener("click", (event) => {
    event.preventDefault(); // the address holds the state
    byId("source").focus();
  });
  addEventListener("hashchange", ({ newURL }) => {
    const lecture = app.state.lecture && !app.state.embed;
    open(new URL(newURL).hash); // while networks train, location.hash may have been written again
    if (lecture) app.change({ lecture }); // the links of exercises keep the view
    if (!app.state.tab) scrollTo(0, 0);
  });
  addEventListener("keydown", ({ key }) => {
    if (key === "Escape" && app.state.lecture && !app.state.embed) app.change({ lecture: false });
  });
}
