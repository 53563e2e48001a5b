/* "Your own pairs": the user's text, the pairs in it, the pairs that the first network gets wrong, and the buttons that
   keep a network. */

import { app, byId, MAX_NETWORK_TEXT, soon } from "../draw/app.js";
import { button, h, revise } from "../draw/elements.js";
import { pluralize, thousands, visible } from "../draw/format.js";
import { last } from "../network/network.js";
import { course } from "./course.js";
import { MAX_LEN, MAX_SYMBOLS, pairsTask, readPairs, SAMPLES, sampleText, vocabularyOf } from "./pairs.js";

/** @import { Settings } from "../draw/app.js"
    @import { Course, NumberedPair, SavedCourse, Task } from "./course.js"
    @import { Kind, Reading } from "./pairs.js"
    @import { VocabularyData } from "../network/symbols.js" */

/** @typedef {{ settings: Settings, text: string, kinds: (Kind | "")[], both: boolean, course: SavedCourse }} Saved
    @typedef {{ source: VocabularyData, target: VocabularyData, lengths: number[], outLen: number,
      course: SavedCourse }} Shared A network in a link, without its pairs. */

export const KINDS = /** @type {const} */ (["characters", "words"]);
const MAX_FILE = 10_000_000; // bytes
const [N_SHOWN, N_PROBLEMS, N_ERRORS] = [5, 3, 20];
const pageText = `<!DOCTYPE html>\n${document.documentElement.outerHTML}`; // the page before any script changes it

const firstReading = readPairs(sampleText(Object.keys(SAMPLES)[0]), ["", ""]);

/** The user's pairs. */
export const own = {
  reading: firstReading,
  learnable: firstReading, // the last reading whose pairs networks can learn
  both: false, // whether a network without attention also learns the pairs
  link: "", // the network from the URL, if the page shows it
};

/** Read pairs from a string. If the kind of a side is empty, it is recognised from the pairs.
    @type {(text: string, kinds: (Kind | "")[]) => void} */
export function readOwn(text, kinds) {
  if (text === own.reading.text && `${kinds}` === `${own.reading.asked}`) return;
  own.reading = readPairs(text, kinds);
  if (!own.reading.refusal) own.learnable = own.reading;
}

/** Show saved pairs. Values that are not valid are ignored. */
export function showPairs(/** @type {Saved} */ { text, kinds, both }) {
  const valid = [0, 1].map((side) => KINDS.find((one) => one === kinds?.[side]) ?? "");
  readOwn(typeof text === "string" ? text : "", valid);
  own.both = both === true;
}

/** Set up the panel for the pairs in training.html; `change` is called when the pairs have changed. The panel is one
    line high, but it expands over the page at first and whenever it has the focus. */
export function preparePairs(/** @type {() => void} */ change) {
  const [panel, said, opener] = ["own", "pairs-said", "open-file"].map(byId);
  const field = /** @type {HTMLTextAreaElement} */ (byId("pairs"));
  const [file, both] = /** @type {HTMLInputElement[]} */ (["file", "both"].map(byId));
  const kinds = /** @type {NodeListOf<HTMLSelectElement>} */ (panel.querySelectorAll("select"));
  const samples = /** @type {NodeListOf<HTMLElement>} */ (panel.querySelectorAll(".sample"));
  const set = (text = field.value, kinds = own.reading.asked) => {
    readOwn(text, kinds);
    change();
  };
  const replace = (/** @type {string} */ text) => set(text, ["", ""]);
  const open = async (/** @type {File | undefined} */ chosen) => {
    if (!chosen) return;
    if (chosen.size > MAX_FILE) return revise(said, {}, `The file is larger than ${MAX_FILE / 1e6} MB`);
    const text = await chosen.text();
    if (text.includes("\ufffd")) return revise(said, {}, "The file is not UTF-8");
    replace(text);
  };
  field.onchange = () => set(); // called before the click that took the focus from the field
  field.oninput = soon(set, 300);
  field.ondragover = (event) => event.preventDefault();
  field.ondrop = (event) => {
    const dropped = event.dataTransfer?.files[0];
    if (dropped) event.preventDefault();
    open(dropped);
  };
  opener.onclick = () => file.click();
  file.onchange = () => open(file.files?.[0]);
  for (const one of samples) one.onclick = () => replace(sampleText(one.textContent));
  kinds.forEach((select, side) => {
    select.onchange = () => set(field.value, own.reading.asked.with(side, KINDS[select.selectedIndex]));
  });
  both.onchange = () => {
    own.both = both.checked;
    change();
  };
  addEventListener("focusin", () => panel.classList.toggle("small", !panel.contains(document.activeElement)));
  /** @type {Reading} */
  let shown;
  app.add(() => {
    const { task, samples, lecture } = app.state;
    if (panel.hidden && task === "pairs" && !samples && !lecture) panel.classList.remove("small");
    panel.hidden = task !== "pairs";
    both.checked = own.both;
    if (shown === own.reading) return;
    shown = own.reading;
    const { text, refusal } = shown;
    if (field.value !== text) field.value = text;
    kinds.forEach((select, side) => (select.value = shown.kinds[side]));
    said.classList.toggle("error", refusal !== "" && text !== "");
    revise(said, {}, refusal || summaryOf(shown));
    panel.querySelector("ul")?.replaceChildren(...listed(shown));
  });
  prepareErrors();
  prepareKeeping();
}

/** Return list items for the first pairs and for the first lines that were left out. */
function listed(/** @type {Reading} */ { pairs, problems }) {
  const lines = pairs.slice(0, N_SHOWN).map(({ source, target }) => [isolated(source), " → ", isolated(target)]);
  const left = problems.slice(0, N_PROBLEMS);
  if (problems.length > N_PROBLEMS) left.push(`${thousands(problems.length - N_PROBLEMS)} more`);
  const errors = left.map((problem) => h("li", { dir: "auto", class: "error" }, `Left out: ${problem}`));
  return [...lines.map((line) => h("li", {}, ...line)), ...errors];
}

/** Return an element whose writing direction does not change the order of what surrounds it. */
const isolated = (/** @type {string[]} */ symbols) => h("bdi", {}, visible(symbols.join("\u2009")));

/** Describe what was read: pairs, symbols and their kinds. */
function summaryOf(/** @type {Reading} */ reading) {
  const { pairs, holdOut, source, target } = pairsTask(reading, () => 0);
  const out = holdOut().length;
  const symbols = [source, target].map((side) => pluralize(side.symbols.length, "symbol")).join(" → ");
  const kinds = [...new Set(reading.kinds)].join(" → ");
  const counts = `${thousands(pairs.length)} pairs: ${thousands(pairs.length - out)} for training, ${thousands(out)} held out`;
  return `${counts}; ${symbols}; ${kinds}. Nothing leaves this page.`;
}

/** List the held-out pairs that the first network gets wrong. */
function prepareErrors() {
  const list = byId("errors");
  const panel = /** @type {HTMLElement} */ (list.parentElement);
  let steps = -1; // the number of training steps when the list was last drawn
  app.add(() => {
    const { task, heldOut, right, samples } = course;
    const wrong = heldOut.filter(({ id }) => !right[0].has(id));
    panel.hidden = !task.pairs.length || !samples;
    const n = `${thousands(wrong.length)} of ${pluralize(heldOut.length, "held-out pair")}`;
    revise(panel.children[0], {}, `What it gets wrong: ${n}`);
    list.hidden = app.isTraining; // it takes time to compute the answers in the list
    if (list.hidden || steps === course.steps) return;
    steps = course.steps;
    list.replaceChildren(...wrong.slice(0, N_ERRORS).map(errorItem));
  });
}

/** Set up the buttons that keep a network for pairs in a file or in a link. */
function prepareKeeping() {
  const [save, link] = ["save", "link"].map(byId);
  save.onclick = () => savePage(course);
  link.onclick = () => copyLink(course, link);
  app.add(() => {
    save.hidden = app.state.task !== "pairs" || !course.samples || !course.task.pairs.length;
    link.hidden = save.hidden || app.isTraining;
    if (link.hidden) return;
    const isLarge = sharedText(course).length > MAX_NETWORK_TEXT;
    const title = isLarge ? "A network with 16 units fits" : "The link contains the network";
    revise(link, { "aria-disabled": isLarge, title }, isLarge ? "Too large for a link" : "Copy link");
  });
}

/** Return a list item with the answer and the target of a pair, and a button that shows the pair in the pictures.
    @type {(pair: NumberedPair) => HTMLElement} */
function errorItem({ source, strings = [] }) {
  const [network] = app.networks;
  const [symbols, target] = strings;
  const show = () => app.change({ text: symbols, targetText: target, place: null, moment: null });
  if (source.includes(-1)) return h("li", {}, button(symbols, show), ": a symbol is unknown");
  const answer = network.targetVocabulary.text(network.run(source, null, null, {}).answer) || "nothing";
  return h("li", {}, button(symbols, show), " → ", h("bdi", {}, answer), ", expected ", h("bdi", {}, target));
}

/** Return a course and its pairs as JSON values.
    @type {(course: Course) => Saved} */
export function savedCourse(course) {
  const { text, kinds } = course.task.reading ?? { text: "", kinds: [] };
  return { settings: course.settings, text, kinds, both: course.networks.length > 1, course: course.saved(16) };
}

/** Let the browser save the page as it was loaded, but with the current pairs, settings and weights. */
function savePage(/** @type {Course} */ course) {
  const escaped = (/** @type {string} */ one) => `\\u${one.charCodeAt(0).toString(16).padStart(4, "0")}`;
  const json = JSON.stringify(savedCourse(course)).replace(/[<>&\u2028\u2029]/g, escaped);
  const text = pageText.replace(/(<script type="application\/json" id="saved">)[^<]*/, (_, start) => start + json);
  const href = URL.createObjectURL(new Blob([text], { type: "text/html" }));
  h("a", { href, download: "my-network.html" }).click();
  setTimeout(() => URL.revokeObjectURL(href), 60_000);
}

/** Return the first network, with 8-bit weights, as the JSON of a `Shared` for the URL. */
function sharedText(/** @type {Course} */ course) {
  const { source, target, lengths, outLen } = course.task;
  const { points, weights, ...saved } = course.saved(8);
  const point = { ...last(points), positions: [[]] }; // positions need pairs, which a link does not contain
  const state = { ...saved, points: [point], weights: weights.slice(0, 1) };
  return JSON.stringify({ source, target, lengths: [lengths[0], last(lengths)], outLen, course: state });
}

/** Put the first network into the URL, and copy the URL. */
async function copyLink(/** @type {Course} */ course, /** @type {HTMLElement} */ link) {
  if (link.ariaDisabled === "true") return;
  own.link = sharedText(course);
  app.change({ network: own.link });
  await navigator.clipboard?.writeText(location.href).catch(() => {});
  revise(link, {}, "Copied (also in the address bar)");
}

/** Return the state of a saved page; null for any other page. */
export function savedState() {
  try {
    return JSON.parse(byId("saved").textContent ?? "");
  } catch {
    return null;
  }
}

/** Return the task (without pairs) and the course's state for a network from a link. Throws an Error for any other
    string.
    @type {(text: string) => { task: Task, state: SavedCourse }} */
export function parseShared(text) {
  /** @type {Shared} */
  const { source, target, lengths, outLen, course } = JSON.parse(text);
  const areTexts = [source, target].every(({ symbols }) => symbols.every((one) => typeof one === "string"));
  const sizes = [...lengths, outLen].every((n) => n > 0 && n <= MAX_LEN);
  if (!areTexts || !sizes || Math.max(source.symbols.length, target.symbols.length) > MAX_SYMBOLS)
    throw new Error("Expected a network");
  const vocabulary = (/** @type {VocabularyData} */ { tokens, symbols }) =>
    vocabularyOf(KINDS.find((one) => one === tokens) ?? KINDS[0], symbols, symbols);
  const symbols = { source: vocabulary(source), target: vocabulary(target) };
  const noPairs = { pairs: [], examples: [], reading: null, holdOut: () => [] };
  const draw = () => ({ sources: [], targets: [], ids: [] });
  return { task: { ...symbols, lengths, outLen, pattern: null, ends: true, ...noPairs, draw }, state: course };
}
