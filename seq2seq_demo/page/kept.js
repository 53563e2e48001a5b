/* "Your networks": the networks that trained since the tab was opened. They stay until ten others have trained, also when the
   page is loaded again. */

import { button, h, percent, table, thousands } from "./elements.js";
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
export let keptCourses = read();

/** @returns {Kept[]} */
function read() {
  try {
    const all = /** @type {Saved[]} */ (JSON.parse(sessionStorage.getItem(KEY) ?? "[]")).slice(-MOST);
    const areCourses = all.every(({ course }) => last(course.points).exact.every(Number.isFinite));
    return areCourses ? all.map((saved) => ({ saved, course: null })) : [];
  } catch {
    return []; // no storage, or not ours
  }
}

/** Keep a course, which becomes the last one. The storage has as many of the last ones as fit. */
export function keep(/** @type {Course} */ course) {
  if (!course.samples || (course.settings.task === "pairs" && !course.task.reading)) return; // or from a link
  const others = keptCourses.filter((kept) => kept.course !== course);
  keptCourses = [...others, { saved: savedCourse(course), course }].slice(-MOST);
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
  const list = scrollBox("Your networks");
  list.tabIndex = 0; // the keyboard scrolls it
  const about = h("p", {}, "The last ten training runs in this tab.");
  const [opener, box] = layer("networks", "Your networks", about, list);
  const row = (/** @type {Kept} */ kept) => {
    const { settings, course: state } = kept.saved;
    const choose = button(kept.course === course() ? "Shown" : "Show", () => show(kept));
    return [choose, ...Object.values(settings), thousands(state.samples), ...last(state.points).exact.map(percent)];
  };
  box.addEventListener("beforetoggle", () => {
    keep(course());
    list.replaceChildren(table({}, ["", ...heads], keptCourses.map(row).reverse()));
    list.hidden = !keptCourses.length;
  });
  return [opener, box];
}
