/* "Your networks": the networks that trained since the tab was opened. They stay until ten others have trained, also when the
   page is loaded again. */

import { byId } from "./app.js";
import { course } from "./course.js";
import { button, h, percent, thousands } from "./elements.js";
import { last } from "./network.js";
import { own, savedCourse } from "./own.js";

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
  const wanted = key({ ...own.reading, both: own.both, settings });
  return keptCourses.findLast(({ saved }) => key(saved) === wanted);
}

/** Fill the layer in training.html whenever it opens: a row for each of the kept courses, the last one first; `show` shows one.
    @type {(show: (kept: Kept) => void) => void} */
export function prepareKept(show) {
  const box = byId("networks");
  const row = (/** @type {Kept} */ kept) => {
    const { settings, course: state } = kept.saved;
    const choose = button(kept.course === course ? "Shown" : "Show", () => {
      box.hidePopover();
      show(kept);
    });
    const numbers = [thousands(state.samples), ...last(state.points).exact.map(percent)];
    return h("tr", {}, ...[choose, ...Object.values(settings), ...numbers].map((cell) => h("td", {}, cell)));
  };
  box.onbeforetoggle = () => {
    keep(course);
    box.querySelector("tbody")?.replaceChildren(...keptCourses.map(row).reverse());
    box.querySelector(".scroll")?.toggleAttribute("hidden", !keptCourses.length);
  };
}
