/* The notes that all pages of the gallery share: the reader's predictions and table entries. They are kept until the tab
   is closed. */

import { partName } from "./plans.js";

const NOTE = "note: "; // the beginning of the keys in the session storage
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
    if (field.matches(NOTED)) writeNote(field.name, field.value);
  });
  addEventListener("keydown", ({ key, target }) => {
    const field = /** @type {HTMLElement} */ (target);
    if (key === "Enter" && field.matches(`input:is(${NOTED})`)) field.blur(); // now the arrow keys change the step
  });
  addEventListener("pageshow", showNotes); // also after "Back"
  addEventListener("storage", showNotes); // the page before this one may still write
  showNotes();
}

function showNotes() {
  for (const field of /** @type {NodeListOf<HTMLInputElement>} */ (document.querySelectorAll(NOTED))) {
    const note = readNote(field.name);
    if (field.type === "radio") field.checked = field.value === note;
    else if (field.value !== note) field.value = note;
  }
}

/** Return a note, or "" if it was not kept. */
function readNote(/** @type {string} */ name) {
  try {
    return sessionStorage.getItem(NOTE + name) ?? "";
  } catch {
    return ""; // there is no storage
  }
}

/** Keep a note under the name of its field. The state in which an exercise was left is kept under the exercise's name.
    @type {(name: string, note: string) => void} */
export function writeNote(name, note) {
  try {
    sessionStorage.setItem(NOTE + name, note);
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
  writeNote(field.name, text);
}

/** Return a URL that opens an exercise in the state in which it was left. If no state was kept, return the URL
    unchanged.
    @type {(address: string) => string} */
export function asLeft(address) {
  const hash = readNote(partName(address));
  return hash ? address.replace(/#.*/, () => hash) : address;
}
