/* The reader's predictions, and the tables of the exercises: kept while the tab lives, for all pages of the gallery. */

import { partName } from "./plan.js";

const NOTES = "notes of the exercises"; // the key in the storage
const NOTED = ":is(.note, .board) :is(input, textarea)";
/** @typedef {NodeListOf<HTMLTableElement>} Boards */

/** Let the reader write into the tables, show what was written in this tab, and keep what is written. */
export function keepNotes() {
  for (const board of /** @type {Boards} */ (document.querySelectorAll("table.board"))) {
    const cells = /** @type {NodeListOf<HTMLTableCellElement>} */ (board.querySelectorAll("td:empty"));
    cells.forEach((cell, i) => {
      const heads = [cell.parentElement?.firstElementChild, board.rows[0].cells[cell.cellIndex]];
      const label = heads.map((head) => head?.textContent).join(", ");
      const field = { name: `${board.id} ${i}`, autocomplete: "off", ariaLabel: label };
      cell.append(Object.assign(document.createElement("input"), field));
    });
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

/** @param {Record<string, string>} notes */
function writeNotes(notes) {
  try {
    sessionStorage.setItem(NOTES, JSON.stringify({ ...readNotes(), ...notes }));
  } catch {
    // it is full, or there is none
  }
}

/** Fill in the cell of a table in the row and the column with these heads, if the page has it.
    @type {(id: string, row: string, column: string, text: string) => void} */
export function fillIn(id, row, column, text) {
  const label = `${row}, ${column}`;
  const field = /** @type {HTMLInputElement | null} */ (
    document.querySelector(`#${id} [aria-label="${CSS.escape(label)}"]`)
  );
  if (!field || field.value === text) return;
  field.value = text;
  writeNotes({ [field.name]: text });
}

/** Keep the state in which an exercise is left; `hash` is its part of the address. */
export function leave(/** @type {number} */ exercise, /** @type {string} */ hash) {
  writeNotes({ [`exercise ${exercise}`]: hash });
}

/** Return the address of an exercise in the state in which it was left, if it was; otherwise the same address.
    @type {(address: string) => string} */
export function asLeft(address) {
  const hash = readNotes()[partName(address)];
  return hash ? address.replace(/#.*/, () => hash) : address;
}
