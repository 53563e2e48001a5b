/* "Your own pairs": the text of the pairs and what is read in it, what the networks get wrong, and how to keep them. */

import { app, byId, MAX_NETWORK_TEXT, soon } from "./app.js";
import { button, h, labelledSelect, pluralize, revise, thousands, visible } from "./elements.js";
import { last } from "./network.js";
import { MAX_LEN, MAX_SYMBOLS, pairsTask, readPairs, SAMPLE_NAMES, sampleText } from "./pairs.js";

/** @import { Course, SavedCourse, Settings, Task } from "./course.js"
    @import { Kind, Reading } from "./pairs.js"
    @import { VocabularyData } from "./symbols.js" */

/** @typedef {{ settings: Settings, text: string, kinds: (Kind | "")[], both: boolean, course: SavedCourse }} Saved
    @typedef {{ source: VocabularyData, target: VocabularyData, lengths: number[], outLen: number,
      course: SavedCourse }} Shared A network in a link, without its pairs. */

export const KINDS = /** @type {const} */ (["characters", "words"]);
const MAX_FILE = 10_000_000; // bytes
const [N_SHOWN, N_PROBLEMS, N_ERRORS] = [5, 3, 20];
const pageText = `<!DOCTYPE html>\n${document.documentElement.outerHTML}`; // before anything changes it

const first = readPairs(sampleText(SAMPLE_NAMES[0]), ["", ""]);

/** The user's pairs; a kind that is "" is recognised. */
export const own = {
  text: first.text,
  kinds: first.asked,
  both: false, // whether a network without attention learns them, too
  link: "", // the network of the address that the page shows
  read: first, // the last reading
  learnable: first, // the last one of which something can be learned

  /** What is read in the text; the same object as long as nothing changes.
      @returns {Reading} */
  get reading() {
    const { text, kinds, read } = this;
    if (text !== read.text || `${kinds}` !== `${read.asked}`) this.read = readPairs(text, kinds);
    if (!this.read.refusal) this.learnable = this.read;
    return this.read;
  },
};

/** Show saved pairs; what is not valid is left out. */
export function showPairs(/** @type {Saved} */ { text, kinds, both }) {
  own.text = typeof text === "string" ? text : "";
  own.kinds = [0, 1].map((side) => KINDS.find((one) => one === kinds?.[side]) ?? "");
  own.both = both === true;
}

/** Return the panel of the pairs; `change` is called when they have changed. It is one line, and opens above the page: at
    first, and whenever it has the focus.
    @type {(change: () => void, isSmall: boolean) => HTMLElement} */
export function pairsPanel(change, isSmall) {
  const set = (/** @type {Partial<Omit<Saved, "settings" | "course">>} */ changes) => {
    Object.assign(own, changes);
    change();
  };
  const replace = (/** @type {string} */ text) => set({ text, kinds: ["", ""] });
  const said = h("span", { id: "pairs-said", role: "status" });
  const open = async (/** @type {File | undefined} */ chosen) => {
    if (chosen && chosen.size > MAX_FILE) revise(said, {}, `Expected a file of at most ${MAX_FILE / 1e6} MB`);
    else if (chosen) replace(await chosen.text());
  };
  const attributes = { "aria-describedby": "pairs-said", autocapitalize: "off", wrap: "off", dir: "auto" };
  const field = h("textarea", { id: "pairs", rows: 7, spellcheck: false, ...attributes });
  field.onchange = () => set({ text: field.value }); // before a click elsewhere
  field.oninput = soon(() => set({ text: field.value }), 300);
  field.ondragover = (event) => event.preventDefault();
  field.ondrop = (event) => {
    const dropped = event.dataTransfer?.files[0];
    if (dropped) event.preventDefault();
    open(dropped);
  };
  const file = h("input", { type: "file", hidden: true, accept: ".tsv,.csv,.txt" });
  file.onchange = () => open(file.files?.[0]);
  const kinds = ["Sources", "Targets"].map((label, side) => {
    const choose = (/** @type {number} */ i) => set({ kinds: own.kinds.with(side, KINDS[i]) });
    return labelledSelect(label, [...KINDS], choose, () => KINDS.indexOf(own.reading.kinds[side]));
  });
  const both = h("input", { type: "checkbox", id: "both" });
  both.onchange = () => set({ both: both.checked });
  const opener = button("Open a file", () => file.click());
  const samples = SAMPLE_NAMES.map((name) => button(name, () => replace(sampleText(name))));
  const shown = h("ul", { class: "pairs" });
  const format = h("label", { htmlFor: "pairs" }, "One pair per line: a source, a tab (or , ; →) and its target");
  const openers = h("p", { class: "controls" }, opener, "or try", ...samples);
  const choices = h("p", { class: "controls" }, ...kinds, h("label", {}, both, " also without attention"));
  const parts = h("div", {}, h("p", {}, said), format, field, file, openers, shown, choices);
  const panel = h("div", { id: "own", class: isSmall ? "small" : "" }, parts);
  addEventListener("focusin", () => panel.classList.toggle("small", !panel.contains(document.activeElement)));
  /** @type {Reading} */
  let shownReading;
  app.add(() => {
    const { task, samples } = app.state;
    if (panel.hidden && task === "pairs" && !samples) panel.classList.remove("small");
    panel.hidden = task !== "pairs";
    both.checked = own.both;
    if (shownReading === own.reading) return;
    shownReading = own.reading;
    const { text, refusal } = shownReading;
    if (field.value !== text) field.value = text;
    said.classList.toggle("error", refusal !== "" && text !== "");
    revise(said, {}, refusal || summaryOf(shownReading));
    shown.replaceChildren(...listed(shownReading));
  });
  return panel;
}

/** Return items for the first pairs and for the first lines that were left out. */
function listed(/** @type {Reading} */ { pairs, problems }) {
  const lines = pairs.slice(0, N_SHOWN).map(({ source, target }) => `${spaced(source)} → ${spaced(target)}`);
  const left = problems.slice(0, N_PROBLEMS);
  if (problems.length > N_PROBLEMS) left.push(`${thousands(problems.length - N_PROBLEMS)} more`);
  const errors = left.map((problem) => h("li", { dir: "auto", class: "error" }, `Left out: ${problem}`));
  return [...lines.map((line) => h("li", { dir: "auto" }, line)), ...errors];
}

const spaced = (/** @type {string[]} */ symbols) =>
  visible(symbols.map((one) => one.replaceAll(" ", "␣")).join("\u2009"));

/** Say what is read: pairs, symbols and their kinds. */
function summaryOf(/** @type {Reading} */ reading) {
  const { pairs, nHeldOut, source, target } = pairsTask(reading, () => 0);
  const out = pairs.filter(({ id }) => id < nHeldOut).length;
  const symbols = [source, target].map((side) => pluralize(side.symbols.length, "symbol")).join(" → ");
  const kinds = [...new Set(reading.kinds)].join(" → ");
  const counts = `${thousands(pairs.length)} pairs: ${thousands(pairs.length - out)} to train, ${thousands(out)} held out`;
  return `${counts}; ${symbols}; ${kinds}. Nothing leaves this page.`;
}

/** Return the list of the held-out pairs that the first network gets wrong. */
export function errorsPanel(/** @type {() => Course} */ course) {
  const list = h("ol", { id: "errors" });
  const heading = h("h2");
  const panel = h("div", { class: "errors" }, heading, list);
  let steps = -1; // of the training, when the list was drawn
  app.add(() => {
    const now = course();
    const heldOut = now.task.pairs.filter(({ id }) => id < now.task.nHeldOut);
    const wrong = heldOut.filter(({ id }) => !now.right[0].has(id));
    panel.hidden = !heldOut.length || !now.samples;
    const n = `${thousands(wrong.length)} of ${pluralize(heldOut.length, "held-out pair")}`;
    revise(heading, {}, `What it gets wrong: ${n}`);
    list.hidden = app.isTraining; // its answers take time
    if (list.hidden || steps === now.steps) return;
    steps = now.steps;
    list.replaceChildren(...wrong.slice(0, N_ERRORS).map(errorItem));
  });
  return panel;
}

/** Return buttons that keep the networks of pairs: in a file, and in a link.
    @type {(course: () => Course) => HTMLElement[]} */
export function keepButtons(course) {
  const save = button("Save this page", () => savePage(course()), { id: "save" });
  const link = button("Copy link", () => copyLink(course(), link), { id: "link" });
  app.add(() => {
    save.hidden = app.state.task !== "pairs" || !course().samples || !course().task.pairs.length;
    link.hidden = save.hidden || app.isTraining;
    if (link.hidden) return;
    const isLarge = sharedText(course()).length > MAX_NETWORK_TEXT;
    const title = isLarge ? "A network of 16 units fits" : "The link contains the network";
    revise(link, { "aria-disabled": isLarge, title }, isLarge ? "Too large for a link" : "Copy link");
  });
  return [save, link];
}

/** Return a button that shows a pair in the pictures, with the answer and the target.
    @type {(pair: { source: number[], target: number[], texts: string[] }) => HTMLElement} */
function errorItem({ source, texts }) {
  const [network] = app.networks;
  const [symbols, target] = texts;
  const show = () => app.change({ text: symbols, targetText: target, place: null, moment: null });
  if (source.includes(-1)) return h("li", { dir: "auto" }, button(symbols, show), ": a symbol is unknown");
  const answer = network.targetVocabulary.text(network.run(source, null, null, {}).answer) || "nothing";
  return h("li", { dir: "auto" }, button(symbols, show), ` → ${answer}, expected ${target}`);
}

/** Return a course with its pairs as JSON values.
    @type {(course: Course) => Saved} */
export function savedCourse(course) {
  const { text, kinds } = course.task.reading ?? { text: "", kinds: [] };
  return { settings: course.settings, text, kinds, both: course.networks.length > 1, course: course.saved(16) };
}

/** Let the browser save the page as it was opened, with pairs, settings and weights. */
function savePage(/** @type {Course} */ course) {
  const escaped = (/** @type {string} */ one) => `\\u${one.charCodeAt(0).toString(16).padStart(4, "0")}`;
  const json = JSON.stringify(savedCourse(course)).replace(/[<>&\u2028\u2029]/g, escaped);
  const text = pageText.replace(/(<script type="application\/json" id="saved">)[^<]*/, (_, start) => start + json);
  const href = URL.createObjectURL(new Blob([text], { type: "text/html" }));
  h("a", { href, download: "my-network.html" }).click();
  setTimeout(() => URL.revokeObjectURL(href), 60_000);
}

/** Return the first network as the text of a `Shared` for the address, with weights of 8 bits. */
function sharedText(/** @type {Course} */ course) {
  const { source, target, lengths, outLen } = course.task;
  const { points, weights, ...saved } = course.saved(8);
  const point = { ...last(points), positions: [[]] }; // no pairs, so no positions
  const state = { ...saved, points: [point], weights: weights.slice(0, 1) };
  return JSON.stringify({ source, target, lengths: [lengths[0], last(lengths)], outLen, course: state });
}

/** Put the first network into the address, and copy it. */
async function copyLink(/** @type {Course} */ course, /** @type {HTMLElement} */ link) {
  if (link.ariaDisabled === "true") return;
  own.link = sharedText(course);
  app.change({ network: own.link });
  await navigator.clipboard?.writeText(location.href).catch(() => {});
  revise(link, {}, "Copied: the address is the link");
}

/** Return the state of a saved page; null for another page. */
export function savedState() {
  try {
    return JSON.parse(byId("saved").textContent ?? "");
  } catch {
    return null;
  }
}

/** Return the task, without pairs, and the state of the course of a network from a link. Throws an Error for another text.
    @type {(text: string) => { task: Task, state: SavedCourse }} */
export function parseShared(text) {
  /** @type {Shared} */
  const { source, target, lengths, outLen, course } = JSON.parse(text);
  const isText = (/** @type {unknown} */ one) => typeof one === "string";
  const areSymbols = [source, target].every(({ symbols: all }) => all.length <= MAX_SYMBOLS && all.every(isText));
  if (!areSymbols || ![...lengths, outLen].every((n) => n > 0 && n <= MAX_LEN)) throw new Error("Expected a network");
  const vocabulary = (/** @type {VocabularyData} */ { tokens, form, symbols }) => ({
    tokens: KINDS.find((one) => one === tokens) ?? KINDS[0],
    form: form === "NFD" ? "NFD" : "NFC",
    symbols,
    largest: symbols.length - 1,
  });
  const symbols = { source: vocabulary(source), target: vocabulary(target) };
  const noPairs = { nHeldOut: 0, heldOut: [], pairs: [], examples: [], reading: null };
  const draw = () => ({ sources: [], targets: [], ids: [] });
  return { task: { ...symbols, lengths, outLen, pattern: null, ends: true, ...noPairs, draw }, state: course };
}
