/* The page of networks that train. This script runs last. */

import { app, byId } from "./app.js";
import { savedState } from "./own.js";
import { prepareTraining, trainingPanel, trainingSide } from "./training.js";
import { buildPage } from "./view.js";

document.body.dataset.page = "training";
const { training: trainingData, parameters: allParameters } = JSON.parse(byId("data").textContent ?? "");
for (const { cells } of [...trainingData.networks, trainingData.bidirectional])
  for (const recipe of Object.values(cells))
    recipe.parameters = recipe.parameters.map((/** @type {number} */ i) => allParameters[i]);
prepareTraining(trainingData, savedState());
buildPage(app.state.text, { top: trainingPanel(), side: trainingSide });
