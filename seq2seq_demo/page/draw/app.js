/* The state of the page, the runs computed from it, and the panels that display them. */

import { MAX_ANSWER_LEN } from "../network/trained.js";

/** @import { Vocabulary } from "../network/symbols.js"
    @import { Run, TrainedNetwork } from "../network/trained.js" */

const MAX_SOURCE_LEN = 60; // longer sources do not fit into the drawings; examples.py has the same limit

export const BEAM_SIZES = [1, 2, 3, 4, 5]; // K, the number of hypotheses that beam search keeps
const BEAM = 3;
/** The runs are recomputed if one of these changes. */
const COMPUTED = /** @type {const} */ (["text", "targetText", "forced", "moment", "samples", "hidden"]);
/** The default selection: the cell of the top layer, and the unit that varies most; see `app.cell`. */
const CELL = { networkIndex: 0, layer: Infinity, backward: 0, unit: /** @type {number | null} */ (null) };

/** @typedef {Record<number, number>} Forced
    @typedef {{ s: number, symbol: number }} Replacement
    @typedef {Record<"task" | "length" | "units" | "cell" | "rate" | "feed" | "seed", string>} Settings The settings of
      training, as strings in the URL.
    @typedef {typeof initialState} PageState
    @typedef {Omit<PageState, "place"> & { place: number | null }} Linked A `place` of null means the opening step.
    @typedef {Partial<Linked>} Patch */

export const initialState = {
  text: "", // the source as typed
  targetText: /** @type {string | null} */ (null), // the target as typed; null if none was typed
  place: 0, // the current step, 0 … S + T: the number of symbols read and written so far
  forced: /** @type {Forced} */ ({}), // forced symbols by output index
  moment: /** @type {number | null} */ (null), // index into `app.moments`; null means after all training
  samples: 0, // the number of samples that the networks have trained on
  goal: 0, // the number of samples at which training first pauses; 0 if the link does not set it
  .../** @type {Settings} */ ({}), // filled in on the training page
  network: "", // the network that a link to the training page contains; see `Shared` in own.js
  starts: false, // whether a link starts the training of untrained networks
  beam: BEAM,
  replacement: /** @type {Replacement | null} */ (null), // the input that is replaced in the influence panel
  tab: /** @type {string | null} */ (null), // the id of the selected tab; null means the first one
  lecture: false, // whether the page shows the lecture view or, if `embed` is also true, the embedded view
  embed: false,
  hidden: false, // whether the answer is hidden, except for the steps taken so far
  exercise: 0, // the number of the exercise that the page shows; 0 for none
  plan: "", // the lesson plan that contains the exercise; see `app.plans`
  inside: CELL, // the cell and the unit that the panel “Inside a cell” shows
};

/** The page's state, and the functions that change it and update the panels. */
export const app = {
  title: "", // the page's title; if it is empty, the title is derived from the networks' task
  networks: /** @type {TrainedNetwork[]} */ ([]),
  state: { ...initialState },
  place: 0, // the requested step; `state.place` is this step or, if the answer is shorter, the last step
  isStep: false, // whether only the step has changed; this update must be fast
  isComputed: false, // whether the runs have been computed again
  first: 0, // the step at which the link opened the page
  isOpening: true, // whether `place` is the opening step because no step was requested
  tabs: /** @type {string[]} */ ([]), // the ids of the tabs
  plans: /** @type {string[]} */ ([]), // the names of the lesson plans
  source: /** @type {number[] | null} */ (null), // symbol numbers; null if the typed source is empty or invalid
  error: "", // the error in the typed source; an empty source is not an error
  targetError: "", // the error in the typed target
  runs: /** @type {Run[]} */ ([]), // one per network
  note: { text: "", note: "" }, // a source that the page has chosen, and a note about it
  isTraining: false, // whether the networks are training
  updates: /** @type {(() => void)[]} */ ([]), // called after each state change
  /** For each network, the fraction of new sources that it gets right at each output position. Empty if this was not
      measured. */
  positions: /** @type {number[][]} */ ([]),
  moments: /** @type {number[]} */ ([]), // the training steps whose networks the page has kept
  built: new AbortController(), // removes the panels' listeners when the panels are rebuilt
  build() {}, // builds the panels for the current networks
  /** Fill in the cell of an exercise's table in the row and the column with these headings, if the page contains it.
      @type {(id: string, row: string, column: string, text: string) => void} */
  fillIn() {},
  prepare(/** @type {Patch} */ _given) {}, // called after the state has changed and before the runs are computed

  add(/** @type {() => void} */ update) {
    this.updates.push(update);
  },

  /** Add an update that does not depend on the step and is called only when the runs have changed. */
  addForRuns(/** @type {() => void} */ update) {
    this.add(() => this.isComputed && update());
  },

  get S() {
    return this.source ? this.source.length : 0;
  },

  /** The number of steps in the longest answer. */
  get T() {
    return Math.max(0, ...this.runs.map((run) => run.steps.length));
  },

  /** The forced symbols by output index, except at steps that no answer reaches.
      @returns {Forced} */
  get forced() {
    return Object.fromEntries(Object.entries(this.state.forced).filter(([t]) => Number(t) < this.T));
  },

  /** The cell and the unit that the panel “Inside a cell” shows, limited to those in the networks.
      @returns {Record<keyof typeof CELL, number>} */
  get cell() {
    const { inside } = this.state;
    const networkIndex = Math.min(inside.networkIndex, this.networks.length - 1);
    const { num_layers: layers, cell_size: H, bidirectional } = this.networks[networkIndex].config;
    const layer = Math.min(inside.layer, layers - 1);
    const backward = bidirectional ? Math.min(inside.backward, 1) : 0;
    const unit = inside.unit ?? this.runs[networkIndex]?.liveliestUnit(layer, backward) ?? 0;
    return { networkIndex, layer, backward, unit: Math.min(unit, H - 1) };
  },

  /** The index of the current output; null while the source is being read. */
  get t() {
    return this.state.place > this.S ? this.state.place - this.S - 1 : null;
  },

  /** The step at which a new source opens. If the answer is hidden, this is the end of the source. If several answers
      are compared and one is wrong, it is the first wrong output. Otherwise, it is the middle of the answer. */
  get openingPlace() {
    if (this.state.hidden) return this.S;
    const errors = this.runs.map((run) => run.steps.findIndex((_, t) => run.isWrong(t))).filter((t) => t >= 0);
    const isComparison = this.runs.length > 1 && errors.length;
    return this.S + 1 + (isComparison ? Math.min(...errors) : Math.floor((this.T - 1) / 2));
  },

  /** Set the whole state from a link, but drop values that do not fit the page. If the link contains no source, the
      current source stays.
      @type {(given: Patch, text?: string) => void} */
  open(given, text) {
    const { state } = this;
    this.set({ ...initialState, text: text ?? state.text, place: null, ...given }, given);
    state.forced = this.forced;
    if (state.replacement && state.replacement.s >= this.S) state.replacement = null;
    if (`${Object.values(state.inside)}` !== `${Object.values(this.cell)}`) state.inside = CELL;
    this.first = state.place;
    this.show();
  },

  /** Change the state, recompute the runs if needed, and update all panels. A `place` of null means the opening step.
      @type {(patch: Patch, announcement?: string) => void} */
  change(patch, announcement) {
    this.set(patch);
    this.show(Boolean(patch.samples));
    if (announcement) announce(announcement);
  },

  /** Change the state and, if needed, the networks and their runs. `given` is the patch without the defaults that
      `open` adds.
      @type {(patch: Patch, given?: Patch) => void} */
  set(patch, given = patch) {
    const { state } = this;
    const before = { ...state };
    Object.assign(state, patch);
    if (state.text !== before.text) {
      Object.assign(state, { forced: {}, replacement: null, targetText: null }, patch);
    }
    this.prepare(given);
    this.isComputed = COMPUTED.some((name) => state[name] !== before[name]) || !this.runs.length;
    if (this.isComputed) this.compute();
    if (state.text !== before.text || "place" in patch) {
      const isUncovered = before.hidden && !state.hidden && before.place > this.S; // if so, the step stays
      this.isOpening = (patch.place ?? null) === null;
      this.place = patch.place ?? (isUncovered ? before.place : this.openingPlace);
    }
    state.place = Math.max(0, Math.min(this.place, this.S + this.T));
    this.isStep = !this.isComputed && Object.keys(patch).join() === "place";
  },

  /** Update all panels and the URL. If only the step has changed, or while networks are training, the URL is updated
      later. */
  show(isTraining = false) {
    for (const update of this.updates) update();
    // changing the URL makes the browser lay out the page, which would take half the time of a step
    (this.isStep || isTraining ? writeHashSoon : writeHash)();
  },

  /** Compute the source, the runs and the errors from the state. */
  compute() {
    const { text, targetText, moment, forced } = this.state;
    const [{ sourceVocabulary, targetVocabulary }] = this.networks;
    const source = readSymbols(sourceVocabulary, text, MAX_SOURCE_LEN);
    [this.source, this.error, this.targetError, this.runs] = [null, source.error, "", []];
    if (!source.symbols.length) return; // the page waits for a valid source
    const target = readSymbols(targetVocabulary, targetText?.trim() ? targetText : "", MAX_ANSWER_LEN);
    const typed = target.symbols.length ? target.symbols : null; // null if the typed target is empty or invalid
    [this.source, this.targetError] = [source.symbols, target.error];
    this.runs = this.networks.map((network) => {
      const expected = targetText === null ? network.knownTarget(source.symbols) : typed;
      return network.run(source.symbols, expected, moment, forced);
    });
  },
};

/** Return the numbers of a string's symbols. If the string is invalid or too long, return an error message and no
    numbers.
    @type {(vocabulary: Vocabulary, text: string, longest: number) => { symbols: number[], error: string }} */
function readSymbols(vocabulary, text, longest) {
  try {
    const symbols = vocabulary.numbers(text);
    if (symbols.length <= longest) return { symbols, error: "" };
    return { symbols: [], error: `Expected at most ${longest} symbols, got ${symbols.length}` };
  } catch (error) {
    return { symbols: [], error: /** @type {Error} */ (error).message };
  }
}

/** Return a function that calls `act` after a delay. If it is called again during the delay, the delay starts over.
    @type {(act: () => void, delay?: number) => () => void} */
export function soon(act, delay = 50) {
  let timer = 0;
  return () => {
    clearTimeout(timer);
    timer = setTimeout(act, delay);
  };
}

/** Return an element that always exists, such as one in template.html. */
export const byId = (/** @type {string} */ id) => /** @type {HTMLElement} */ (document.getElementById(id));

/** Announce a message to screen readers through the page's live region. */
export function announce(/** @type {string} */ text) {
  byId("announcement").textContent = text;
}

/* The state in the URL fragment, as in #source=3%201%202&place=4&forced=0:5,2:1. */

const MAX_LINK_TEXT = 10_000; // characters in a field
export const MAX_NETWORK_TEXT = 16_000; // characters in the field for a network
const NUMBERS = /^\d+([:,]\d+)*$/;

/** @typedef {{ write: (state: Linked) => string, text?: (text: string) => Patch,
      numbers?: (...numbers: number[]) => Patch }} Field */

/** The fields of the URL fragment. `write` returns the string for a field, or "" for the default. Either `text` reads
    this string, or `numbers` reads the numbers in it and limits them to values that the page supports. Because anyone
    can write a link, `readHash` ignores any string that `write` would not return.
    @type {Record<string, Field>} */
export const ADDRESS = {
  source: { write: ({ text }) => text, text: (text) => ({ text }) },
  target: { write: ({ targetText }) => targetText ?? "", text: (targetText) => ({ targetText }) },
  place: { write: ({ place }) => `${place ?? ""}`, numbers: (place) => ({ place }) }, // limited by `set`
  forced: { write: ({ forced }) => `${Object.entries(forced).map((pair) => pair.join(":"))}`, numbers: readForced },
  replace: { write: ({ replacement }) => Object.values(replacement ?? {}).join(":"), numbers: readReplacement },
  unit: {
    write: ({ inside }) => (inside === CELL ? "" : Object.values(inside).join(":")),
    // `open` limits these numbers
    numbers: (networkIndex, layer, backward, unit) => ({ inside: { networkIndex, layer, backward, unit } }),
  },
  tab: { write: ({ tab }) => tab ?? "", text: (tab) => ({ tab: app.tabs.includes(tab) ? tab : null }) },
  view: {
    write: (state) => (state.embed ? "embed" : state.lecture ? "lecture" : ""),
    text: (view) => ({ lecture: true, embed: view === "embed" }),
  },
  answer: { write: ({ hidden }) => (hidden ? "hidden" : ""), text: () => ({ hidden: true }) },
  exercise: {
    write: ({ exercise }) => `${exercise || ""}`,
    numbers: (exercise) => (document.getElementById(`exercise-${exercise}`) ? { exercise } : {}),
  },
  plan: { write: ({ plan }) => plan, text: (plan) => (app.plans.includes(plan) ? { plan } : {}) },
  beam: { write: ({ beam: K }) => (K === BEAM ? "" : `${K}`), numbers: (K) => ({ beam: BEAM_SIZES[K - 1] ?? BEAM }) },
};

/** Read pairs of an output index and a symbol.
    @type {(...numbers: number[]) => Patch} */
function readForced(...numbers) {
  const pairs = numbers.flatMap((symbol, i) => (i % 2 ? [[numbers[i - 1], Math.min(symbol, app.networks[0].go)]] : []));
  return { forced: Object.fromEntries(pairs) };
}

/** @type {(s: number, symbol: number) => Patch} */
function readReplacement(s, symbol) {
  return { replacement: { s, symbol: Math.min(symbol, app.networks[0].sourceVocabulary.largest) } }; // `open` limits s
}

/** Return the URL fragment for a state. */
export function hashOf(/** @type {Linked} */ state) {
  const parts = Object.entries(ADDRESS).map(([name, { write }]) => [name, write(state)]);
  return `#${new URLSearchParams(parts.filter(([, text]) => text)).toString().replaceAll("+", "%20")}`;
}

const writeHashSoon = soon(writeHash, 300);

function writeHash() {
  const { inside } = app.state;
  if (!app.source) return;
  try {
    const shown = { ...app.state, forced: app.forced, inside: inside === CELL ? CELL : app.cell };
    history.replaceState(null, "", hashOf(shown));
  } catch {
    // some browsers do not let a file:// page or a frame change its URL; the page works without this
  }
}

/** Return whether a URL fragment describes the current state, ignoring the step, the tab, and whether the answer is
    hidden. */
export function isCurrent(/** @type {string} */ hash) {
  const { place, hidden, tab, ...given } = { forced: {}, ...readHash(hash) };
  return JSON.stringify({ ...app.state, ...given }) === JSON.stringify(app.state);
}

/** Return the part of the state that a URL fragment sets. */
export function readHash(/** @type {string} */ hash) {
  const parts = new URLSearchParams(hash.replace(/^#/, ""));
  /** @type {Patch} */
  const patch = {};
  for (const [name, { write, text, numbers }] of Object.entries(ADDRESS)) {
    const [value, ...others] = parts.getAll(name);
    if (!value || others.length || value.length > (name === "network" ? MAX_NETWORK_TEXT : MAX_LINK_TEXT)) continue;
    const part = text?.(value) ?? (NUMBERS.test(value) && numbers?.(...value.split(/[:,]/).map(Number)));
    if (part && write(/** @type {PageState} */ ({ ...initialState, ...part })) === value) Object.assign(patch, part);
  }
  return patch;
}
