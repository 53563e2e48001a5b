/* Parts of the page: boxes, layers, labels with help, panels, columns for the networks, and tabs. `app.state.tab` is
   the id of the selected tab. */

import { app, byId } from "./app.js";
import { button, h, revise } from "./elements.js";

/** @import { PageState } from "./app.js"
    @import { Attributes } from "./elements.js"
    @import { Run, TrainedNetwork } from "../network/trained.js" */

/** Replace the children of a box, but do not touch children that stay. The focus moves as in `keepFocus`.
    @type {(box: Element, ...children: (Node | string | null)[]) => void} */
export function redraw(box, ...children) {
  keepFocus(box, () => {
    for (const old of [...box.childNodes]) if (!children.includes(old)) old.remove();
    let next = box.firstChild;
    for (const child of children) {
      if (next && child === next) next = next.nextSibling;
      else if (child !== null) box.insertBefore(typeof child === "string" ? new Text(child) : child, next);
    }
  });
}

/** Call `act`, which changes a box. If an element in the box has the focus, the focus goes to the new element with the
    same data-key. */
export function keepFocus(/** @type {Element} */ box, /** @type {() => void} */ act) {
  const { activeElement } = document;
  const key = box.contains(activeElement) && activeElement?.getAttribute("data-key");
  act();
  const target = /** @type {HTMLElement | null} */ (key ? box.querySelector(`[data-key="${CSS.escape(key)}"]`) : null);
  target?.focus({ preventScroll: true });
}

/** Place an open layer below an element or, if there is no room below, above it. The layer stays inside the window.
    @type {(layer: HTMLElement, element: Element) => void} */
export function placeAt(layer, element) {
  const [box, { width, height }] = [element.getBoundingClientRect(), layer.getBoundingClientRect()];
  const left = Math.max(8, Math.min(box.left + box.width / 2 - width / 2, innerWidth - width - 8));
  const top = box.bottom + 6 + height <= innerHeight ? box.bottom + 6 : Math.max(0, box.top - 6 - height);
  Object.assign(layer.style, { left: `${left}px`, top: `${top}px` });
}

/** Return the explanation of a word from words.html. */
export function meaningOf(/** @type {string} */ word) {
  const term = Array.from(byId("words").children).find(({ textContent }) => textContent === word);
  return term?.nextElementSibling?.textContent ?? "";
}

/** Explain an element with `data-word` while the pointer is on it or it has the focus. */
export function explainWords() {
  const tip = h("div", { class: "tip word-tip", popover: "manual", "aria-hidden": true });
  document.body.append(tip);
  const position = (/** @type {any} */ { clientX, clientY }) => `${clientX} ${clientY}`;
  let pressed = ""; // the position of the last click, which may have changed the element there
  const explain = (/** @type {Event} */ event) => {
    const word = /** @type {Element} */ (event.target).closest?.("[data-word]");
    tip.hidePopover();
    // when the context layer closes, it moves the focus
    if (!word || position(event) === pressed || document.getElementById("context-layer")) return;
    tip.textContent = meaningOf(word.getAttribute("data-word") ?? "");
    tip.showPopover();
    placeAt(tip, word);
  };
  for (const type of ["pointerover", "focusin"]) document.addEventListener(type, explain);
  document.addEventListener("pointerup", (event) => (pressed = position(event)));
  document.addEventListener("keydown", () => tip.hidePopover());
}

/** Return a function that draws parts, [key, make, attributes], in a box. If a part with the same key has already been
    drawn, only its attributes are updated, because layout takes most of the time of a step.
    @type {(box: Element) => (parts: [string, () => Element, Attributes?][]) => void} */
export function keyedBox(box) {
  /** @type {Map<string, Element>} */
  let drawn = new Map();
  return (parts) => {
    drawn = new Map(parts.map(([key, make]) => [key, drawn.get(key) ?? make()]));
    for (const [key, , attributes = {}] of parts) revise(/** @type {Element} */ (drawn.get(key)), attributes);
    redraw(box, ...drawn.values());
  };
}

/** Return a box that scrolls sideways if its content is too wide, so that the page itself does not scroll sideways.
    @type {(label: string, ...children: Node[]) => HTMLElement} */
export const scrollBox = (label, ...children) =>
  h("div", { class: "scroll", role: "group", "aria-label": label }, ...children);

/** Make a box focusable if its content overflows, and scroll the position `x` to its centre. Both happen only after all
    boxes have been drawn, so that the browser lays out the page only once.
    @type {(box: HTMLElement, x?: number | null) => void} */
export function updateScrollBox(box, x = null) {
  queueMicrotask(() => {
    if (box.scrollWidth > box.clientWidth + 1) box.tabIndex = 0;
    else box.removeAttribute("tabindex");
    if (x !== null) box.scrollLeft = x - box.clientWidth / 2;
  });
}

/** Call `draw` when the size of a box changes. Returns a function that returns the available width and height. In a
    wide window in the lecture view (see lecture.css), the height is the height of the box; otherwise, it is infinite.
    @type {(box: HTMLElement, draw: () => void) => () => [number, number]} */
export function onNewRoom(box, draw) {
  /** @type {[number, number]} */
  let room = [0, Infinity];
  onNewSize([box], () => {
    const isGiven = app.state.lecture && matchMedia("(min-width: 50em)").matches;
    const old = `${room}`;
    room = [box.clientWidth, isGiven ? box.clientHeight : Infinity];
    if (`${room}` !== old && app.runs.length) draw();
  });
  return () => room;
}

/** Call `act` whenever the size of an element changes, until the panels are rebuilt.
    @type {(elements: Element[], act: () => void) => void} */
export function onNewSize(elements, act) {
  const observer = new ResizeObserver(act);
  for (const element of elements) observer.observe(element);
  app.built.signal.addEventListener("abort", () => observer.disconnect());
}

let helpCount = 0; // makes each help id unique

/** Return a label with a "?" button that opens a help text.
    @type {(label: string, help: string, tag?: "h2" | "span") => HTMLElement} */
export function labelWithHelp(label, help, tag = "h2") {
  const tip = h("span", { id: `help-${++helpCount}`, class: "tip", popover: "auto" }, help);
  const attributes = { popovertarget: tip.id, "aria-label": `Help: ${label}`, "aria-describedby": tip.id };
  const opener = button("?", () => {}, { class: "help", ...attributes });
  return h(tag === "h2" ? "div" : tag, { class: "explained" }, h(tag, {}, label), opener, tip);
}

/** Return a box that opens on top of the page, so that nothing moves.
    @type {(id: string, label: string, ...children: Node[]) => HTMLElement} */
export const popover = (id, label, ...children) =>
  h("div", { id, class: "layer", popover: "auto", role: "dialog", "aria-label": label }, ...children);

/** Place each layer that a button opens next to this button. */
export function placeLayers() {
  const place = (/** @type {Event} */ { target }) => {
    const layer = /** @type {HTMLElement} */ (target);
    const opener = layer.matches(":popover-open") && document.querySelector(`[popovertarget="${layer.id}"]`);
    if (opener) placeAt(layer, opener);
  };
  document.addEventListener("toggle", place, true);
}

/** Return a section with a heading, which is also its accessible name. Without a help text in words.html, the heading
    is visually hidden.
    @type {(id: string, title: string, ...children: (Node | null)[]) => HTMLElement} */
export function panel(id, title, ...children) {
  const help = document.getElementById(`help-${id.split("-")[0]}`)?.textContent; // attention-2 shares it with attention
  const heading = help ? labelWithHelp(title, help) : h("h2", { class: "visually-hidden" }, title);
  return h("section", { id, class: "panel", "aria-label": title }, heading, ...children);
}

/** Register the update of a panel, or of part of a panel, and return its element. Without a valid source, the element
    is inert and keeps its content. An element in a hidden panel is updated when the panel's tab is selected.
    @type {(element: HTMLElement, update: () => void) => HTMLElement} */
export function addPanel(element, update) {
  app.add(() => app.runs.length && !element.closest("[hidden]") && update());
  return disabledWithoutRun(element);
}

/** Return a part of a panel that is redrawn after each state change, unless only the step has changed.
    @type {(makeChildren: () => (Node | string | null)[]) => HTMLElement} */
export function redrawnPart(makeChildren) {
  const box = h("div");
  return addPanel(box, () => app.isStep || redraw(box, ...makeChildren()));
}

/** Make an element inert while there is no valid source, and return it. */
export function disabledWithoutRun(/** @type {HTMLElement} */ element) {
  app.add(() => (element.inert = !app.runs.length));
  return element;
}

/** Return one column per network, headed by the network's name if there are several networks. `makeParts(i)` returns
    the parts of column i.
    @type {(makeParts: (i: number) => (Node | null)[]) => HTMLElement} */
export function networkColumns(makeParts) {
  const columns = app.networks.map((network, i) => {
    const attention = `${network.config.has_attention ? "with" : "without"} attention`;
    const kind = /attention/i.test(network.name) ? null : h("small", {}, ` ${attention}`);
    const name = app.networks.length > 1 ? h("h2", { class: "name" }, h("span", {}, network.name), kind) : null;
    return h("div", { class: "column" }, name, ...makeParts(i));
  });
  return disabledWithoutRun(h("div", { class: "columns" }, ...columns));
}

/** Return a string, preceded by the network's name if the page shows several networks. */
export const withLabel = (/** @type {TrainedNetwork} */ { name }, /** @type {string} */ text) =>
  app.networks.length > 1 ? `${name}: ${text}` : text;

/** Return a string for each run, with labels, all in one line.
    @type {(makeText: (run: Run) => string) => string} */
export const textOfAll = (makeText) => app.runs.map((run) => withLabel(run.network, makeText(run))).join(" ");

/** Return a tablist and its panels. The panels are the `sections`, whose names become the labels of the tabs. The
    player in the `stage` stays above the panels while the page scrolls. */
export function tabs(/** @type {HTMLElement} */ stage, /** @type {HTMLElement[]} */ sections) {
  app.tabs = sections.map(({ id }) => id);
  const labels = sections.map((section) => {
    const attributes = { role: "tab", id: `tab-${section.id}`, "aria-controls": section.id };
    Object.assign(section, { role: "tabpanel", tabIndex: -1 });
    return button(section.ariaLabel, () => showTab(section.id), attributes);
  });
  const list = h("div", { id: "tabs", role: "tablist", "aria-label": "Panels" }, ...labels);
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
      section.classList.toggle("chosen", section.id === app.state.tab); // the chosen panel is printed
      revise(labels[i], { "aria-selected": !section.hidden, tabindex: section.hidden ? -1 : 0 });
    });
  };
  app.updates.unshift(update); // first, because panels update only while they are shown
  measureRoom(stage);
  return [disabledWithoutRun(list), ...sections];
}

/** Tell CSS how much space the pictures have on the first screen, and how much of the window the question and the
    player cover while the user reads a panel. */
function measureRoom(/** @type {HTMLElement} */ stage) {
  const root = document.documentElement;
  const [pictures, player] = /** @type {HTMLCollectionOf<HTMLElement>} */ (stage.children);
  const answers = /** @type {HTMLElement} */ (player.lastElementChild); // below the player while the user reads a panel
  const update = () => {
    const question = app.state.exercise ? byId("exercises").offsetHeight : 0;
    const sizes = {
      question,
      room: innerHeight - pictures.getBoundingClientRect().top - scrollY - player.offsetHeight,
      player: player.offsetHeight,
      covered: question + player.offsetHeight + answers.offsetHeight,
    };
    for (const [name, size] of Object.entries(sizes)) root.style.setProperty(`--${name}`, `${size}px`);
    root.toggleAttribute("data-scrolled", scrollY > pictures.clientHeight / 2);
  };
  for (const type of ["load", "scroll", "resize"]) addEventListener(type, update, app.built);
  onNewSize([document.body, byId("exercises"), player], update);
}

/** Change the state, select a tab, and scroll the tab into view below the player.
    @type {(tab: string, patch?: Partial<PageState>) => void} */
export function showTab(tab, patch = {}) {
  app.change({ ...patch, tab });
  byId("tabs").scrollIntoView({ behavior: "instant" });
  byId(`tab-${tab}`).scrollIntoView({ behavior: "instant", block: "nearest", inline: "center" });
}
