"use strict";
/* Puts the page together, once all scripts are there. */

/* The panels in their order, by the ids of their sections. */
const PANELS = {
  input: inputPanel,
  step: stepPanel,
  attention: attentionPanel,
  probabilities: probabilityPanel,
  forced: forcedPanel,
  training: trainingPanel,
  influence: influencePanel,
  inside: insidePanel,
  words: wordsPanel,
};

/** Link the panels at the top; the address stays, as it holds the state. */
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
  app.networks = data.networks.map((network) => new Shown(network));
  const main = document.getElementById("main");
  for (const [id, make] of Object.entries(PANELS)) {
    const section = make(app);
    if (section) main.append(Object.assign(section, { id }));
  }
  showContents(main);
  const first = app.networks[0].examples[0];
  const text = first ? app.networks[0].sourceVocabulary.text(first.source) : "";
  app.change({ text, ...readHash(location.hash, app.networks) });
  addEventListener("hashchange", () => app.change(readHash(location.hash, app.networks)));
}

start();
