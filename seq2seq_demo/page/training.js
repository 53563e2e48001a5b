/* The controls of training: questions, settings, Train, the curves, and a slider over the kept steps. */

import { ADDRESS, app, byId, hashOf, initialState } from "./app.js";
import { scrollBox } from "./boxes.js";
import { Course, copy, lengthsOf, patternTask } from "./course.js";
import { curves } from "./curves.js";
import { button, h, headerCell, labelledSelect, revise } from "./elements.js";
import { percent, thousands } from "./format.js";
import { last } from "./network.js";
import { errorsPanel, KINDS, keepButtons, own, pairsPanel, parseShared, sharedTask } from "./own.js";
import { pairsTask, SAMPLE_NAMES, sampleText } from "./pairs.js";
import { panel, withLabel } from "./panels.js";
import { Track } from "./player.js";
import { announceAnswers, showSummary } from "./source.js";
import { TrainedNetwork } from "./trained.js";
import { BATCH } from "./trainer.js";

/** @import { Patch } from "./app.js"
    @import { Settings, TrainingData } from "./course.js"
    @import { Saved } from "./own.js" */

const DIGITS = "3 1 4 1 5 9 2 6 5 3 5 8 9 7 9 3 2 3 8 4"; // the first source
const ROUND = 64_000; // samples after which training pauses
const MAX_SAMPLES = 10 * ROUND;
const UNTRAINED = "The networks are untrained.";
const FRAME = 30; // ms of training in a frame, which has at least one step
const PICTURES = 100; // ms between two pictures
const N_VISIBLE = 3; // settings; the others are folded away
const PAIRS = "pairs"; // the task of the user's own pairs
const TITLES = { patterns: document.title, pairs: "A network learns your own pairs" };
const [UNITS, BIDIRECTIONAL] = ["32", 32]; // units for pairs; from this size on, the encoder reads in both directions
const PATIENCE = 24_000; // samples of pairs after which training ends without a better exact match
/** @type {[question: string, changes: Partial<Settings>]} */
const OWN = ["Your own pairs", { task: PAIRS, units: UNITS }];
/** @type {(keyof Settings)[]} */
const FOR_PATTERNS = ["length", "cell", "feed"]; // settings that pairs do not have

/** @type {TrainingData} */
let training;
/** @type {Course} */
let course;
/** @type {Generator} */
let work; // of the course while it trains
let isTraining = false;
let end = 0; // the number of samples at which training pauses
let frame = 0; // the id of the next frame of training
let began = { at: 0, samples: 0, isRight: false }; // the last start of training: when in ms, and what was right then
let verdict = ""; // why the training of pairs ended
let learned = own.reading; // the pairs of the course, or of the next one
let isPressed = false; // the pointer; a click ends on the element on which it began, so no picture is drawn meanwhile
const results = h("table");
const more = h("details", { id: "more" });
/** @type {HTMLTableRowElement | null} */
let result; // the row of the course in `results`, if it has trained
let shown = { at: 0, cost: 0, samples: 0 }; // when the page last showed the networks and how long it took, in ms

const settingNames = () => /** @type {(keyof Settings)[]} */ (Object.keys(training.settings));

/** @type {(value: (name: keyof Settings) => string) => Settings} */
const settingsOf = (value) =>
  /** @type {Settings} */ (Object.fromEntries(settingNames().map((name) => [name, value(name)])));

const defaults = () => settingsOf((name) => training.settings[name].value);

/** Set up the state, the address and the networks of a page that trains; `saved` is the state of a saved page, or null. */
export function prepareTraining(/** @type {TrainingData} */ data, /** @type {Saved | null} */ saved) {
  training = data;
  own.text = sampleText(SAMPLE_NAMES[0]);
  learned = own.reading;
  for (const state of [initialState, app.state]) Object.assign(state, defaults());
  for (const [name, { choices }] of Object.entries(data.settings)) {
    ADDRESS[name] = {
      write: (state) => state[/** @type {keyof Settings} */ (name)],
      text: (text) => (choices.includes(text) ? { [name]: text } : {}),
    };
  }
  ADDRESS.samples = {
    write: ({ task, goal, samples }) => (task === PAIRS ? "" : `${Math.max(goal, samples) || ""}`), // pairs are not in it
    numbers: (n) => ({ goal: Math.min(n - (n % BATCH), MAX_SAMPLES) }),
  };
  ADDRESS.network = { write: ({ network }) => network, text: (network) => ({ network }) };
  app.prepare = (given) => {
    const { state } = app;
    const isPairs = state.task === PAIRS;
    if (isPairs !== (course.settings.task === PAIRS) && !("units" in given))
      state.units = isPairs ? UNITS : defaults().units;
    if (isPairs) for (const name of FOR_PATTERNS) state[name] = defaults()[name];
    if (!isPairs && !lengthsOf(state.task, state.length).length) state.length = defaults().length;
    if (isPairs) state.goal = 0; // the address does not have the pairs
    const isOther = settingNames().some((name) => course.settings[name] !== state[name]);
    const isLinkBack = state.samples < shown.samples && state.goal && state.goal < course.samples;
    const isShared = isPairs && state.network !== own.link && state.network;
    if (isOther || isLinkBack || isShared) begin(given);
    if (state.goal > course.samples) end = state.goal;
    state.samples = shown.samples;
  };
  begin();
  if (saved) restoreSaved(saved);
}

/** Show the pairs and the networks of a saved page; if these are not valid, the pairs, untrained. */
function restoreSaved(/** @type {Saved} */ { settings, text, kinds, both, course: state }) {
  Object.assign(own, {
    text: typeof text === "string" ? text : "",
    both: both === true,
    kinds: [0, 1].map((side) => KINDS.find((one) => one === kinds?.[side]) ?? ""),
  });
  if (own.reading.refusal) return;
  learned = own.reading;
  const valid = settingNames().filter((name) => training.settings[name].choices.includes(settings?.[name]));
  for (const name of valid) app.state[name] = settings[name];
  begin();
  try {
    course.restore(state);
  } catch {
    begin(); // untrained
  }
  showNetworks();
  app.state.samples = shown.samples;
}

/** Return the course of the settings and, for pairs, of the network in the address or of the pairs that were read. */
function newCourse(/** @type {Settings} */ settings) {
  if (settings.task !== PAIRS)
    return new Course(training.networks, settings, (random) => patternTask(settings, random));
  const [attention, without] = training.networks;
  const first = Number(settings.units) >= BIDIRECTIONAL ? training.bidirectional : attention;
  const text = app.state.network;
  own.link = text;
  if (text) {
    try {
      const shared = parseShared(text);
      const made = new Course([first], settings, () => sharedTask(shared));
      made.restore(shared.course);
      own.text = "";
      document.getElementById("own")?.classList.add("small"); // if the page is built
      return made;
    } catch {
      app.state.network = own.link = "";
      verdict = "The network in the address cannot be read: was the link cut?";
    }
  }
  if (!own.reading.refusal) learned = own.reading;
  return new Course(own.both ? [first, without] : [first], settings, (random) => pairsTask(learned, random));
}

/** Begin a new course with the settings in the state, and show its untrained networks. A source of another length stays
    only if it is given. */
function begin(/** @type {Patch} */ given = {}) {
  const { state } = app;
  isTraining = false;
  result = null;
  verdict = "";
  const settings = settingsOf((name) => state[name]);
  course = newCourse(settings);
  Object.assign(initialState, settings); // links that state no settings keep them
  const made = course.networks.map((network, i) => new TrainedNetwork(course.facts(i), network));
  const shownFacts = (/** @type {TrainedNetwork[]} */ networks) =>
    JSON.stringify(networks.map((one) => [one.sourceVocabulary, one.targetVocabulary, one.examples]));
  const isAlike = shownFacts(made) === shownFacts(app.networks);
  if (!isAlike) app.networks = made;
  app.networks.forEach((network, i) => Object.assign(network, made[i], { kept: course.kept[i] }));
  more.open ||= settingNames().some((name, i) => i >= N_VISIBLE && settings[name] !== defaults()[name]);
  showNetworks();
  app.moments = course.keptSteps;
  app.title = isPairs() ? TITLES.pairs : TITLES.patterns;
  document.body.dataset.task = settings.task;
  showSummary();
  Object.assign(state, { moment: null, forced: {}, replacement: null, targetText: null }, given);
  const { lengths } = course.task;
  const [{ examples, sourceVocabulary }] = made;
  if (!("text" in given || (isAlike && (isPairs() || lengths.includes(app.S)))))
    state.text = isPairs() ? sourceVocabulary.text(examples[0]?.source ?? []) : DIGITS.slice(0, 2 * last(lengths) - 1);
  app.runs = []; // must be computed
  if (!isAlike) app.build();
}

/** Follow a change of the pairs: untrained networks are made anew, and trained ones when "Train" is pressed. */
function changePairs() {
  if (!own.reading.refusal && isStale() && !course.samples) begin();
  app.change({});
}

/** Return whether the pairs are not those of the course. */
function isStale() {
  const areOther = own.text !== learned.text || `${own.reading.kinds}` !== `${learned.kinds}`;
  return isPairs() && (areOther || own.both !== course.networks.length > 1 || !course.task.pairs.length);
}

/** Let the page show the networks as they are now. */
function showNetworks() {
  course.networks.forEach((network, i) => (app.networks[i].final = copy(network)));
  shown = { at: performance.now(), cost: 0, samples: course.samples };
}

function show(announcement = "") {
  showNetworks();
  app.change({ samples: course.samples }, announcement);
  shown.cost = performance.now() - shown.at;
}

const isPairs = () => course.settings.task === PAIRS;
const isOver = () => !course.isFinite || (!isPairs() && course.samples >= MAX_SAMPLES);

/** Say why the training of pairs is over, or "" if it is not: all held-out sources are right, or nothing gets better. */
function verdictOf() {
  const means = course.points.map(({ exact }) => exact.reduce((sum, one) => sum + one, 0) / exact.length);
  if (last(means) === 1 && !began.isRight) return "All held-out pairs are right.";
  const best = course.points[means.indexOf(Math.max(...means))];
  const since = course.samples - Math.max(best.samples, began.samples);
  return since < PATIENCE ? "" : `No better for ${thousands(PATIENCE)} samples. “Train longer” goes on.`;
}

/** In each frame, train, or show the networks: now and then, on a slow computer less often. */
function trainOn() {
  if (!isTraining) return;
  const start = performance.now();
  if (!isPressed && start - shown.at >= Math.max(PICTURES, 8 * shown.cost)) show();
  else trainFor(FRAME);
  if (isTraining) frame = requestAnimationFrame(trainOn);
}

/** Train for some ms, and pause if the training is over. */
function trainFor(/** @type {number} */ duration) {
  const start = performance.now();
  for (let now = start, part = 0; now + part <= start + duration; ) {
    const { length } = course.points;
    work.next();
    if (isPairs() && course.points.length > length) verdict = verdictOf();
    if (isOver() || course.samples >= end || verdict) return pauseTraining();
    part = performance.now() - now;
    now += part;
  }
}

function pauseTraining() {
  isTraining = false;
  if (last(course.points).samples < course.samples) course.measure();
  const samples = thousands(course.samples);
  const shares = last(course.points).exact.map(percent);
  result ??= (results.tBodies[0] ?? results.createTBody()).insertRow();
  const texts = [...Object.values(course.settings), samples, ...shares];
  result.replaceChildren(...texts.map((text) => h("td", {}, text)));
  const exact = app.networks.map((one, i) => withLabel(one, `exact match ${shares[i]}`));
  show(`${samples} samples; ${exact.join("; ")}.`);
}

/** Start or pause the training, during which the whole answer is shown; looking back ends. */
function toggleTraining() {
  if (isTraining) return pauseTraining();
  if (isOver()) return;
  if (isPairs() && own.reading.refusal) return;
  if (isStale()) {
    Object.assign(app.state, { network: "" });
    begin();
  }
  isTraining = true;
  byId("own").classList.add("small");
  work = course.work();
  verdict = "";
  app.state.network = own.link = ""; // of the networks before
  const isRight = last(course.points).exact.every((exact) => exact === 1);
  began = { at: performance.now(), samples: course.samples, isRight };
  end = isPairs() ? Infinity : ROUND * Math.floor(course.samples / ROUND + 1); // or a later goal, see `prepare`
  app.isOpening = true;
  app.change({ moment: null, ...(app.t === null ? { place: null } : {}) });
  cancelAnimationFrame(frame);
  frame = requestAnimationFrame(trainOn);
}

function trainOnce() {
  if (isTraining || isOver()) return;
  app.state.network = own.link = "";
  course.step();
  app.state.moment = null;
  show();
  announceAnswers(`Step ${course.steps}.`);
}

function startAgain() {
  begin();
  app.change({ place: null }, UNTRAINED);
}

/** Return the section with the questions, the buttons and the settings. */
export function trainingPanel() {
  const train = button("Train", toggleTraining, { id: "train", className: "primary" });
  const one = button("One step", trainOnce, { id: "one-step" });
  const again = button("Start again", startAgain, { id: "start-again" });
  const output = h("output", { attributes: { "aria-live": "off" } });
  const message = h("p", { className: "error", attributes: { role: "alert" } });
  const [command, note] = [h("code"), h("p")];
  const details = h("details", {}, h("summary", {}, "The same on the command line"), h("p", {}, command), note);
  const labels = Object.values(training.settings).map(({ label }) => label);
  const names = training.networks.map(({ facts }) => facts.name);
  const head = [...labels, "Samples", ...names].map((text) => headerCell("col", text));
  results.createTHead().append(h("tr", {}, ...head));
  const answer = h("p", { id: "answer" });
  const controls = settingNames().map(settingControl);
  const keep = keepButtons(
    () => course,
    () => isTraining,
    () => learned,
  );
  const others = h("div", { className: "controls settings" }, ...controls.slice(N_VISIBLE));
  more.append(h("summary", {}, "More settings"), others);
  const focusable = Object.assign(scrollBox("Your networks", results), { tabIndex: 0 }); // the keyboard scrolls it
  const table = h("details", {}, h("summary", {}, "Your networks"), focusable);
  const section = h(
    "section",
    { id: "training", attributes: { "aria-label": "Training" } },
    questionList(),
    pairsPanel(changePairs, course.samples > 0),
    h("div", { className: "controls settings" }, train, ...controls.slice(0, N_VISIBLE), one, again, ...keep),
    message,
    answer,
    h("div", { className: "controls" }, more, details, table, output),
  );
  for (const type of ["pointerdown", "pointerup", "pointercancel"])
    addEventListener(type, () => (isPressed = type === "pointerdown"));
  app.add(() => {
    const { samples, goal } = app.state;
    const longer = isStale() ? "Train anew" : isPairs() ? "Train longer" : "Train on";
    const words = goal > samples ? `Train to ${thousands(goal)}` : samples ? longer : "Train";
    const cannot = isOver() || (isPairs() && own.reading.refusal !== "");
    revise(train, { "aria-disabled": cannot }, isTraining ? "Pause" : words);
    revise(one, { "aria-disabled": cannot || isTraining });
    revise(output, {}, `${thousands(samples)} samples, in ${thousands(course.steps)} steps${timeLeft()}`);
    const asked = training.questions.find(([, changes]) => isAsked(changes));
    const text = asked && !isTraining && course.isFinite && samples >= ROUND ? asked[2] : "";
    revise(answer, {}, isStale() && course.samples ? "" : verdict || text);
    revise(message, {}, course.isFinite ? "" : "The loss is not finite: try a lower rate.");
    revise(section, { "data-samples": samples, "data-exact": last(course.points).exact.join() });
    revise(command, {}, commandLine());
    const fed = course.settings.feed === "own" ? "There, the decoder is always fed the expected symbols. " : "";
    const other = isPairs() ? "Save your pairs as pairs.tsv." : `${fed}It draws other samples, and trains faster.`;
    revise(note, {}, `${other} Without attention: -m embedding_rnn.`);
  });
  return section;
}

/** Say when the training of pairs ends at the latest if nothing gets better. */
function timeLeft() {
  const seconds = (performance.now() - began.at) / 1000;
  const trained = course.samples - began.samples;
  if (!isTraining || !isPairs() || seconds < 1 || !trained) return "";
  const means = course.points.map(({ exact }) => exact.reduce((sum, one) => sum + one, 0));
  const best = course.points[means.indexOf(Math.max(...means))];
  const left = Math.max(best.samples, began.samples) + PATIENCE - course.samples;
  return `; ${Math.ceil((left * seconds) / trained)} s left, unless they get better`;
}

/** Return links to courses, each of which poses a question. */
function questionList() {
  const links = [OWN, ...training.questions].map(([question, changes]) => {
    const state = { ...initialState, ...defaults(), ...changes, place: null };
    const link = h("a", { href: hashOf(state) }, question);
    app.add(() => revise(link, { "aria-current": isAsked(changes) }));
    return h("li", {}, link);
  });
  return h("ul", { className: "questions", attributes: { "aria-label": "Questions" } }, ...links);
}

/** Return whether a question with these changes of the defaults has the settings in the state. */
function isAsked(/** @type {Partial<Settings>} */ changes) {
  const settings = { ...defaults(), ...changes };
  return settingNames().every((name) => app.state[name] === settings[name]);
}

/** Return the control of a setting; a change starts again. */
function settingControl(/** @type {keyof Settings} */ name) {
  const { label, choices } = training.settings[name];
  const texts = choices.map((choice) => (choice === PAIRS ? "your own pairs" : choice.replace("-", " to ")));
  const set = (/** @type {string} */ text) => app.change({ [name]: text, place: null }, UNTRAINED);
  const element = labelledSelect(label, texts, (i) => set(choices[i]));
  app.add(() => (element.hidden = FOR_PATTERNS.includes(name) && isPairs()));
  const select = /** @type {HTMLSelectElement} */ (element.querySelector("select"));
  app.add(() => {
    select.selectedIndex = choices.indexOf(app.state[name]);
    if (name === "length")
      choices.forEach(
        (choice, i) => (select.options[i].disabled = !isPairs() && !lengthsOf(app.state.task, choice).length),
      );
  });
  return element;
}

/** Return the command that trains the network with attention in the same way. */
function commandLine() {
  const { task, length, units, rate, seed } = course.settings;
  if (isPairs()) {
    const tokens = learned.kinds.map((kind, side) => `--${["in", "out"][side]}-tokens ${kind}`).join(" ");
    return `seq2seq-demo train pairs.tsv ${tokens} --cell-size ${units} -o pairs.h5`;
  }
  const n = Math.ceil(((Math.max(app.state.goal, course.samples) || ROUND) * 10) / 9); // a tenth validates
  const network = `-m embedding_attention --cell-type ${course.networks[0].config.cell_type} --cell-size ${units}`;
  const settings = `-r ${rate} --lr-schedule cosine --batch-size ${BATCH} -e 1 --seed ${seed}`;
  return `seq2seq-demo train ${n} -p ${task} --in-len ${length} ${network} ${settings} -o attention.h5`;
}

/** Return the panel beside the pictures: the curves, the slider over the kept steps, and the attention. */
export function trainingSide(/** @type {HTMLElement | null} */ attention) {
  const track = new Track({
    id: "moment",
    label: "Step of training",
    name: "",
    position: () => app.state.moment ?? app.moments.length,
    end: () => app.moments.length,
    text: () => (app.state.moment === null ? "now" : `step ${app.moments[app.state.moment]}`),
    show: (moment) => {
      if (isTraining) pauseTraining();
      app.change({ moment: moment >= app.moments.length ? null : moment });
    },
    finish: () => announceAnswers(),
  });
  const back = h("div", { className: "track" }, "Look back ", ...track.elements);
  const errors = errorsPanel(
    () => course,
    () => isTraining,
  );
  return panel("curves", "Curves", "", ...curves(() => course), back, errors, attention);
}
