/* Tabs below the stage; `app.state.tab` is the id of the selected one. */

import { app, byId } from "./app.js";
import { onNewSize } from "./boxes.js";
import { button, h, revise } from "./elements.js";
import { disabledWithoutRun } from "./panels.js";

/** @import { PageState } from "./app.js" */

/** Return a tablist and its panels, which are sections whose headings become the labels. `stage` may cover them while
    the page scrolls. */
export function tabs(/** @type {HTMLElement} */ stage, /** @type {HTMLElement[]} */ sections) {
  app.tabs = sections.map(({ id }) => id);
  const labels = sections.map((section) => {
    const attributes = { role: "tab", id: `tab-${section.id}`, "aria-controls": section.id };
    section.setAttribute("role", "tabpanel");
    section.tabIndex = -1;
    return button(section.querySelector("h2")?.textContent ?? "", () => showTab(section.id), attributes);
  });
  const list = h("div", { id: "tabs", attributes: { role: "tablist", "aria-label": "Panels" } }, ...labels);
  list.addEventListener("keydown", (event) => {
    const i = labels.indexOf(/** @type {HTMLButtonElement} */ (event.target));
    const to = { ArrowLeft: i - 1, ArrowRight: i + 1, Home: 0, End: -1 }[event.key];
    const label = labels.at((to ?? 0) % labels.length);
    if (to === undefined || !label) return;
    event.preventDefault();
    label.focus({ preventScroll: true });
    label.click();
  });
  const update = () => {
    const selected = app.state.tab ?? app.tabs[0];
    sections.forEach((section, i) => {
      section.toggleAttribute("hidden", section.id !== selected);
      section.classList.toggle("chosen", section.id === app.state.tab); // is printed
      revise(labels[i], { "aria-selected": !section.hidden, tabindex: section.hidden ? -1 : 0 });
    });
  };
  app.updates.unshift(update); // panels update only while they are shown
  shrinkWhileReading(stage);
  return [disabledWithoutRun(list), ...sections];
}

const MAX_COVERED = 0.44; // share of the window's height that the stage takes while a panel is read

/** Make the pictures of a sticky stage smaller as the page scrolls, and state in CSS how much of the window is covered. The
    sentences scroll out of view. What the stage loses in height becomes its margin, so that nothing below it moves. */
function shrinkWhileReading(/** @type {HTMLElement} */ stage) {
  const root = document.documentElement;
  let lost = 0;
  const update = () => {
    const isSticky = getComputedStyle(stage).position === "sticky";
    const [box, player] = [stage, stage.children[1]].map((element) => element.getBoundingClientRect());
    const lead = isSticky ? (stage.querySelector(".picture-box")?.getBoundingClientRect().top ?? 0) - box.top : 0;
    const above = stage.previousElementSibling?.getBoundingClientRect().bottom ?? 0;
    const most = box.height + lost - lead - MAX_COVERED * innerHeight;
    const height = (stage.querySelector(".picture-box")?.clientHeight ?? 0) + lost;
    const question = app.state.exercise ? byId("exercises").offsetHeight : 0;
    root.style.setProperty("--question", `${question}px`);
    const next = isSticky ? Math.max(0, Math.min(question - lead - above, most)) : 0;
    lost = next;
    root.style.setProperty("--scale", `${1 - lost / height}`); // of the pictures
    root.style.setProperty("--lost", `${lost}px`);
    root.toggleAttribute("data-scrolled", scrollY > stage.children[0].clientHeight / 2);
    root.style.setProperty("--lead", `${-lead}px`);
    const room = innerHeight - stage.children[0].getBoundingClientRect().top - scrollY - player.height;
    root.style.setProperty("--room", `${room}px`);
    const answers = /** @type {HTMLElement} */ (stage.children[1].lastElementChild); // below the player, in the lecture view
    const covered = isSticky ? MAX_COVERED * innerHeight : player.height + answers.offsetHeight;
    root.style.setProperty("--covered", `${question + covered}px`);
  };
  const { signal } = app.built;
  for (const type of ["load", "scroll"]) addEventListener(type, update, { passive: true, signal });
  onNewSize([document.body, byId("exercises"), stage.children[1]], update);
}

/** Change the state, select a tab and scroll it to the part of the window below the stage.
    @type {(tab: string, patch?: Partial<PageState>) => void} */
export function showTab(tab, patch = {}) {
  app.change({ ...patch, tab });
  for (const id of ["tabs", `tab-${tab}`]) {
    document
      .getElementById(id)
      ?.scrollIntoView({ behavior: "instant", block: id === "tabs" ? "start" : "nearest", inline: "center" });
  }
}
