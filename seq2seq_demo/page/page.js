/* The page of trained networks. This script runs last. */

import { app, byId } from "./draw/app.js";
import { TrainedNetwork } from "./network/trained.js";
import { buildPage } from "./view.js";

/** @import { NetworkData } from "./network/trained.js" */

const data = JSON.parse(byId("data").textContent ?? "");
app.title = data.title;
app.networks = data.networks.map((/** @type {NetworkData} */ network) => new TrainedNetwork(network));
const [{ examples, sourceVocabulary }] = app.networks;
buildPage(examples.length ? sourceVocabulary.text(examples[0].source) : "");
