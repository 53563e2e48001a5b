/* Sections of the page: headings with help texts, and one column per network. */

import { app } from "./app.js";
import { h } from "./elements.js";

/** @import { TrainedNetwork } from "./trained.js" */

let helpCount = 0; // makes the ids of help texts unique

/** Return a label with a "?" button that opens a help text.
    @type {(label: string, help: string, tag?: "h2" | "h3" | "label" | "span") => HTMLElement} */
export function labelWithHelp(label, help, tag = "h2") {
  const id = `help-${++helpCount}`;
  const tip = h("span", { id, className: "tip", popover: "auto" }, help);
  const attributes = { type: "button", "aria-label": `Help: ${label}`, "aria-describedby": id, popovertarget: id };
  const helpButton = h("button", { className: "help", attributes }, "?");
  return h(tag === "span" ? tag : "div", { className: "explained" }, h(tag, {}, label), helpButton, tip);
}

/** Return a section with a heading, which has a help text and is the section's accessible name.
    @type {(id: string, title: string, help: string, ...children: (Node | null)[]) => HTMLElement} */
export function panel(id, title, help, ...children) {
  return h("section", { id, className: "panel", ariaLabel: title }, labelWithHelp(title, help), ...children);
}

/** Register a panel and return its section. Without a valid source, the panel is inert and keeps its content. A hidden
    panel is updated when its tab is selected. */
export function addPanel(/** @type {HTMLElement} */ section, /** @type {() => void} */ update) {
  app.add(() => app.runs.length && !section.hidden && update());
  return disabledWithoutRun(section);
}

/** Return an element that is inert while there is no valid source. */
export function disabledWithoutRun(/** @type {HTMLElement} */ element) {
  app.add(() => (element.inert = !app.runs.length));
  return element;
}

/** Return one column per network, headed by its name if there are several; makeParts(i) returns its parts.
    @type {(makeParts: (i: number) => (Node | null)[]) => HTMLElement} */
export function networkColumns(makeParts) {
  const columns = app.networks.map((network, i) => {
    const attention = `${network.config.has_attention ? "with" : "without"} attention`;
    const kind = /attention/i.test(network.name) ? null : h("small", {}, ` ${attention}`);
    const name = app.networks.length > 1 ? h("h2", { className: "name" }, h("span", {}, network.name), kind) : null;
    return h("div", { className: "column" }, name, ...makeParts(i));
  });
  return h("div", { className: "columns" }, ...columns);
}

/** Return the name of a network, if the page shows several, before a text. */
export const withLabel = (/** @type {TrainedNetwork} */ { name }, /** @type {string} */ text) =>
  app.networks.length > 1 ? `${name}: ${text}` : text;
