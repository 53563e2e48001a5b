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

function start() {
  const data = JSON.parse(document.getElementById("data").textContent);
  app.networks = data.networks.map((network) => new Shown(network));
  const main = document.getElementById("main");
  for (const [id, make] of Object.entries(PANELS)) {
    const section = make(app);
    if (section) main.append(Object.assign(section, { id }));
  }
  const first = app.networks[0].examples[0];
  const text = first ? app.networks[0].sourceVocabulary.text(first.source) : "";
  app.change({ text, ...readHash(location.hash, app.networks) });
  addEventListener("hashchange", () => app.change(readHash(location.hash, app.networks)));
}

start();
