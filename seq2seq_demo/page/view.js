/* Builds the page. This script runs last. */

import { app, byId } from "./app.js";
import { attentionPanel } from "./attention.js";
import { h } from "./elements.js";
import { explanationsPanel } from "./explanations.js";
import { forcedPanel } from "./forced.js";
import { influencePanel } from "./influence.js";
import { insidePanel } from "./inside.js";
import { columns, panel } from "./panels.js";
import { player } from "./player.js";
import { probabilityPanel } from "./probabilities.js";
import { inputPanel } from "./source.js";
import { stepPanel } from "./step.js";
import { tabs } from "./tabs.js";
import { TrainedNetwork } from "./trained.js";
import { film, trainingPanel } from "./training.js";
import { treePanel } from "./tree.js";

/** @import { Example, NetworkData } from "./trained.js" */

const TABS = [explanationsPanel, forcedPanel, trainingPanel, treePanel, influencePanel, insidePanel]; // in this order

/** Return the player and the pictures of one network; the attention and the probabilities of several are in a tab. */
function layOut() {
  const details = app.networks.map((_, i) => [attentionPanel(i), probabilityPanel(i)]);
  const isAlone = details.length === 1;
  const pictures = h("div", { className: "pictures" }, stepPanel(), ...(isAlone ? details[0] : []));
  const stage = h("div", { id: "stage" }, player(film()), pictures);
  const label = (/** @type {HTMLElement | null} */ section, /** @type {number} */ i) =>
    section?.setAttribute("aria-label", `${section.ariaLabel} of ${app.networks[i].name}`);
  if (!isAlone) details.forEach((sections, i) => sections.forEach((section) => label(section, i)));
  const perNetwork = isAlone ? null : columns((i) => details[i]);
  const both = perNetwork && panel("details", "Attention and probabilities", "", perNetwork);
  const sections = [both, ...TABS.map((makePanel) => makePanel())].filter((section) => section !== null);
  return [stage, ...tabs(stage, sections)];
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
  if (app.state.lecture) app.change({ lecture: false });
  else if (document.activeElement?.closest("#inside")) {
    const diagram = document.querySelectorAll(".diagram")[app.state.cell?.networkIndex ?? 0];
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
  const example = firstExample();
  app.open(location.hash, example ? app.networks[0].sourceVocabulary.text(example.source) : "");
  document.querySelector(".skip")?.addEventListener("click", (event) => {
    event.preventDefault(); // the address holds the state
    byId("source").focus();
  });
  addEventListener("hashchange", () => app.open(location.hash));
  addEventListener("keydown", ({ key }) => key === "Escape" && leave());
}

start();
