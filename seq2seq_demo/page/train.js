/* The page of networks that train. This script runs last. */

import { app, byId } from "./app.js";
import { savedState } from "./own.js";
import { prepareTraining, trainingPanel, trainingSide } from "./training.js";
import { buildPage } from "./view.js";

document.body.dataset.page = "training";
prepareTraining(JSON.parse(byId("data").textContent ?? "").training, savedState());
buildPage(app.state.text, { top: trainingPanel(), side: trainingSide });
