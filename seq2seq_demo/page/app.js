"use strict";
/* What the page knows and how it changes: one state, the runs that follow from it, and the panels that show them. */

const LONGEST_SOURCE = 60; // symbols, so that a picture can be read
const LONGEST_ANSWER = 120;

/** Return an element with properties, attributes ("aria-…", "data-…" and those of `attributes`), and children. */
function h(tag, { attributes = {}, ...properties } = {}, ...children) {
  const element = Object.assign(document.createElement(tag), properties);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.append(...children.filter((child) => child !== null));
  return element;
}

/** Return an SVG element with attributes and children. */
function svg(tag, attributes = {}, ...children) {
  const element = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.append(...children);
  return element;
}

const percent = (share) => (share > 0.9995 ? "100 %" : share < 0.0005 ? "0 %" : `${(100 * share).toFixed(1)} %`);
const same = (a, b) => a.length === b.length && a.every((value, i) => value === b[i]);

/** A network of the page: what its file says, and its answers. */
class Shown {
  constructor({ source, target, weights, ...data }) {
    Object.assign(this, data); // name, summary, config, task, pattern, ends, in_len, …: see builder.py
    this.go = data.config.go;
    this.sourceVocabulary = new Vocabulary(source, "GO");
    this.targetVocabulary = new Vocabulary(target, data.ends ? "END" : "GO");
    this.final = new Network(data.config, decodeWeights(weights, data.shapes));
    this.recorded = new Map(); // networks as they were in training, by their place in the recording
  }

  /** Return the network as it was at a moment of training, a place in `recording`; null is when it was over. */
  network(moment) {
    if (moment === null || !this.recording || moment >= this.recording.weights.length) return this.final;
    if (!this.recorded.has(moment)) {
      const weights = decodeWeights(this.recording.weights[moment], this.shapes, 16);
      this.recorded.set(moment, new Network(this.config, weights));
    }
    return this.recorded.get(moment);
  }

  /** Return how many symbols an answer to S symbols has, or may have if the network ends its answers. */
  outLen(S, expected) {
    const trained = this.in_len ?? S;
    const longest = this.out_len ?? S;
    let T = this.ends && S > trained ? Math.ceil((longest * S) / trained) : longest;
    if (!this.ends && S !== trained) T = expected ? expected.length : S;
    return Math.min(T, LONGEST_ANSWER);
  }

  /** Return the target that is known of a source: by the pattern, or by an example; null if nobody knows. */
  target(source) {
    const example = this.examples.find((one) => one.target && same(one.source, source));
    if (example) return example.target;
    const pattern = PATTERNS[this.pattern];
    if (!pattern) return null;
    try {
      const target = pattern(source, this.config.out_max_int);
      return this.ends || this.in_len !== source.length ? target : target.slice(0, this.out_len);
    } catch {
      return null;
    }
  }

  /** Read a source and answer it, at a moment of training, with some symbols forced; and fed what was expected. */
  answer(source, expected, moment, forced) {
    const network = this.network(moment);
    const T = this.outLen(source.length, expected);
    const free = network.run(source, this.ends ? T + 1 : T, { forced, toEnd: this.ends });
    const teacher = expected && network.run(source, 0, { decoderInput: this.decoderInput(expected) });
    return new Run(this, source, expected, free, teacher);
  }

  /** Compare answers: aligned where the network ends them itself, else place by place, as `evaluate` does. */
  compare(written, wanted, isForced) {
    return this.ends ? align(written, wanted, isForced) : byPlace(written, wanted);
  }

  /** Return what teacher forcing feeds: the target, shifted right by one. */
  decoderInput(expected) {
    return this.ends ? [this.go, ...expected] : [this.go, ...expected.slice(0, -1)];
  }
}

/** What a network said to a source. */
class Run {
  constructor(shown, source, expected, { encoded, steps }, teacher) {
    Object.assign(this, { shown, source, expected, encoded, steps });
    this.teacherSteps = teacher ? teacher.steps : null;
    this.ended = shown.ends && steps.length > 0 && last(steps).written === shown.go;
    const written = steps.map((step) => step.written);
    this.answer = this.ended ? written.slice(0, -1) : written; // symbols before END
    if (shown.ends && !this.ended) this.answer = written.slice(0, shown.outLen(source.length, expected));
    this.wanted = expected && (shown.ends ? [...expected, shown.go] : expected); // with END, where it belongs
    this.written = written.slice(0, this.answer.length + (this.ended ? 1 : 0)); // with END, if it came
    this.alignment = this.wanted && shown.compare(this.written, this.wanted, (t) => this.forcedAt(t));
  }

  /** Say whether another symbol than the likeliest was forced at step t. */
  forcedAt(t) {
    return this.steps[t].written !== this.steps[t].symbol;
  }

  /** Return what is the matter with the symbol written at step t: "right", "instead", or "extra", which is too many. */
  kind(t) {
    return this.alignment.kinds[t] ?? "extra";
  }

  /** Return the symbol that is due at step t, or undefined after the end. */
  due(t) {
    return this.wanted[this.alignment.due[t] ?? this.wanted.length];
  }

  /** Return the symbols that are left out before step t. */
  missing(t) {
    return (this.alignment && this.alignment.missing[t]) ?? [];
  }

  get exact() {
    return this.expected && same(this.answer, this.expected) && (this.ended || !this.shown.ends);
  }

  /** Say whether what was written at step t is wrong; false where nobody knows. */
  isWrong(t) {
    return this.wanted !== null && this.kind(t) !== "right";
  }
}

/** The state, which only `change` changes, and the panels. */
const app = {
  networks: [],
  state: {
    text: "", // of the source, as typed
    targetText: null, // of the target, as typed; null where nobody typed any
    place: 0, // how far reading and writing has come: 0 … S + T; S is when all is read
    forced: {}, // what-if: the symbol to be written, by step
    moment: null, // of training, a place in the recording; null is when it was over
    replaced: null, // influence: { s, symbol }, another symbol for input s
  },
  source: null, // numbers, or null while what is typed cannot be read
  error: "", // why
  targetError: "", // why the target that was typed cannot be read
  runs: [], // one for each network
  panels: [],

  /** Add a panel: `update()` is called after each change of the state. */
  add(panel) {
    this.panels.push(panel);
  },

  get S() {
    return this.source ? this.source.length : 0;
  },

  /** Steps of the longest answer. */
  get T() {
    return Math.max(0, ...this.runs.map((run) => run.steps.length));
  },

  /** The output that the place is at, or null while it is still in the source. */
  get t() {
    return this.state.place > this.S ? this.state.place - this.S - 1 : null;
  },

  /** Change the state, work out what follows, and show it. `say` is read to those who hear the page. */
  change(patch, say = null) {
    const { state } = this;
    const before = { ...state };
    Object.assign(state, patch);
    if (state.text !== before.text) {
      Object.assign(state, { forced: {}, replaced: null, targetText: null }, patch);
    }
    const changed = ["text", "targetText", "forced", "moment"].some((name) => state[name] !== before[name]);
    if (changed || !this.runs.length) this.compute();
    if (state.text !== before.text && patch.place === undefined) state.place = this.S + this.T;
    state.place = Math.max(0, Math.min(state.place, this.S + this.T));
    for (const panel of this.panels) panel.update(this);
    writeHash(this);
    if (say) announce(say);
  },

  /** Work out the runs from the state. */
  compute() {
    [this.source, this.error, this.targetError, this.runs] = [null, "", "", []];
    try {
      const [first] = this.networks;
      const source = first.sourceVocabulary.numbers(this.state.text);
      if (!source.length) throw new Error("Type a source");
      if (source.length > LONGEST_SOURCE) {
        throw new Error(`This page shows sources of up to ${LONGEST_SOURCE} symbols, got ${source.length}`);
      }
      const typed = this.typedTarget(first.targetVocabulary);
      this.source = source;
      this.runs = this.networks.map((shown) => this.answer(shown, source, typed));
    } catch (error) {
      [this.source, this.error, this.runs] = [null, error.message, []];
    }
  },

  /** Return the target that was typed; undefined if none was, null if it is empty or cannot be read. */
  typedTarget(vocabulary) {
    const { targetText } = this.state;
    if (targetText === null) return undefined;
    try {
      return targetText.trim() ? vocabulary.numbers(targetText) : null;
    } catch (error) {
      this.targetError = error.message;
      return null;
    }
  },

  /** Return what a network says to a source in the present state; `typed` is as typedTarget has it. */
  answer(shown, source, typed, forced = this.state.forced) {
    const map = new Map(Object.entries(forced).map(([t, symbol]) => [Number(t), symbol]));
    return shown.answer(source, typed === undefined ? shown.target(source) : typed, this.state.moment, map);
  },
};

/** Say something to those who hear the page; it stands in a polite live region. */
function announce(text) {
  document.getElementById("announcement").textContent = text;
}

/* The state in the URL: #source=3%201%202&place=4&moment=2&forced=0:5,2:1. It may come from anybody. */

function writeHash({ state, source }) {
  if (!source) return;
  const parts = new URLSearchParams({ source: state.text });
  if (state.targetText) parts.set("target", state.targetText);
  parts.set("place", state.place);
  if (state.moment !== null) parts.set("moment", state.moment);
  const forced = Object.entries(state.forced).map(([t, symbol]) => `${t}:${symbol}`);
  if (forced.length) parts.set("forced", forced.join(","));
  try {
    history.replaceState(null, "", `#${parts.toString().replaceAll("+", "%20")}`);
  } catch {
    // file:// and some embedders forbid it; the page works without
  }
}

/** Return the state that a hash asks for; what cannot be is left out. */
function readHash(hash, networks) {
  const parts = new URLSearchParams(hash.replace(/^#/, ""));
  const patch = {};
  if (parts.has("source")) patch.text = parts.get("source").slice(0, 1000);
  if (parts.has("target")) patch.targetText = parts.get("target").slice(0, 1000);
  if (/^\d{1,4}$/.test(parts.get("place") ?? "")) patch.place = Number(parts.get("place"));
  const moment = parts.get("moment") ?? "";
  const moments = Math.max(...networks.map(({ recording }) => (recording ? recording.steps.length : 0)));
  if (/^\d{1,4}$/.test(moment) && Number(moment) < moments) patch.moment = Number(moment);
  const forced = {};
  for (const pair of (parts.get("forced") ?? "").split(",")) {
    const [, t, symbol] = /^(\d{1,3}):(\d{1,6})$/.exec(pair) ?? [];
    if (t !== undefined && Number(symbol) <= networks[0].go) forced[t] = Number(symbol);
  }
  if (Object.keys(forced).length) patch.forced = forced;
  return patch;
}
