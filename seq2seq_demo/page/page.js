/* The page of trained networks. This script runs last. */

import { app, byId } from "./app.js";
import { TrainedNetwork } from "./trained.js";
import { buildPage } from "./view.js";

/** @import { Example, NetworkData } from "./trained.js" */

/** Return an example on which the networks differ or, of one network, the first; undefined if there are no examples. */
function firstExample() {
  const { networks } = app;
  const { examples } = networks[0];
  const differ = (/** @type {Example} */ { source }) =>
    new Set(networks.map((network) => network.run(source, network.knownTarget(source), null, {}).exact)).size > 1;
  return (networks.length > 1 && examples.find(differ)) || examples[0];
}

const data = JSON.parse(byId("data").textContent ?? "");
app.title = data.title;
app.networks = data.networks.map((/** @type {NetworkData} */ network) => new TrainedNetwork(network));
const example = firstExample();
buildPage(example ? app.networks[0].sourceVocabulary.text(example.source) : "");
