/* The state of the page, the runs computed from it, and the panels that display them. */

import { MAX_ANSWER_LEN } from "./trained.js";

/** @import { Vocabulary } from "./symbols.js"
    @import { Run, TrainedNetwork } from "./trained.js" */

const MAX_SOURCE_LEN = 60; // longer sources do not fit into the drawings; examples.py has the same limit

export const BEAM_SIZES = [1, 2, 3, 4, 5]; // K, the number of beginnings that beam search keeps
const BEAM = 3;
const COMPUTED = /** @type {const} */ (["text", "targetText", "forced", "moment", "hidden"]); // `runs` is new if one changes
/** The top layer's cell, and the unit that varies most; see `app.cell`. */
const CELL = { networkIndex: 0, layer: Infinity, backward: 0, unit: /** @type {number | null} */ (null) };

/** @typedef {Record<number, number>} Forced
    @typedef {typeof initialState} PageState
    @typedef {Omit<Partial<PageState>, "place"> & { place?: number | null }} Patch */

const initialState = {
  text: "", // the source as typed
  targetText: /** @type {string | null} */ (null), // the target as typed; null if none was typed
  place: 0, // the current step, 0 … S + T: the number of symbols read and written so far
  forced: /** @type {Forced} */ ({}), // forced symbols by output index
  moment: /** @type {number | null} */ (null), // index into the recording; null is the saved network
  beam: BEAM,
  replacement: /** @type {{ s: number, symbol: number } | null} */ (null), // the changed input of the influence panel
  tab: /** @type {string | null} */ (null), // the id of the selected tab; null is the first
  tour: /** @type {number | null} */ (null), // the step of the tour, from 1 on
  film: false, // whether the stage shows the attention, as while training is played
  lecture: false, // whether the page shows its lecture view or, if `embed` too, the embedded view
  embed: false,
  hidden: false, // whether the page hides the answer, but for the steps that were made
  cell: CELL, // the cell to look inside, and its unit
};

/** The page's state, which only `change` modifies, and the panels that follow it. */
export const app = {
  title: "", // of the page; if it is empty, the page shows the networks' task
  networks: /** @type {TrainedNetwork[]} */ ([]),
  state: initialState,
  place: 0, // the step that was asked for; `state.place` is this step, or the last one of a shorter answer
  isStep: false, // whether the last change was only one of the step, which must be fast
  isOpening: true, // whether no step was asked for, so that `place` is the opening place
  tabs: /** @type {string[]} */ ([]), // ids
  source: /** @type {number[] | null} */ (null), // symbol numbers; null if the typed source is empty or invalid
  error: "", // error in the typed source; an empty source is not an error
  targetError: "", // error in the typed target
  runs: /** @type {Run[]} */ ([]), // one per network
  updates: /** @type {(() => void)[]} */ ([]), // called after each change of the state

  add(/** @type {() => void} */ update) {
    this.updates.push(update);
  },

  /** Add an update that does not depend on the step, and is called only after changes of the runs. */
  addForRuns(/** @type {() => void} */ update) {
    /** @type {Run[]} */
    let shown;
    this.add(() => {
      if (shown !== this.runs) update();
      shown = this.runs;
    });
  },

  get S() {
    return this.source ? this.source.length : 0;
  },

  /** The number of steps of the longest answer. */
  get T() {
    return Math.max(0, ...this.runs.map((run) => run.steps.length));
  },

  /** The number of moments of the longest recording, without the saved network. */
  get nMoments() {
    return Math.max(...this.networks.map(({ recording }) => recording?.steps.length ?? 0));
  },

  /** The forced symbols by output index, without steps that no answer reaches.
      @returns {Forced} */
  get forced() {
    return Object.fromEntries(Object.entries(this.state.forced).filter(([t]) => Number(t) < this.T));
  },

  /** The cell to look inside, limited to those of its network. */
  get cell() {
    return limitCell(this.state.cell);
  },

  /** The index of the current output; null while the source is read. */
  get t() {
    return this.state.place > this.S ? this.state.place - this.S - 1 : null;
  },

  /** The step that a new source opens at: the middle of the answer or, of several answers, the first wrong output; the
      end of the source if the answer is hidden. */
  get openingPlace() {
    if (this.state.hidden) return this.S;
    const errors = this.runs.map((run) => run.steps.findIndex((_, t) => run.isWrong(t))).filter((t) => t >= 0);
    const isComparison = this.runs.length > 1 && errors.length;
    return this.S + 1 + (isComparison ? Math.min(...errors) : Math.floor((this.T - 1) / 2));
  },

  /** Set the whole state from a link; a link without a source keeps the text.
      @type {(hash: string, text?: string) => void} */
  open(hash, text) {
    this.change({ text: text ?? this.state.text, ...readHash(hash) });
    this.state.forced = this.forced;
    if (this.state.replacement && this.state.replacement.s >= this.S) this.change({ replacement: null });
  },

  /** Change the state, recompute the runs if needed, and update all panels. A `place` of null is the opening place.
      @type {(patch: Patch, announcement?: string) => void} */
  change(patch, announcement) {
    const { state } = this;
    const before = { ...state };
    Object.assign(state, patch);
    if (state.text !== before.text) {
      Object.assign(state, { forced: {}, replacement: null, targetText: null }, patch);
    }
    if (COMPUTED.some((name) => state[name] !== before[name]) || !this.runs.length) this.compute();
    if (state.text !== before.text || "place" in patch) {
      const isUncovered = before.hidden && !state.hidden && before.place > this.S; // then the step stays
      this.isOpening = (patch.place ?? null) === null;
      this.place = patch.place ?? (isUncovered ? before.place : this.openingPlace);
      state.film = patch.film ?? false;
    }
    state.place = Math.max(0, Math.min(this.place, this.S + this.T));
    this.isStep = Object.keys(patch).join() === "place";
    for (const update of this.updates) update();
    // the browser lays out the page when the address changes, which would take half of the time of a step
    if (this.isStep) writeHashSoon();
    else writeHash();
    if (announcement) announce(announcement);
  },

  /** Compute the source, the runs and the errors from the state. */
  compute() {
    const { text, targetText, moment, forced } = this.state;
    const [{ sourceVocabulary, targetVocabulary }] = this.networks;
    const source = readSymbols(sourceVocabulary, text, MAX_SOURCE_LEN);
    [this.source, this.error, this.targetError, this.runs] = [null, source.error, "", []];
    if (!source.symbols.length) return; // the page waits for a valid source
    const target = readSymbols(targetVocabulary, targetText?.trim() ? targetText : "", MAX_ANSWER_LEN);
    const typed = target.symbols.length ? target.symbols : null; // null if it is empty or invalid
    [this.source, this.targetError] = [source.symbols, target.error];
    this.runs = this.networks.map((network) => {
      const expected = targetText === null ? network.knownTarget(source.symbols) : typed;
      return network.run(source.symbols, expected, moment, forced);
    });
  },
};

/** Return the numbers of a text's symbols; none and an error if the text is invalid or too long.
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

/** Return a function that calls `act` soon after the page has shown a change, and only once after several changes.
    @type {(act: () => void, delay?: number) => () => void} */
export function soon(act, delay = 50) {
  let timer = 0;
  return () => {
    clearTimeout(timer);
    timer = setTimeout(act, delay);
  };
}

/** Return an element of template.html, or one that is always there. */
export const byId = (/** @type {string} */ id) => /** @type {HTMLElement} */ (document.getElementById(id));

/** Announce a text to screen readers through the page's live region. */
export function announce(/** @type {string} */ text) {
  byId("announcement").textContent = text;
}

/* The state in the URL, as in #source=3%201%202&place=4&moment=2&forced=0:5,2:1. A link may come from anyone, so
   `readHash` ignores each part that `writeHash` would not write. */

const MAX_LINK_TEXT = 10_000; // characters of a source or target
const MAX_TOUR = 5; // steps
const NUMBERS = /^\d+(:\d+)+$/;

const formatForced = (/** @type {Forced} */ forced) =>
  Object.entries(forced)
    .map(([t, symbol]) => `${t}:${symbol}`)
    .join(",");

const formatReplacement = (/** @type {{ s: number, symbol: number }} */ { s, symbol }) => `${s}:${symbol}`;

const formatCell = (/** @type {typeof CELL} */ cell) => Object.values(limitCell(cell)).join(":");

/** Return a cell limited to those of its network, with a unit. */
function limitCell(/** @type {typeof CELL} */ { networkIndex, layer, backward, unit }) {
  const { num_layers: layers, cell_size: H, bidirectional } = app.networks[networkIndex].config;
  const limited = { layer: Math.min(layer, layers - 1), backward: bidirectional ? backward : 0 };
  const chosen = unit ?? app.runs[networkIndex]?.liveliestUnit(limited.layer, limited.backward) ?? 0;
  return { networkIndex, ...limited, unit: Math.max(0, Math.min(chosen, H - 1)) };
}

const writeHashSoon = soon(writeHash, 300);

function writeHash() {
  const { state, source, forced } = app;
  if (!source) return;
  const parts = new URLSearchParams({ source: state.text });
  if (state.targetText) parts.set("target", state.targetText);
  parts.set("place", String(state.place));
  if (state.moment !== null) parts.set("moment", String(state.moment));
  if (Object.keys(forced).length) parts.set("forced", formatForced(forced));
  if (state.replacement) parts.set("replace", formatReplacement(state.replacement));
  if (state.cell !== CELL) parts.set("cell", formatCell(state.cell));
  if (state.tour) parts.set("tour", String(state.tour));
  if (state.tab) parts.set("tab", state.tab);
  if (state.lecture) parts.set("view", state.embed ? "embed" : "lecture");
  if (state.hidden) parts.set("answer", "hidden");
  if (state.beam !== BEAM) parts.set("beam", String(state.beam));
  try {
    history.replaceState(null, "", `#${parts.toString().replaceAll("+", "%20")}`);
  } catch {
    // some browsers do not let a file:// page or a frame set its address; the page works without it
  }
}

/** Parse a hash into a state, with defaults for invalid parts. Without a valid source, the state has no `text`.
    @type {(hash: string) => Patch} */
function readHash(hash) {
  const { networks, tabs } = app;
  const parts = new URLSearchParams(hash.replace(/^#/, ""));
  const part = (/** @type {string} */ name) => (parts.getAll(name).length === 1 ? (parts.get(name) ?? "") : "");
  const text = (/** @type {string} */ name) => (part(name).length <= MAX_LINK_TEXT ? part(name) : "");
  const integer = (/** @type {string} */ name, /** @type {number} */ limit) => {
    const number = /^(0|[1-9]\d*)$/.test(part(name)) ? Number(part(name)) : NaN;
    return number < limit ? number : null;
  };
  return {
    ...(text("source") ? { text: text("source") } : {}),
    targetText: text("target") || null,
    place: integer("place", Infinity), // `change` limits it to the last step
    moment: integer("moment", app.nMoments),
    forced: readForced(part("forced"), networks[0].go),
    beam: BEAM_SIZES.find((size) => `${size}` === part("beam")) ?? BEAM,
    replacement: readReplacement(part("replace"), networks[0].sourceVocabulary.largest),
    cell: readCell(part("cell")),
    tour: integer("tour", MAX_TOUR + 1) || null,
    film: integer("moment", app.nMoments) !== null,
    tab: tabs.find((tab) => tab === part("tab")) ?? null,
    lecture: ["lecture", "embed"].includes(part("view")),
    embed: part("view") === "embed",
    hidden: part("answer") === "hidden",
  };
}

/** Parse a text written by `formatForced`; return {} for any other text, and if a symbol is above `largest`. */
function readForced(/** @type {string} */ text, /** @type {number} */ largest) {
  if (!/^\d+:\d+(,\d+:\d+)*$/.test(text)) return {};
  const forced = Object.fromEntries(text.split(",").map((pair) => pair.split(":").map(Number)));
  const isValid = Object.values(forced).every((symbol) => symbol <= largest) && formatForced(forced) === text;
  return isValid ? forced : {};
}

/** Parse a text written by `formatReplacement`; return null for any other text, and if a symbol is above `largest`. */
function readReplacement(/** @type {string} */ text, /** @type {number} */ largest) {
  const [s, symbol] = text.split(":").map(Number);
  const isValid = NUMBERS.test(text) && symbol <= largest && formatReplacement({ s, symbol }) === text;
  return isValid ? { s, symbol } : null; // `open` removes it if the source is shorter
}

/** Parse a text written by `formatCell`; return the default for any other text. */
function readCell(/** @type {string} */ text) {
  const [networkIndex, layer, backward, unit] = text.split(":").map(Number);
  const cell = { networkIndex, layer, backward, unit };
  const isValid = NUMBERS.test(text) && networkIndex < app.networks.length && backward <= 1;
  return isValid && formatCell(cell) === text ? cell : CELL;
}
