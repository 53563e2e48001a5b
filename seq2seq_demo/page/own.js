/* "Your own pairs": the text of the pairs and what is read in it, what the networks get wrong, and how to keep them. */

import { app, byId, MAX_NETWORK_TEXT, soon } from "./app.js";
import { button, h, labelledSelect, revise } from "./elements.js";
import { pluralize, thousands, visible } from "./format.js";
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

/** The user's pairs; a kind that is "" is recognised. */
export const own = {
  text: "",
  kinds: /** @type {(Kind | "")[]} */ (["", ""]),
  both: false, // whether a network without attention learns them, too
  link: "", // the network of the address that the page shows
  read: { text: "", kinds: /** @type {(Kind | "")[]} */ ([]), reading: readPairs("", []) },

  /** What is read in the text; the same object as long as nothing changes.
      @returns {Reading} */
  get reading() {
    const { text, kinds, read } = this;
    if (text !== read.text || `${kinds}` !== `${read.kinds}`)
      this.read = { text, kinds, reading: readPairs(text, kinds) };
    return this.read.reading;
  },
};

/** Return a task without pairs: that of a network from a link.
    @type {(shared: Shared) => Task} */
export const sharedTask = ({ course: _, ...facts }) => ({
  ...{ ...facts, pattern: null, ends: true, nHeldOut: 0, heldOut: [], pairs: [] },
  draw: () => ({ sources: [], targets: [], ids: [] }),
});

/** Return the panel of the pairs; `change` is called when they have changed. From the start of a training, it is small, so
    that the picture is in view, until its field gets the focus.
    @type {(change: () => void, isSmall: boolean) => HTMLElement} */
export function pairsPanel(change, isSmall) {
  const attributes = { "aria-describedby": "pairs-said", autocapitalize: "off", wrap: "off", dir: "auto" };
  const field = h("textarea", { id: "pairs", rows: 7, spellcheck: false, attributes });
  const said = h("span", { id: "pairs-said", attributes: { role: "status" } });
  const shown = h("ul", { className: "pairs" });
  const file = h("input", { type: "file", hidden: true, accept: ".tsv,.csv,.txt" });
  /** @type {Reading} */
  let shownReading;
  const show = () => {
    const { pairs, kinds, problems, refusal } = own.reading;
    shownReading = own.reading;
    if (field.value !== own.text) field.value = own.text;
    said.classList.toggle("error", refusal !== "" && own.text !== "");
    revise(said, {}, refusal || summaryOf(own.reading));
    const lines = pairs.slice(0, N_SHOWN).map(({ source, target }) => `${spaced(source)} → ${spaced(target)}`);
    const more = problems.length - N_PROBLEMS;
    const left = [...problems.slice(0, N_PROBLEMS), ...(more > 0 ? [`${thousands(more)} more`] : [])];
    const items = [...lines, ...left.map((problem) => `Left out: ${problem}`)].map((line) =>
      h("li", { dir: "auto", className: line.startsWith("Left out") ? "error" : "" }, line),
    );
    shown.replaceChildren(...items);
    selects.forEach((select, side) => (select.selectedIndex = KINDS.indexOf(kinds[side])));
  };
  const set = (/** @type {string} */ text, /** @type {typeof own.kinds} */ kinds = ["", ""]) => {
    Object.assign(own, { text, kinds });
    change();
  };
  field.addEventListener("focus", () => panel.classList.remove("small"));
  const setSoon = soon(() => set(field.value, own.kinds), 300);
  field.addEventListener("input", () => {
    own.text = field.value;
    setSoon();
  });
  /** @type {(chosen?: File | null) => Promise<void>} */
  const open = async (chosen) => {
    if (chosen && chosen.size > MAX_FILE) revise(said, {}, `Expected a file of at most ${MAX_FILE / 1e6} MB`);
    else if (chosen) set(await chosen.text());
  };
  file.addEventListener("change", () => open(file.files?.[0]));
  field.addEventListener("dragover", (event) => event.preventDefault());
  field.addEventListener("drop", (event) => {
    if (event.dataTransfer?.files.length) event.preventDefault();
    open(event.dataTransfer?.files[0]);
  });
  const kindOf = (/** @type {string} */ label, /** @type {number} */ side) =>
    labelledSelect(label, [...KINDS], (i) => set(own.text, own.kinds.with(side, KINDS[i])));
  const choices = [kindOf("Sources", 0), kindOf("Targets", 1)];
  const selects = choices.map((one) => /** @type {HTMLSelectElement} */ (one.querySelector("select")));
  const both = h("input", { type: "checkbox", id: "both", checked: own.both });
  both.addEventListener("change", () => {
    own.both = both.checked;
    change();
  });
  const samples = SAMPLE_NAMES.map((name) => button(name, () => set(sampleText(name))));
  const label = h("label", { htmlFor: "pairs" }, "One pair per line: a source, a tab (or , ; →) and its target");
  const buttons = h(
    "p",
    { className: "controls" },
    button("Open a file", () => file.click()),
    "or try",
    ...samples,
  );
  const options = h("p", { className: "controls" }, ...choices, h("label", {}, both, " also without attention"));
  const parts = h("div", {}, h("div", {}, label, field, file, buttons), h("div", {}, shown, options));
  const panel = h(
    "details",
    { id: "own", open: true, className: isSmall ? "small" : "" },
    h("summary", {}, said),
    parts,
  );
  app.add(() => {
    panel.hidden = app.state.task !== "pairs";
    if (shownReading !== own.reading) show();
  });
  return panel;
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

/** Return the list of the held-out pairs that the first network gets wrong.
    @type {(course: () => Course, isTraining: () => boolean) => HTMLElement} */
export function errorsPanel(course, isTraining) {
  const list = h("ol", { id: "errors" });
  const heading = h("h2");
  const panel = h("div", { className: "errors" }, heading, list);
  let steps = -1; // of the training, when the list was drawn
  app.add(() => {
    const now = course();
    const heldOut = now.task.pairs.filter(({ id }) => id < now.task.nHeldOut);
    const wrong = heldOut.filter(({ id }) => !now.right[0].has(id));
    panel.hidden = !heldOut.length || !now.samples;
    const n = `${thousands(wrong.length)} of ${pluralize(heldOut.length, "held-out pair")}`;
    revise(heading, {}, `What it gets wrong: ${n}`);
    list.hidden = isTraining(); // its answers take time
    if (list.hidden || steps === now.steps) return;
    steps = now.steps;
    list.replaceChildren(...wrong.slice(0, N_ERRORS).map(errorItem));
  });
  return panel;
}

/** Return buttons that keep the networks of pairs, which `learned` returns: in a file, and in a link.
    @type {(course: () => Course, isTraining: () => boolean, learned: () => Reading) => HTMLElement[]} */
export function keepButtons(course, isTraining, learned) {
  const save = button("Save this page", () => download(savedPage(course(), learned())), { id: "save" });
  const link = button("Copy link", () => copyLink(course(), link), { id: "link" });
  app.add(() => {
    save.hidden = app.state.task !== "pairs" || !course().samples || !course().task.pairs.length;
    link.hidden = save.hidden || isTraining();
    if (link.hidden) return;
    const isLarge = sharedText(course()).length > MAX_NETWORK_TEXT;
    const title = isLarge
      ? `A network of 16 units fits into a link, this one does not`
      : "A link that contains the network";
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

/** Return the page as it was opened, with pairs, settings and weights.
    @type {(course: Course, learned: Reading) => string} */
function savedPage(course, { text, kinds }) {
  /** @type {Saved} */
  const saved = { settings: course.settings, text, kinds, both: course.networks.length > 1, course: course.saved(16) };
  const escaped = (/** @type {string} */ one) => `\\u${one.charCodeAt(0).toString(16).padStart(4, "0")}`;
  const json = JSON.stringify(saved).replace(/[<>&\u2028\u2029]/g, escaped);
  return pageText.replace(/(<script type="application\/json" id="saved">)[^<]*/, (_, start) => start + json);
}

/** Let the browser save a page. */
function download(/** @type {string} */ text) {
  const href = URL.createObjectURL(new Blob([text], { type: "text/html" }));
  h("a", { href, download: "my-network.html" }).click();
  setTimeout(() => URL.revokeObjectURL(href), 60_000);
}

/** Return the first network as a text for the address, with weights of 8 bits. */
function sharedText(/** @type {Course} */ course) {
  const { source, target, lengths, outLen } = course.task;
  const { points, weights, ...saved } = course.saved(8);
  const state = { ...saved, points: points.slice(-1), weights: weights.slice(0, 1) };
  /** @type {Shared} */
  const shared = { source, target, lengths: [lengths[0], last(lengths)], outLen, course: state };
  return JSON.stringify(shared);
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
export const savedState = () => parse(byId("saved").textContent ?? "");

/** Return a network from a link. Throws an Error for another text.
    @type {(text: string) => Shared} */
export function parseShared(text) {
  const shared = parse(text);
  const sides = [shared.source, shared.target];
  const areSymbols = sides.every(
    ({ symbols }) =>
      symbols.length <= MAX_SYMBOLS && symbols.every((/** @type {unknown} */ one) => typeof one === "string"),
  );
  if (!areSymbols || ![...shared.lengths, shared.outLen].every((n) => n > 0 && n <= MAX_LEN))
    throw new Error("Expected a network");
  const [source, target] = sides.map(({ tokens, form, symbols }) => ({
    ...{ tokens: KINDS.find((one) => one === tokens) ?? KINDS[0], form: form === "NFD" ? "NFD" : "NFC" },
    ...{ symbols, largest: symbols.length - 1 },
  }));
  return { ...shared, source, target };
}

/** Return the value of JSON; null for another text. */
function parse(/** @type {string} */ text) {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
