/* Builds the page. This script runs last. */

import { app } from "./app.js";
import { attentionPanel } from "./attention.js";
import { h } from "./elements.js";
import { explanationsPanel } from "./explanations.js";
import { forcedPanel } from "./forced.js";
import { influencePanel } from "./influence.js";
import { insidePanel } from "./inside.js";
import { probabilityPanel } from "./probabilities.js";
import { inputPanel } from "./source.js";
import { stepPanel } from "./step.js";
import { TrainedNetwork } from "./trained.js";
import { trainingPanel } from "./training.js";
import { treePanel } from "./tree.js";

const PANELS = [
  inputPanel,
  stepPanel,
  attentionPanel,
  probabilityPanel,
  forcedPanel,
  trainingPanel,
  treePanel,
  influencePanel,
  insidePanel,
  explanationsPanel,
]; // in the order on the page

/** Fill in the table of contents. */
function showContents(main) {
  const links = [...main.children].slice(1).map((section) => {
    return h("a", { href: `#${section.id}` }, section.querySelector("h2").textContent);
  });
  document.getElementById("contents").replaceChildren(...links);
}

/** Follow a link inside the page without changing the address, which holds the state. */
function followLink(event) {
  const link = event.target.closest('a[href^="#"]');
  if (!link) return;
  event.preventDefault();
  const element = document.getElementById(link.hash.slice(1));
  if (element.tabIndex < 0) element.tabIndex = -1; // now a section can have the focus; a text field stays in the tab order
  element.focus({ preventScroll: true });
  element.scrollIntoView();
}

function start() {
  const data = JSON.parse(document.getElementById("data").textContent);
  app.networks = data.networks.map((network) => new TrainedNetwork(network));
  document.body.toggleAttribute("data-waiting"); // until the first valid source
  app.add({ update: () => app.runs.length && document.body.removeAttribute("data-waiting") });
  const main = document.getElementById("main");
  main.append(...PANELS.map((makePanel) => makePanel(app)).filter((section) => section !== null));
  showContents(main);
  const [first] = app.networks;
  const [example] = first.examples;
  const text = example ? first.sourceVocabulary.text(example.source) : "";
  app.open(location.hash, text);
  addEventListener("click", followLink);
  addEventListener("hashchange", () => app.open(location.hash));
}

start();
