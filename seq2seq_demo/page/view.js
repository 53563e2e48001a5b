/* Builds the page. This script runs last. */

import { app, byId } from "./app.js";
import { attentionPanel } from "./attention.js";
import { h } from "./elements.js";
import { forcedPanel } from "./forced.js";
import { influencePanel } from "./influence.js";
import { insidePanel } from "./inside.js";
import { networkColumns, panel } from "./panels.js";
import { player } from "./player.js";
import { likeliestLine, probabilityPanel } from "./probabilities.js";
import { inputPanel, moreDetails } from "./source.js";
import { stepPanel } from "./step.js";
import { showTab, tabs } from "./tabs.js";
import { fillTour } from "./tour.js";
import { TrainedNetwork } from "./trained.js";
import { film, trainingPanel } from "./training.js";
import { treePanel } from "./tree.js";

/** @import { Example, NetworkData } from "./trained.js" */

const TABS = [forcedPanel, trainingPanel, treePanel, influencePanel, insidePanel]; // in this order

/** Return the pictures and the player; the attention, and the probabilities of several networks, are in a tab. */
function layOut() {
  const isAlone = app.networks.length === 1;
  const parts = app.networks.map((_, i) => [attentionPanel(i), probabilityPanel(i)]);
  const label = (/** @type {HTMLElement | null} */ section, /** @type {number} */ i) =>
    section?.setAttribute("aria-label", `${section.ariaLabel} of ${app.networks[i].name}`);
  if (!isAlone) parts.forEach((sections, i) => sections.forEach((section) => label(section, i)));
  const slots = parts.map(([attention]) => filmSlot(attention));
  const lines = isAlone ? [] : app.networks.map((_, i) => likeliestLine(i));
  const pictures = h("div", { className: "pictures" }, stepPanel(slots, lines), isAlone ? parts[0][1] : null);
  const stage = h("div", { id: "stage" }, pictures, player(film()));
  const more = moreDetails();
  if (isAlone) more.append(...pictures.querySelectorAll(".panel > details"));
  const title = isAlone ? "Attention" : "Attention and probabilities";
  const inTab = networkColumns((i) => [h("div", {}, parts[i][0]), isAlone ? null : parts[i][1]]);
  inTab.querySelectorAll(".column").forEach((column, i) => column.classList.toggle("narrow", !parts[i][0]));
  const details = parts[0][0] || !isAlone ? panel("details", title, "", inTab) : null;
  const sections = [details, ...TABS.map((makePanel) => makePanel())].filter((section) => section !== null);
  return [stage, byId("exercises"), more, ...tabs(stage, sections)];
}

/** Return a place on the stage to which the film moves a network's attention, over the picture of the network. */
function filmSlot(/** @type {HTMLElement | null} */ attention) {
  const slot = h("div", { className: "film" });
  /** @type {Node | null} */
  let home = null;
  app.updates.unshift(() => {
    home ??= attention?.parentNode ?? null;
    const to = app.state.film ? slot : home;
    if (attention && to && attention.parentNode !== to) to.appendChild(attention);
    slot.parentElement?.classList.toggle("covered", slot.hasChildNodes()); // :has in the style would slow each step down
  });
  return slot;
}

/** Return an example on which the networks differ or, of one network, the first; undefined if there are no examples. */
function firstExample() {
  const { networks } = app;
  const { examples } = networks[0];
  /** @type {(network: TrainedNetwork, source: number[]) => boolean | null} */
  const isRight = (network, source) => network.run(source, network.knownTarget(source), null, {}).exact;
  const differ = (/** @type {Example} */ { source }) =>
    new Set(networks.map((network) => isRight(network, source))).size > 1;
  return (networks.length > 1 && examples.find(differ)) || examples[0];
}

/** Leave the lecture view, or the inside of a cell for the diagram. */
function leave() {
  if (app.state.lecture && !app.state.embed) app.change({ lecture: false });
  else if (document.activeElement?.closest("#inside")) {
    const diagram = document.querySelectorAll(".diagram")[app.cell.networkIndex];
    /** @type {SVGElement | null} */ (diagram.querySelector(".open-cell"))?.focus({ preventScroll: true });
  }
}

function start() {
  const data = JSON.parse(byId("data").textContent ?? "");
  app.title = data.title;
  app.networks = data.networks.map((/** @type {NetworkData} */ network) => new TrainedNetwork(network));
  document.body.toggleAttribute("data-waiting"); // until the first valid source
  app.add(() => app.runs.length && document.body.removeAttribute("data-waiting"));
  byId("main").append(inputPanel(), ...layOut());
  fillTour();
  /** @type {(text?: string) => void} */
  const open = (text) => {
    app.open(location.hash, text);
    const { tab } = app.state;
    if (tab) requestAnimationFrame(() => setTimeout(showTab, 0, tab)); // once the page is laid out
  };
  const example = firstExample();
  open(example ? app.networks[0].sourceVocabulary.text(example.source) : "");
  document.querySelector(".skip")?.addEventListener("click", (event) => {
    event.preventDefault(); // the address holds the state
    byId("source").focus();
  });
  addEventListener("hashchange", () => {
    const lecture = app.state.lecture && !app.state.embed;
    open();
    if (lecture) app.change({ lecture }); // the links of exercises keep the view
    if (lecture && !app.state.tab) scrollTo(0, 0);
  });
  addEventListener("keydown", ({ key }) => key === "Escape" && leave());
}

start();
