/* The attention panel: a heat map of α with one row per output. */

import { app } from "./app.js";
import { HeatMap, outputsByInputs } from "./heatmap.js";
import { addPanel, panel } from "./panels.js";
import { currentOutput, writtenName } from "./runs.js";
import { describeAttention, goToOutput } from "./step.js";

/** @import { Content } from "./heatmap.js"
    @import { Run } from "../network/trained.js" */

/** Return the attention panel of network i; null if the network has no attention. */
export function attentionPanel(/** @type {number} */ i) {
  const { name, config } = app.networks[i];
  if (!config.has_attention) return null;
  const caption = `Attention of ${name}, one row per output`;
  const map = new HeatMap(caption, (t) => app.t !== t && goToOutput(t));
  const isFirst = app.networks.findIndex((network) => network.config.has_attention) === i;
  const section = panel(isFirst ? "attention" : `attention-${i + 1}`, "Attention", map.box);
  if (app.networks.length > 1) section.setAttribute("aria-label", `Attention of ${name}`);
  return addPanel(section, () => {
    const run = app.runs[i];
    map.show([run], () => attentionOf(run), { row: currentOutput(run), column: null });
  });
}

/** Return a run's attention as the content of a heat map.
    @type {(run: Run) => Content} */
function attentionOf(run) {
  const outputs = run.steps.map((_, t) => writtenName(run, t) + (run.isWrong(t) ? " ✗" : ""));
  const alphas = run.steps.map(({ alpha }) => alpha ?? []);
  const content = outputsByInputs(run, outputs, alphas, "looks at");
  const height = app.moments.length ? 165 : 240; // of all rows of a right answer, in px; smaller next to the curves
  const rowHeight = Math.max(15, Math.min(32, height / (run.source.length + 1))); // the same at each moment of training
  return { ...content, rowHeight, describeRow: (t) => `${content.describeRow?.(t)} ${describeAttention(run, t)}` };
}
