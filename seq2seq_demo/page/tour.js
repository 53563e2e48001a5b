/* The tour: links to states of this page for the current source, each with a sentence, which is shown while the link has the focus. */

import { app, byId, hashOf, initialState } from "./app.js";
import { redraw } from "./boxes.js";
import { h } from "./elements.js";
import { wrongFirstSymbol } from "./runs.js";

/** @import { Patch } from "./app.js" */

export function fillTour() {
  app.addForRuns(() => {
    if (!app.runs.length) return;
    const { text, targetText } = app.state;
    const items = stops().map(([title, sentence, patch]) => {
      const state = { ...initialState, text, targetText, ...patch };
      const href = hashOf({ ...state, place: state.place ?? 0 });
      const attributes = { "data-key": title, tabindex: 0 }; // in every browser, a click focuses it
      return h("li", {}, h("a", { href, attributes }, title), h("span", {}, sentence));
    });
    redraw(byId("tour").children[1], ...items);
  });
}

/** Return the title, the sentence and the state of each link.
    @type {() => [string, string, Patch][]} */
function stops() {
  const { S, networks } = app;
  const [run] = app.runs;
  const kinds = new Set(networks.map(({ config }) => config.has_attention));
  const forced = { 0: wrongFirstSymbol(run) };
  /** @type {[string, string, Patch][]} */
  const list = [
    ["Reading", "The encoder reads one symbol at a time; each changes its state.", { place: Math.min(2, S) }],
    ["The final state", "The decoder starts from the encoder's final state.", { place: S }],
    ["Writing", "The decoder is fed GO, and writes the likeliest symbol.", { place: S + 1 }],
    ["Its own symbol", "Then it is fed the symbol that it wrote last.", { place: S + 2 }],
    [
      "An error",
      "In training it is fed the right symbols: teacher forcing. Here, a wrong one is forced.",
      { place: S + 1 },
    ],
    ["After the error", "The decoder is fed the wrong symbol. Is the rest right?", { place: S + 2 }],
  ];
  for (const [, , patch] of list.slice(-2)) patch.forced = forced;
  const attention = "The orange lines: the decoder looks at the outputs of the encoder for these inputs.";
  if (kinds.has(true)) list.splice(3, 0, ["Attention", attention, { place: S + 1 }]);
  return list;
}
