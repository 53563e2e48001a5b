/* The tour: links to states of this page for its first example, if any, each with a sentence, which is shown while the
   link has the focus. */

import { app, byId, hashOf, initialState } from "./app.js";
import { redraw } from "./boxes.js";
import { h } from "./elements.js";
import { wrongFirstSymbol } from "./runs.js";

/** @import { Patch } from "./app.js"
    @import { Run } from "./trained.js" */

export function fillTour() {
  const [network] = app.networks;
  const [example] = network.examples;
  const own = example && network.run(example.source, example.target, null, {});
  app.addForRuns(() => {
    const run = own ?? app.runs[0];
    if (!run) return;
    const text = network.sourceVocabulary.text(run.source);
    const items = stops(run).map(([title, sentence, patch]) => {
      const href = hashOf({ ...initialState, text, ...patch });
      const attributes = { "data-key": title, tabindex: 0 }; // in every browser, a click focuses it
      return h("li", {}, h("a", { href, attributes }, title), h("span", {}, sentence));
    });
    redraw(byId("tour").children[1], ...items);
  });
}

/** Return the title, the sentence and the state of each link, for the source of a run.
    @type {(run: Run) => [string, string, Patch][]} */
function stops(run) {
  const S = run.source.length;
  const bottleneck =
    "The decoder starts from the encoder's final state. Without attention, it gets nothing else: the bottleneck.";
  const fed = "Then it is fed the symbol that it wrote last. In training, it is fed the right one: teacher forcing.";
  const attention =
    "The orange lines: at each output, the decoder looks at some inputs, in the encoder's outputs for them.";
  const wrong = "Here, the first symbol is forced to be wrong, and fed back. After it, wrong symbols are red.";
  /** @type {ReturnType<typeof stops>} */
  const all = [
    ["Reading", "The encoder reads one symbol at a time; each changes its state.", { place: Math.min(2, S) }],
    ["The bottleneck", bottleneck, { place: S }],
    ["Writing", "The decoder is fed GO, and writes the likeliest symbol.", { place: S + 1 }],
    ["Its own symbol", fed, { place: S + 2 }],
    ["Attention", attention, { place: S + 3 }],
    ["A wrong symbol", wrong, { place: S + 2, forced: { 0: wrongFirstSymbol(run) } }],
  ];
  const hasAttention = app.networks.some(({ config }) => config.has_attention);
  return all.filter(([title]) => title !== "Attention" || hasAttention);
}
