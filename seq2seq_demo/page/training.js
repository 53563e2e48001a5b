/* The controls of training: questions, settings, Train, the curves, and a slider over the kept steps. */

import { ADDRESS, app, hashOf, initialState } from "./app.js";
import { scrollBox } from "./boxes.js";
import { BATCH, Course, copy, lengthsOf } from "./course.js";
import { curves } from "./curves.js";
import { button, h, headerCell, labelledSelect, revise } from "./elements.js";
import { percent, thousands } from "./format.js";
import { last } from "./network.js";
import { panel, withLabel } from "./panels.js";
import { Track } from "./player.js";
import { announceAnswers, showSummary } from "./source.js";
import { TrainedNetwork } from "./trained.js";

/** @import { Patch } from "./app.js"
    @import { Settings, TrainingData } from "./course.js" */

const DIGITS = "3 1 4 1 5 9 2 6 5 3 5 8 9 7 9 3 2 3 8 4"; // the first source
const ROUND = 64_000; // samples after which training pauses
const MAX_SAMPLES = 10 * ROUND;
const UNTRAINED = "The networks are untrained.";
const FRAME = 30; // ms of training in a frame, which has at least one step
const PICTURES = 100; // ms between two pictures
const N_VISIBLE = 3; // settings; the others are folded away

/** @type {TrainingData} */
let training;
/** @type {Course} */
let course;
let isTraining = false;
let end = 0; // the number of samples at which training pauses
let frame = 0; // the id of the next frame of training
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

/** Set up the state, the address and the networks of a page that trains. */
export function prepareTraining(/** @type {TrainingData} */ data) {
  training = data;
  for (const state of [initialState, app.state]) Object.assign(state, defaults());
  for (const [name, { choices }] of Object.entries(data.settings)) {
    ADDRESS[name] = {
      write: (state) => state[/** @type {keyof Settings} */ (name)],
      text: (text) => (choices.includes(text) ? { [name]: text } : {}),
    };
  }
  ADDRESS.samples = {
    write: ({ goal, samples }) => `${Math.max(goal, samples) || ""}`,
    numbers: (n) => ({ goal: Math.min(n - (n % BATCH), MAX_SAMPLES) }),
  };
  app.prepare = (given) => {
    const { state } = app;
    if (!lengthsOf(state.task, state.length).length) state.length = defaults().length;
    const isOther = settingNames().some((name) => course.settings[name] !== state[name]);
    const isLinkBack = state.samples < shown.samples && state.goal && state.goal < course.samples;
    if (isOther || isLinkBack) begin(given);
    if (state.goal > course.samples) end = state.goal;
    state.samples = shown.samples;
  };
  begin();
}

/** Begin a new course with the settings in the state, and show its untrained networks. A source of another length stays
    only if it is given. */
function begin(/** @type {Patch} */ given = {}) {
  const { state } = app;
  isTraining = false;
  result = null;
  const settings = settingsOf((name) => state[name]);
  course = new Course(training, settings);
  Object.assign(initialState, settings); // links that state no settings keep them
  const made = course.networks.map((network, i) => new TrainedNetwork(course.facts(i), network));
  if (!app.networks.length) app.networks = made;
  app.networks.forEach((network, i) => Object.assign(network, made[i], { kept: course.kept[i] }));
  more.open ||= settingNames().some((name, i) => i >= N_VISIBLE && settings[name] !== defaults()[name]);
  showNetworks();
  app.moments = course.keptSteps;
  showSummary();
  Object.assign(state, { moment: null, forced: {}, replacement: null, targetText: null }, given);
  if (!("text" in given || course.lengths.includes(app.S))) state.text = DIGITS.slice(0, 2 * last(course.lengths) - 1);
  app.runs = []; // must be computed
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

const isOver = () => !course.isFinite || course.samples >= MAX_SAMPLES;

/** Train for the steps of a frame, and then on; show the networks now and then, on a slow computer less often. */
function trainOn() {
  if (!isTraining) return;
  const start = performance.now();
  for (let now = start, step = 0; now + step <= start + FRAME; ) {
    course.step();
    if (isOver() || course.samples >= end) return pauseTraining();
    step = performance.now() - now;
    now += step;
  }
  if (!isPressed && performance.now() - shown.at >= Math.max(PICTURES, 8 * shown.cost)) show();
  frame = requestAnimationFrame(trainOn);
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
  isTraining = true;
  end = ROUND * Math.floor(course.samples / ROUND + 1); // or a later goal, see `prepare`
  app.isOpening = true;
  app.change({ moment: null, ...(app.t === null ? { place: null } : {}) });
  cancelAnimationFrame(frame);
  frame = requestAnimationFrame(trainOn);
}

function trainOnce() {
  if (isTraining || isOver()) return;
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
  const head = [...labels, "Samples", ...app.networks.map(({ name }) => name)].map((text) => headerCell("col", text));
  results.createTHead().append(h("tr", {}, ...head));
  const answer = h("p", { id: "answer" });
  const controls = settingNames().map(settingControl);
  const others = h("div", { className: "controls settings" }, ...controls.slice(N_VISIBLE));
  more.append(h("summary", {}, "More settings"), others);
  const focusable = Object.assign(scrollBox("Your networks", results), { tabIndex: 0 }); // the keyboard scrolls it
  const table = h("details", {}, h("summary", {}, "Your networks"), focusable);
  const section = h(
    "section",
    { id: "training", attributes: { "aria-label": "Training" } },
    questionList(),
    h("div", { className: "controls settings" }, train, ...controls.slice(0, N_VISIBLE), one, again),
    message,
    answer,
    h("div", { className: "controls" }, more, details, table, output),
  );
  for (const type of ["pointerdown", "pointerup", "pointercancel"])
    addEventListener(type, () => (isPressed = type === "pointerdown"));
  app.add(() => {
    const { samples, goal } = app.state;
    const words = goal > samples ? `Train to ${thousands(goal)}` : samples ? "Train on" : "Train";
    revise(train, { "aria-disabled": isOver() }, isTraining ? "Pause" : words);
    revise(one, { "aria-disabled": isOver() || isTraining });
    revise(output, {}, `${thousands(samples)} samples, in ${thousands(course.steps)} steps`);
    const asked = training.questions.find(([, changes]) => isAsked(changes));
    revise(answer, {}, asked && !isTraining && course.isFinite && samples >= ROUND ? asked[2] : "");
    revise(message, {}, course.isFinite ? "" : "The loss is not finite: try a lower rate.");
    revise(section, { "data-samples": samples, "data-exact": last(course.points).exact.join() });
    revise(command, {}, commandLine());
    const fed = course.settings.feed === "own" ? "There, the decoder is always fed the expected symbols. " : "";
    revise(note, {}, `${fed}It draws other samples, and trains faster. Without attention: -m embedding_rnn.`);
  });
  return section;
}

/** Return links to courses, each of which poses a question. */
function questionList() {
  const links = training.questions.map(([question, changes]) => {
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
  const texts = choices.map((choice) => choice.replace("-", " to "));
  const set = (/** @type {string} */ text) => app.change({ [name]: text, place: null }, UNTRAINED);
  const element = labelledSelect(label, texts, (i) => set(choices[i]));
  const select = /** @type {HTMLSelectElement} */ (element.querySelector("select"));
  app.add(() => {
    select.selectedIndex = choices.indexOf(app.state[name]);
    if (name === "length")
      choices.forEach((choice, i) => (select.options[i].disabled = !lengthsOf(app.state.task, choice).length));
  });
  return element;
}

/** Return the command that trains the network with attention in the same way. */
function commandLine() {
  const { task, length, units, rate, seed } = course.settings;
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
  return panel("curves", "Curves", "", ...curves(() => course), back, attention);
}
