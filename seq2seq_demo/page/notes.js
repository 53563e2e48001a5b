/* What all pages of the gallery share: the reader's predictions and the tables of the exercises, which are kept while the tab
   lives; and the plans of a lesson, in which a clicker leads from one exercise or slide to the next. */

const NOTES = "notes of the exercises"; // the key in the storage
const NOTED = ":is(.note, .board) :is(input, textarea)";
/** @typedef {NodeListOf<HTMLTableElement>} Boards */

/** Let the reader write into the tables, show what was written in this tab, and keep what is written. */
export function keepNotes() {
  for (const board of /** @type {Boards} */ (document.querySelectorAll("table.board"))) {
    for (const row of board.rows) {
      for (const cell of row.querySelectorAll("td")) {
        if (cell.textContent.trim()) continue;
        const heads = [row.cells[0], board.rows[0].cells[cell.cellIndex]];
        const label = heads.map((head) => head.textContent.trim()).join(", ");
        const name = `${board.id} ${row.rowIndex} ${cell.cellIndex}`; // the same on all pages that have the table
        const field = { name, autocomplete: "off", ariaLabel: label };
        cell.append(Object.assign(document.createElement("input"), field));
      }
    }
  }
  addEventListener("input", ({ target }) => {
    const field = /** @type {HTMLInputElement} */ (target);
    if (field.matches(NOTED)) writeNotes({ [field.name]: field.value });
  });
  addEventListener("keydown", ({ key, target }) => {
    const field = /** @type {HTMLElement} */ (target);
    if (key === "Enter" && field.matches(`input:is(${NOTED})`)) field.blur(); // now the arrow keys step
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

/** Return the notes by the names of their fields. */
function readNotes() {
  try {
    return JSON.parse(sessionStorage.getItem(NOTES) ?? "") ?? {};
  } catch {
    return {}; // there is nothing, or no storage
  }
}

/** Keep notes by the names of their fields; the state in which an exercise was left has the name of the exercise.
    @param {Record<string, string>} notes */
export function writeNotes(notes) {
  try {
    sessionStorage.setItem(NOTES, JSON.stringify({ ...readNotes(), ...notes }));
  } catch {
    // it is full, or there is none
  }
}

/** Fill in the cell of a table in the row and the column with these heads, if the page has it.
    @type {(id: string, row: string, column: string, text: string) => void} */
export function fillIn(id, row, column, text) {
  const selector = `#${id} [aria-label="${CSS.escape(`${row}, ${column}`)}"]`;
  const field = /** @type {HTMLInputElement | null} */ (document.querySelector(selector));
  if (!field || field.value === text) return;
  field.value = text;
  writeNotes({ [field.name]: text });
}

/** Return the address of an exercise in the state in which it was left, if it was; otherwise the same address.
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

/** The addresses of a plan's parts, by its name in the address: the minutes that it takes. */
export const PLANS = new Map([["10", TEN_MINUTES]]);

/** Return the address of the part that is n parts after a part of a plan, which is named by the end of its address; before
    the first and after the last one, the address of the exercises. Return "" if the plan does not have the part.
    @type {(plan: string, part: string, n: number) => string} */
export function partAfter(plan, part, n) {
  const parts = PLANS.get(plan) ?? [];
  const i = parts.findIndex((address) => address.endsWith(part));
  if (i < 0) return "";
  return i + n in parts ? `${parts[i + n]}&plan=${plan}&view=lecture` : "links.html";
}

/** Return the name of the part that an address opens. */
export function partName(/** @type {string} */ address) {
  const [, kind, n] = /(exercise=|theory\.html#)(\d+)/.exec(address) ?? [];
  return n ? `${kind === "exercise=" ? "exercise" : "slide"} ${n}` : "all exercises";
}
