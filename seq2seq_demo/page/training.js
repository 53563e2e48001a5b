/* The training page: the settings, the training, its status, and a slider for the kept steps. This script runs last. */

import { ADDRESS, announce, app, byId, initialState } from "./draw/app.js";
import { revise } from "./draw/elements.js";
import { percent, thousands } from "./draw/format.js";
import { withLabel } from "./draw/panels.js";
import { slider } from "./draw/player.js";
import { announceAnswers, showSummary } from "./draw/source.js";
import { fillIn } from "./lesson/notes.js";
import { argmax, last, mean } from "./network/network.js";
import { TrainedNetwork } from "./network/trained.js";
import { BATCH } from "./network/trainer.js";
import { Course, copy, course, findingOf, lengthsOf, patternTask, setCourse } from "./run/course.js";
import { drawFigure, shownPoint } from "./run/curves.js";
import { findKept, keep, keptCourses, prepareKept } from "./run/kept.js";
import { own, parseShared, preparePairs, readOwn, savedState, showPairs } from "./run/own.js";
import { pairsTask } from "./run/pairs.js";
import { buildPage } from "./view.js";

/** @import { Patch, Settings } from "./draw/app.js"
    @import { Parameter, Point, TrainingData } from "./run/course.js"
    @import { Kept } from "./run/kept.js"
    @import { Saved } from "./run/own.js" */

const DIGITS = "3 1 4 1 5 9 2 6 5 3 5 8 9 7 9 3 2 3 8 4"; // the first source
const ROUND = 64_000; // samples after which training pauses
const MAX_SAMPLES = 10 * ROUND;
const UNTRAINED = "The networks are untrained.";
const TABLED = [16_000, ROUND]; // samples after which the table of exercise 1 asks for exact match
const FRAME = 30; // ms of training per frame, with at least one step
const PICTURES = 150; // ms between two pictures of the networks
const PAIRS = "pairs"; // the task of the user's own pairs
const TITLES = { patterns: document.title, pairs: "A network learns your own pairs" };
const BIDIRECTIONAL = 32; // with at least this number of units, the encoder for pairs reads in both directions
const PATIENCE = 24_000; // training on pairs ends after this number of samples without a better exact match
const N_SEEDS = 100;
const N_EXACT = 10; // training on a pattern ends after this number of measurements in a row with all answers right
/** @type {(keyof Settings)[]} */
const FOR_PATTERNS = ["length", "cell", "feed"]; // settings that do not apply to pairs

/** @type {{ training: TrainingData, parameters: Parameter[] }} */
const { training, parameters: allParameters } = JSON.parse(byId("data").textContent ?? "");
/** @type {Generator} */
let work; // the work of the course while it trains
let end = 0; // the number of samples at which training pauses
let frame = 0; // the id of the next training frame
let began = { at: 0, samples: 0, n: 0 }; // when training last started, in ms, and after how many samples and points
let verdict = ""; // why the training ended
// Whether the pointer is pressed. While it is, no picture is drawn, because a click must end where it began.
let isPressed = false;
let chosen = ""; // the source that the page has chosen
let shown = { at: 0, cost: 0, samples: 0 }; // when the page last showed the networks, and how long this took, in ms

/** A control for a setting in training.html.
    @typedef {HTMLSelectElement & { name: keyof Settings }} Control */
const controls = /** @type {Control[]} */ ([...document.querySelectorAll("#training select[name]")]);

/** @type {(read: (control: Control) => string | undefined) => Settings} */
const settingsWith = (read) => Object.assign({}, ...controls.map((one) => ({ [one.name]: read(one) })));
const defaults = settingsWith(
  (one) => /** @type {HTMLOptionElement | null} */ (one.querySelector("[selected]"))?.value,
);
const chosenSettings = () => settingsWith(({ name }) => app.state[name]);

/** Return the settings for a task. The task's option in training.html may override the defaults.
    @type {(task: string) => Settings} */
function settingsOf(task) {
  const option = /** @type {HTMLElement} */ (document.querySelector(`option[value=${task}]`));
  return { ...defaults, ...option.dataset, task };
}

const isPairs = () => course.settings.task === PAIRS;

/** Set up the state, the URL fields and the networks; `saved` is the state of a saved page, or null. */
function prepareTraining(/** @type {Saved | null} */ saved) {
  for (const state of [initialState, app.state]) Object.assign(state, defaults);
  for (const { name, options } of controls) {
    const choices = [...options].map(({ value }) => value);
    ADDRESS[name] = { write: (state) => state[name], text: (text) => (choices.includes(text) ? { [name]: text } : {}) };
  }
  ADDRESS.samples = {
    // a link does not contain the user's pairs
    write: ({ task, goal, samples }) => (task === PAIRS ? "" : `${Math.max(goal, samples) || ""}`),
    numbers: (n) => ({ goal: Math.min(n - (n % BATCH), MAX_SAMPLES) }),
  };
  ADDRESS.network = { write: ({ network }) => network, text: (network) => ({ network }) };
  ADDRESS.train = { write: ({ starts }) => (starts ? "now" : ""), text: () => ({ starts: true }) };
  app.prepare = followState;
  const pairs = saved ?? keptCourses.findLast(({ saved }) => saved.settings.task === PAIRS)?.saved;
  if (pairs) showPairs(pairs); // the URL does not contain the pairs
  if (saved && !own.reading.refusal) {
    setSettings(saved.settings);
    begin({}, findKept(chosenSettings()) ?? { saved, course: null }); // the course may have trained further
  } else begin();
  addEventListener("pagehide", () => keep(course));
}

/** Make the settings in the state consistent, and show the course for them. */
function followState(/** @type {Patch} */ given) {
  const { state } = app;
  const { task } = course.settings;
  const isOfPairs = state.task === PAIRS;
  const [before, after] = [task, state.task].map(settingsOf);
  for (const { name } of controls)
    if (task !== state.task && state[name] === before[name] && !(name in given)) state[name] = after[name];
  if (isOfPairs) for (const name of FOR_PATTERNS) state[name] = defaults[name];
  else if (!lengthsOf(state.task, state.length).length) state.length = after.length;
  if (isOfPairs) state.goal = 0; // the URL does not contain the pairs
  const isShared = isOfPairs && state.network !== own.link && state.network;
  if (isShared || controls.some(({ name }) => course.settings[name] !== state[name])) begin(given);
  if (state.goal > course.samples) end = state.goal;
  state.samples = shown.samples;
  app.positions = shownPoint().positions;
  if (state.starts && !course.samples) setTimeout(() => app.isTraining || toggleTraining());
  state.starts = false;
}

/** Apply the settings that are valid. */
function setSettings(/** @type {Settings} */ settings) {
  for (const { name } of controls) Object.assign(app.state, ADDRESS[name].text?.(settings?.[name]));
}

/** Show a course that was trained before. */
function showKept(/** @type {Kept} */ kept) {
  if (kept.saved.settings.task === PAIRS) showPairs(kept.saved);
  setSettings(kept.saved.settings);
  Object.assign(app.state, { goal: 0, network: "" });
  begin({}, kept);
  app.change({ place: null });
  announce(statusText());
}

/** Return a kept course, or an untrained course if the saved state is not valid. */
function restored(/** @type {Kept} */ kept, /** @type {Settings} */ settings) {
  try {
    kept.course ??= newCourse(settings).restore(kept.saved.course);
  } catch {
    // an untrained course is shown
  }
  return kept.course ?? newCourse(settings);
}

/** Return a course for the settings. For pairs, the course continues the network in the URL or learns the pairs that
    were read. */
function newCourse(/** @type {Settings} */ settings) {
  if (settings.task !== PAIRS)
    return new Course(training.networks, settings, (random) => patternTask(settings, random));
  const [attention, without] = training.networks;
  const first = Number(settings.units) >= BIDIRECTIONAL ? training.bidirectional : attention;
  own.link = app.state.network;
  if (own.link) {
    try {
      const { task, state } = parseShared(own.link);
      const made = new Course([first], settings, () => task).restore(state);
      readOwn("", own.reading.asked);
      byId("own").classList.add("small");
      return made;
    } catch {
      app.state.network = own.link = "";
      verdict = "The network in the address cannot be read: was the link cut off?";
    }
  }
  if (!course?.task.reading && !own.reading.text) readOwn(own.learnable.text, own.learnable.asked); // after a link
  const reading = own.reading.refusal ? own.learnable : own.reading;
  return new Course(own.both ? [first, without] : [first], settings, (random) => pairsTask(reading, random));
}

/** Show the course for the settings in the state: a kept course or, if there is none, a new one with untrained
    networks. The source is replaced if its length does not fit the task, unless `given` contains it. `kept` is the
    course to show; null asks for a new course.
    @type {(given?: Patch, kept?: Kept | null) => void} */
function begin(given = {}, kept) {
  const { state } = app;
  if (course) keep(course);
  app.isTraining = false;
  verdict = "";
  const settings = chosenSettings();
  const isShared = settings.task === PAIRS && state.network !== "";
  const found = kept === undefined && !isShared ? findKept(settings) : kept;
  setCourse(found ? restored(found, settings) : newCourse(settings));
  if (found && course.samples) verdict = "Already trained. “Start again” starts over.";
  Object.assign(initialState, settings); // so that links without settings keep the current ones
  const made = course.networks.map((network, i) => new TrainedNetwork(course.facts(i), network));
  const shownFacts = (/** @type {TrainedNetwork[]} */ networks) =>
    JSON.stringify(networks.map((one) => [one.sourceVocabulary, one.targetVocabulary, one.examples]));
  const isAlike = shownFacts(made) === shownFacts(app.networks);
  if (!isAlike) app.networks = made;
  app.networks.forEach((network, i) => Object.assign(network, made[i], { kept: course.kept[i] }));
  showNetworks();
  app.moments = course.keptSteps;
  app.title = isPairs() ? TITLES.pairs : TITLES.patterns;
  document.body.dataset.task = settings.task;
  const { samples, task } = course;
  Object.assign(state, { samples, moment: null, forced: {}, replacement: null, targetText: null }, given);
  const [{ examples, sourceVocabulary }] = made;
  if (!("text" in given || (isAlike && (isPairs() || task.lengths.includes(app.S))))) {
    const first = DIGITS.slice(0, 2 * last(task.lengths) - 1);
    state.text = chosen = isPairs() ? sourceVocabulary.text(examples[0]?.source ?? []) : first;
  }
  app.runs = []; // so that the runs are recomputed
  if (isAlike) showSummary();
  else app.build();
}

/** React to a change of the pairs: untrained networks are replaced now, and trained ones when "Train" is pressed. */
function changePairs() {
  if (!own.reading.refusal && isStale() && !course.samples) begin();
  app.change({});
}

/** Return whether the pairs differ from the pairs of the course. */
function isStale() {
  const { reading } = course.task;
  const areOther = own.reading.text !== reading?.text || `${own.reading.kinds}` !== `${reading.kinds}`;
  return isPairs() && (areOther || own.both !== course.networks.length > 1);
}

/** Copy the current networks, so that the page shows them. */
function showNetworks() {
  course.networks.forEach((network, i) => (app.networks[i].final = copy(network)));
  shown = { at: performance.now(), cost: 0, samples: course.samples };
}

function show(announcement = "") {
  showNetworks();
  app.change({ samples: course.samples }, announcement);
  shown.cost = performance.now() - shown.at;
}

const isOver = () => !course.isFinite || (!isPairs() && course.samples >= MAX_SAMPLES);
const canTrain = () => !isOver() && !(isPairs() && own.reading.refusal);
const isExact = (/** @type {Point} */ { exact }) => exact.every((one) => one === 1);

/** Say why the training is over: all held-out sources are right or, for pairs, exact match no longer improves. Return
    "" if the training is not over. */
function verdictOf() {
  if (!isPairs()) {
    const latest = course.points.slice(began.n).slice(-N_EXACT);
    const stays = latest.length === N_EXACT && latest.every(isExact) && !app.state.goal;
    return stays ? "Training ended early: all answers stayed right." : "";
  }
  if (isExact(last(course.points)) && !isExact(course.points[began.n - 1])) return "All held-out pairs are right.";
  return course.samples < patienceEnds()
    ? ""
    : `No improvement for ${thousands(PATIENCE)} samples. “Train longer” continues.`;
}

/** Return the number of samples at which training on pairs ends if exact match does not improve until then. */
function patienceEnds() {
  const best = course.points[argmax(course.points.map(({ exact }) => mean(exact)))];
  return Math.max(best.samples, began.samples) + PATIENCE;
}

/** In each frame, train or show the networks. They are shown at intervals, which are longer on a slow computer. */
function trainOn() {
  if (!app.isTraining) return;
  const start = performance.now();
  if (!isPressed && start - shown.at >= Math.max(PICTURES, 8 * shown.cost)) show();
  else trainUntil(start + FRAME);
  if (app.isTraining) frame = requestAnimationFrame(trainOn);
}

/** Train until the time `stop`, in ms. If the training is over, pause and, unless the user has typed a source, show a
    source that only the weaker network gets wrong. */
function trainUntil(/** @type {number} */ stop) {
  for (let now = performance.now(), part = 0; now + part <= stop; ) {
    const { length } = course.points;
    work.next();
    if (course.points.length > length) verdict = verdictOf();
    if (isOver() || course.samples >= end || verdict) {
      pauseTraining();
      if (app.state.exercise)
        app.change({ place: app.S + app.T }); // so that the next key press opens the answer
      else if (app.state.text === chosen) showTelling();
      return;
    }
    part = performance.now() - now;
    now += part;
  }
}

function pauseTraining() {
  app.isTraining = false;
  if (last(course.points).samples < course.samples) course.measure();
  keep(course);
  const metrics = last(course.points).exact.map(percent);
  const { units, seed } = course.settings;
  const areDefaults = JSON.stringify(course.settings) === JSON.stringify({ ...defaults, units, seed });
  if (areDefaults && TABLED.includes(course.samples)) {
    fillIn("board-1", "seed", units, seed);
    const row = (/** @type {string} */ name) => `${thousands(course.samples)}, ${name}`;
    app.networks.forEach(({ name }, i) => fillIn("board-1", row(name), units, metrics[i]));
  }
  const exact = app.networks.map((one, i) => withLabel(one, `exact match ${metrics[i]}`));
  show(`${thousands(course.samples)} samples; ${exact.join("; ")}. ${findingOf(course)}`);
}

/** Return the index (0 or 1) of the network that gets fewer sources right. */
const weaker = () => (course.right[0].size < course.right[1].size ? 0 : 1);

/** Return the held-out sources that only the weaker of two networks gets wrong, as strings. */
function tellingSources() {
  const { right } = course;
  if (right.length < 2 || isPairs()) return [];
  const pairs = course.heldOut.filter(({ id }) => right[1 - weaker()].has(id) && !right[weaker()].has(id));
  return pairs.map(({ source }) => source.join(" "));
}

/** Show the next source that only the weaker network gets wrong, with its complete answers. */
function showTelling() {
  const telling = tellingSources();
  if (!telling.length) return;
  chosen = telling[(telling.indexOf(app.state.text) + 1) % telling.length];
  const { name } = app.networks[weaker()];
  app.note = { text: chosen, note: `Chosen by the page: only the network ${name} gets it wrong.` };
  app.change({ text: chosen, place: null, moment: null });
}

/** Start or pause the training. During training, whole answers of the current networks are shown. */
function toggleTraining() {
  if (app.isTraining) return pauseTraining();
  if (!canTrain()) return;
  makeReady();
  app.isTraining = true;
  work = course.work();
  began = { at: performance.now(), samples: course.samples, n: course.points.length };
  end = isPairs() ? Infinity : ROUND * Math.floor(course.samples / ROUND + 1); // or a later goal, see `followState`
  app.isOpening = true;
  app.change({ moment: null, ...(app.t === null ? { place: null } : {}) });
  cancelAnimationFrame(frame);
  frame = requestAnimationFrame(trainOn);
}

/** Make a course ready to train further or, if the pairs have changed, a new one. */
function makeReady() {
  app.state.network = own.link = ""; // the network will differ from the one in the link
  if (isStale()) begin();
  byId("own").classList.add("small");
  verdict = "";
}

/** Train all networks on one batch, measure them and show them. The step of the pictures stays. */
function trainOneBatch() {
  if (app.isTraining || !canTrain()) return;
  makeReady();
  course.step();
  app.change({ moment: null });
  pauseTraining();
}

/** Set up the controls in training.html, and keep their labels up to date. */
function prepareControls() {
  const [train, oneBatch, another, more] = ["train", "one-batch", "another", "more-settings"].map(byId);
  train.onclick = toggleTraining;
  oneBatch.onclick = trainOneBatch;
  byId("start-again").onclick = () => {
    app.state.network = "";
    begin({}, null);
    app.change({ place: null }, UNTRAINED);
  };
  another.onclick = showTelling;
  for (const control of controls)
    control.onchange = () => {
      app.change({ [control.name]: control.value, place: null, network: "" });
      announce(statusText());
    };
  preparePairs(changePairs);
  prepareKept(showKept);
  prepareLookingBack();
  byId("main").addEventListener("click", () => app.state.embed && keep(course)); // so that the full page can show it
  byId("main").addEventListener("input", ({ target }) => {
    if (target === byId("source")) chosen = ""; // the user's source stays
  });
  for (const type of ["pointerdown", "pointerup", "pointercancel"])
    addEventListener(type, () => (isPressed = type === "pointerdown"));
  app.add(() => {
    if (app.isStep) return; // a step must be fast
    const { samples, goal } = app.state;
    for (const control of controls) showSetting(control);
    const longer = isStale() ? "Train anew" : isPairs() ? "Train longer" : "Train on";
    const words = goal > samples ? `Train to ${thousands(goal)}` : samples ? longer : "Train";
    revise(train, { "aria-disabled": !canTrain() }, app.isTraining ? "Pause" : words);
    revise(oneBatch, { "aria-disabled": app.isTraining || !canTrain() });
    revise(byId("status"), { class: course.isFinite ? "" : "error" }, statusText());
    another.classList.toggle("absent", app.isTraining || !samples || !tellingSources().length);
    const changed = controls.filter((one) => byId("more").contains(one) && one.value !== defaults[one.name]);
    const list = changed.map(({ value, labels }) => `${labels[0].firstChild?.textContent?.toLowerCase()}${value}`);
    revise(more, {}, ["More settings", ...list].join(", "));
    drawFigure("exact");
    drawFigure("loss");
    revise(byId("command"), {}, commandLine());
    revise(byId("command-note"), {}, commandNote());
    revise(byId("training"), { "data-samples": samples, "data-exact": last(course.points).exact.join() });
  });
}

/** Show a setting from the state, or hide it if it does not apply to the task. */
function showSetting(/** @type {Control} */ control) {
  const { name, options, labels } = control;
  control.value = app.state[name];
  labels[0].hidden = FOR_PATTERNS.includes(name) && isPairs();
  if (name !== "length") return;
  for (const one of options) one.disabled = !isPairs() && !lengthsOf(app.state.task, one.value).length;
}

/** Say how far the training has progressed and, while it is paused, what it has shown. */
function statusText() {
  const { samples, goal } = app.state;
  if (!course.isFinite) return "The loss is not finite: try a lower rate.";
  const to = isPairs() || (samples && !app.isTraining) ? "" : ` of ${thousands(app.isTraining ? end : goal || ROUND)}`;
  const count = `${thousands(samples)}${to} samples`;
  if (app.isTraining) return count + timeLeft();
  const stale = course.task.reading ? "The pairs have changed." : "The link has no pairs.";
  if (isStale() && samples) return `${count}. ${stale}`;
  const note = app.state.lecture && app.state.text === app.note.text ? app.note.note : "";
  const parts = [`${count}.`, verdict || (samples ? "" : UNTRAINED), findingOf(course), note];
  return [...new Set(parts)].filter(Boolean).join(" ");
}

/** Say in how many seconds the training will pause or, for pairs, will end if exact match does not improve. */
function timeLeft() {
  const seconds = (performance.now() - began.at) / 1000;
  const trained = course.samples - began.samples;
  if (seconds < 3 || !trained) return "";
  const left = (isPairs() ? patienceEnds() : end) - course.samples;
  return `, ${Math.ceil((left * seconds) / trained)} s left${isPairs() ? ", unless the answers improve" : ""}`;
}

/** Return a command that trains the network with attention in the same way. */
function commandLine() {
  const { task, length, units, rate, seed } = course.settings;
  if (isPairs()) {
    const tokens = own.reading.kinds.map((kind, side) => `--${["in", "out"][side]}-tokens ${kind}`).join(" ");
    return `seq2seq-demo train pairs.tsv ${tokens} --cell-size ${units} -o pairs.h5`;
  }
  const n = Math.ceil(((Math.max(app.state.goal, course.samples) || ROUND) * 10) / 9); // a tenth is held out
  const network = `-m embedding_attention --cell-type ${course.networks[0].config.cell_type} --cell-size ${units}`;
  const settings = `-r ${rate} --lr-schedule cosine --batch-size ${BATCH} -e 1 --seed ${seed}`;
  return `seq2seq-demo train ${n} -p ${task} --in-len ${length} ${network} ${settings} -o attention.h5`;
}

/** Say what is different on the command line. */
function commandNote() {
  const fed = course.settings.feed === "own" ? " It feeds the decoder the expected symbols." : "";
  const other = isPairs()
    ? "Save your pairs as pairs.tsv."
    : `The program draws different samples and trains faster.${fed}`;
  return `${other} Without attention: -m embedding_rnn.`;
}

/** Return the panel next to the pictures, with the curves, the slider for the kept steps, and the attention. */
function trainingSide(/** @type {HTMLElement | null} */ attention) {
  const side = byId("curves");
  side.querySelector("section")?.remove(); // the attention of the previous networks
  if (attention) side.append(attention);
  return side;
}

/** Set up the slider and the link below the curves, which go to a kept step. */
function prepareLookingBack() {
  const track = slider({
    id: "moment",
    label: "Training step",
    position: () => app.state.moment ?? app.moments.length,
    end: () => app.moments.length,
    text: () => (app.state.moment === null ? "now" : `step ${app.moments[app.state.moment]}`),
    show: (moment) => {
      if (app.isTraining) pauseTraining();
      app.change({ moment: moment >= app.moments.length ? null : moment });
    },
    finish: () => announceAnswers(),
  });
  byId("look-back").append(...track.elements);
  const steepest = byId("steepest");
  steepest.onclick = () => track.go(course.steepest() ?? 0);
  app.add(() => {
    if (app.isStep) return;
    const moment = course.steepest();
    steepest.classList.toggle("absent", moment === null);
    const step = course.keptSteps[moment ?? 0];
    revise(steepest, {}, `Fastest after step ${step} (${thousands(course.pointAt(step).samples)} samples)`);
  });
}

document.body.dataset.page = "training";
for (const { cells } of [...training.networks, training.bidirectional])
  for (const recipe of Object.values(cells))
    recipe.parameters = recipe.parameters.map((/** @type {any} */ i) => allParameters[i]);
for (let seed = 1; seed < N_SEEDS; seed++) controls.at(-1)?.append(new Option(`${seed}`));
prepareTraining(savedState());
prepareControls();
buildPage(app.state.text, { top: byId("training"), side: trainingSide });
