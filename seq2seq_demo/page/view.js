"use strict";
/* Builds the page. This script runs last. */

const PANELS = [
  inputPanel,
  stepPanel,
  attentionPanel,
  probabilityPanel,
  forcedPanel,
  trainingPanel,
  influencePanel,
  insidePanel,
  explanationsPanel,
]; // in the order on the page

/** Fill in the table of contents. Its links scroll without changing the address, which holds the state. */
function showContents(main) {
  const links = [...main.children].slice(1).map((section) => {
    return h("a", { href: `#${section.id}` }, section.querySelector("h2").textContent);
  });
  document.getElementById("contents").replaceChildren(...links);
  for (const link of [...links, document.querySelector("#begin a")]) {
    link.addEventListener("click", (event) => {
      event.preventDefault();
      const section = document.getElementById(link.hash.slice(1));
      section.tabIndex = -1;
      section.focus({ preventScroll: true });
      section.scrollIntoView();
    });
  }
}

function start() {
  const data = JSON.parse(document.getElementById("data").textContent);
  app.networks = data.networks.map((network) => new TrainedNetwork(network));
  const main = document.getElementById("main");
  main.append(...PANELS.map((makePanel) => makePanel(app)).filter((section) => section !== null));
  showContents(main);
  const [first] = app.networks;
  const [example] = first.examples;
  const text = example ? first.sourceVocabulary.text(example.source) : "";
  app.open(location.hash, text);
  addEventListener("hashchange", () => app.open(location.hash));
}

start();
