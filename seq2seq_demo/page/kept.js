/* "Your networks": the networks that trained since the tab was opened. They stay until ten others have trained, also when the
   page is loaded again. */

import { button, h, headerCell, percent, thousands } from "./elements.js";
import { last } from "./network.js";
import { own, savedCourse } from "./own.js";
import { layer, scrollBox } from "./panels.js";

/** @import { Course, Settings } from "./course.js"
    @import { Saved } from "./own.js" */

/** A course that has trained, as JSON values and, if it trained since the page was loaded, as it is.
    @typedef {{ saved: Saved, course: Course | null }} Kept */

const MOST = 10; // courses
const KEY = `networks ${location.pathname}`; // all files share one storage

/** The courses that have trained, the last one at the end; read from the storage once.
    @type {Kept[]} */
export const keptCourses = read();

/** @returns {Kept[]} */
function read() {
  try {
    const all = JSON.parse(sessionStorage.getItem(KEY) ?? "[]");
    const areCourses = all.every((/** @type {Saved} */ { course }) => last(course.points).exact.every(Number.isFinite));
    return areCourses ? all.slice(-MOST).map((/** @type {Saved} */ saved) => ({ saved, course: null })) : [];
  } catch {
    return []; // no storage, or not ours
  }
}

/** Keep a course, which becomes the last one. The storage has as many of the last ones as fit. */
export function keep(/** @type {Course} */ course) {
  if (!course.samples || (course.settings.task === "pairs" && !course.task.reading)) return; // or from a link
  const i = keptCourses.findIndex((kept) => kept.course === course);
  if (i >= 0) keptCourses.splice(i, 1);
  keptCourses.push({ saved: savedCourse(course), course });
  keptCourses.splice(0, keptCourses.length - MOST);
  for (let n = keptCourses.length; n > 0; n--) {
    try {
      return sessionStorage.setItem(KEY, JSON.stringify(keptCourses.slice(-n).map(({ saved }) => saved)));
    } catch {
      // it is full, or there is none
    }
  }
}

/** Return the last kept course of these settings and, for pairs, of the user's pairs.
    @type {(settings: Settings) => Kept | undefined} */
export function findKept(settings) {
  const key = (/** @type {Omit<Saved, "course">} */ { text, kinds, both, ...saved }) =>
    JSON.stringify([{ ...settings, ...saved.settings }, ...(settings.task === "pairs" ? [text, kinds, both] : [])]);
  const wanted = key({ ...own, kinds: own.reading.kinds, settings });
  return keptCourses.findLast(({ saved }) => key(saved) === wanted);
}

/** Return a layer with a table of the kept courses, the last one first, and its button; `show` shows one of them.
    @type {(heads: string[], course: () => Course, show: (kept: Kept) => void) => [HTMLElement, HTMLElement]} */
export function keptLayer(heads, course, show) {
  const rows = h("tbody");
  const head = h("thead", {}, h("tr", {}, ...["", ...heads].map((text) => headerCell("col", text))));
  const table = scrollBox("Your networks", h("table", {}, head, rows));
  table.tabIndex = 0; // the keyboard scrolls it
  const about = h("p", {}, "The last ten training runs in this tab.");
  const [opener, box] = layer("networks", "Your networks", about, table);
  const row = (/** @type {Kept} */ kept) => {
    const { settings, course: state } = kept.saved;
    const choose = button(kept.course === course() ? "Shown" : "Show", () => show(kept));
    const cells = [...Object.values(settings), thousands(state.samples), ...last(state.points).exact.map(percent)];
    return h("tr", {}, ...[choose, ...cells].map((cell) => h("td", {}, cell)));
  };
  box.addEventListener("beforetoggle", () => {
    keep(course());
    rows.replaceChildren(...keptCourses.map(row).reverse());
    table.hidden = !keptCourses.length;
  });
  return [opener, box];
}
