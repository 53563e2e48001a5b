/* The tour: links to five states of this page for the current source, each with a sentence. */

import { app, byId, hashOf, initialState } from "./app.js";
import { h } from "./elements.js";
import { largest } from "./format.js";
import { probabilities } from "./runs.js";

/** @import { Patch } from "./app.js" */

export function fillTour() {
  const list = byId("tour").querySelector("ol");
  app.addForRuns(() => {
    if (!app.runs.length) return;
    const { text, targetText } = app.state;
    const items = stops().map(([title, sentence, patch]) => {
      const state = { ...initialState, text, targetText, ...patch };
      return h("li", {}, h("a", { href: hashOf({ ...state, place: state.place ?? 0 }) }, title), `: ${sentence}`);
    });
    list?.replaceChildren(...items);
  });
}

/** Return the title, the sentence and the state of each link.
    @type {() => [string, string, Patch][]} */
function stops() {
  const { S, networks } = app;
  const [run] = app.runs;
  const bottleneck = "the last state is all that the decoder knows about the source";
  const attention = "the decoder looks back at the inputs, along the orange lines";
  const kinds = new Set(networks.map(({ config }) => config.has_attention));
  const memory = {
    title: kinds.size > 1 ? "Bottleneck or attention" : kinds.has(true) ? "Attention" : "The bottleneck",
    without: kinds.has(false) ? `Without attention, ${bottleneck}.` : "",
    with: kinds.has(true) ? `With attention, ${attention}.` : "",
  };
  const second = largest(probabilities(run.steps[0]), 2)[1];
  return [
    ["Reading", "The encoder reads one symbol at a time; each changes its state.", { place: Math.min(2, S) }],
    [memory.title, `${memory.without} ${memory.with}`.trim(), { place: S + 1 }],
    [
      "Writing",
      "The decoder is fed the symbol that it wrote last and writes the likeliest next one.",
      { place: S + 2 },
    ],
    ["An error", "Output 1 is forced to be the second likeliest symbol.", { place: S + 1, forced: { 0: second } }],
    ["Inside", "A cell computes the next state from these numbers.", { place: 1, tab: "inside" }],
  ];
}
