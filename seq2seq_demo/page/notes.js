/* The notes and the lesson plans that all pages of the gallery share. The notes are the reader's predictions and table
   entries; they are kept until the tab is closed. In a plan, a clicker leads from one exercise or slide to the next. */

const NOTES = "notes of the exercises"; // the key in the session storage
const NOTED = ":is(.note, .board) :is(input, textarea)";

/** Let the reader write in the tables, show earlier notes from this tab, and keep new ones. */
export function keepNotes() {
  for (const cell of /** @type {NodeListOf<HTMLTableCellElement>} */ (document.querySelectorAll("table.board td"))) {
    const [row, board] = [cell.closest("tr"), cell.closest("table")];
    if (!row || !board || cell.textContent.trim()) continue;
    const heads = [row.cells[0], board.rows[0].cells[cell.cellIndex]];
    const label = heads.map((head) => head.textContent.trim()).join(", ");
    const name = `${board.id} ${row.rowIndex} ${cell.cellIndex}`; // the same on all pages with this table
    const field = { name, autocomplete: "off", ariaLabel: label };
    cell.append(Object.assign(document.createElement("input"), field));
  }
  addEventListener("input", ({ target }) => {
    const field = /** @type {HTMLInputElement} */ (target);
    if (field.matches(NOTED)) writeNotes({ [field.name]: field.value });
  });
  addEventListener("keydown", ({ key, target }) => {
    const field = /** @type {HTMLElement} */ (target);
    if (key === "Enter" && field.matches(`input:is(${NOTED})`)) field.blur(); // now the arrow keys change the step
  });
  addEventListener("pageshow", showNotes); // also after "Back"
  showNotes();
}

function showNotes() {
  const notes = readNotes();
  for (const field of /** @type {NodeListOf<HTMLInputElement>} */ (document.querySelectorAll(NOTED))) {
    const note = String(notes[field.name] ?? "");
    if (field.type === "radio") field.checked = field.value === note;
    else if (field.value !== note) field.value = note;
  }
}

/** Return an object that maps the names of fields to their notes. */
function readNotes() {
  try {
    return JSON.parse(sessionStorage.getItem(NOTES) ?? "") ?? {};
  } catch {
    return {}; // there are no notes, or there is no storage
  }
}

/** Keep notes under the names of their fields. The state in which an exercise was left is kept under the exercise's
    name.
    @param {Record<string, string>} notes */
export function writeNotes(notes) {
  try {
    sessionStorage.setItem(NOTES, JSON.stringify({ ...readNotes(), ...notes }));
  } catch {
    // the storage is full, or there is none
  }
}

/** Fill in the cell of a table in the row and the column with these headings. Do nothing if the page does not contain
    the cell.
    @type {(id: string, row: string, column: string, text: string) => void} */
export function fillIn(id, row, column, text) {
  const selector = `#${id} [aria-label="${CSS.escape(`${row}, ${column}`)}"]`;
  const field = /** @type {HTMLInputElement | null} */ (document.querySelector(selector));
  if (!field || field.value === text) return;
  field.value = text;
  writeNotes({ [field.name]: text });
}

/** Return a URL that opens an exercise in the state in which it was left. If no state was kept, return the URL
    unchanged.
    @type {(address: string) => string} */
export function asLeft(address) {
  const hash = readNotes()[partName(address)];
  return hash ? address.replace(/#.*/, () => hash) : address;
}

const TEN_MINUTES = [
  "train.html#exercise=1",
  "theory.html#2",
  "theory.html#4",
  "reversing.html#exercise=7",
  "reversing.html#exercise=3",
];

/** The URLs of the parts of each plan. A plan's name, which URLs contain, is its duration in minutes. */
export const PLANS = new Map([["10", TEN_MINUTES]]);

/** Return the URL of the part that comes n parts after `part` in a plan; `part` is the end of a URL. Before the first
    part and after the last one, return the URL of the list of exercises. If the plan does not contain `part`, return
    "".
    @type {(plan: string, part: string, n: number) => string} */
export function partAfter(plan, part, n) {
  const parts = PLANS.get(plan) ?? [];
  const i = parts.findIndex((address) => address.endsWith(part));
  if (i < 0) return "";
  return i + n in parts ? `${parts[i + n]}&plan=${plan}&view=lecture` : "links.html";
}

/** Return the name of the part that a URL opens. */
export function partName(/** @type {string} */ address) {
  const [, kind, n] = /(exercise=|theory\.html#)(\d+)/.exec(address) ?? [];
  return n ? `${kind === "exercise=" ? "exercise" : "slide"} ${n}` : "all exercises";
}
