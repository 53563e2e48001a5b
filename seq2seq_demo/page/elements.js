/* HTML elements: buttons, choices, tables and tiles. */

import { visible } from "./format.js";

/** Create an HTML element. `attributes` become attributes, other properties are set on the element, and null children
    are skipped. */
export function h(tag, { attributes = {}, ...properties } = {}, ...children) {
  const element = Object.assign(document.createElement(tag), properties);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.append(...children.filter((child) => child !== null));
  return element;
}

export const headerCell = (scope, text, className = "") => h("th", { className, attributes: { scope } }, text);

/** Return a table; the first cell of each row is its header. */
export function table(caption, head, rows) {
  const row = ([first, ...cells]) => h("tr", {}, headerCell("row", first), ...cells.map((cell) => h("td", {}, cell)));
  const top = h("thead", {}, h("tr", {}, ...head.map((text) => headerCell("col", text))));
  return h("table", {}, h("caption", {}, caption), top, h("tbody", {}, ...rows.map(row)));
}

export function button(text, onclick, { className = "", ...attributes } = {}) {
  return h("button", { className, onclick, attributes: { type: "button", ...attributes } }, text);
}

export const symbolSpan = (name, className = "symbol") => h("span", { className, title: name, dir: "auto" }, name);

/** Return a symbol as a tile with an optional note below it. */
export function tile(name, { className = "", note = "" } = {}) {
  return h("li", { className: `piece ${className}` }, symbolSpan(visible(name)), note ? h("small", {}, note) : null);
}

/** Return radio buttons that look like tiles. `items` are { value, text, label }; `choose(value)` handles a choice. */
export function radioTiles(legend, name, items, chosen, choose) {
  const labels = items.map(({ value, text, label }) => {
    const attributes = { "aria-label": label };
    const input = h("input", { type: "radio", name, value, checked: value === chosen, attributes });
    input.addEventListener("change", () => choose(value));
    return h("label", { className: "choice" }, input, h("span", {}, text));
  });
  return h("fieldset", { className: "choices" }, h("legend", {}, legend), ...labels);
}

/** Return a labelled `<select>`. `items` are [value, text]; `choose(value)` gets the value as a string. */
export function labelledSelect(label, items, chosen, choose) {
  const option = ([value, text]) => h("option", { value, selected: String(value) === String(chosen) }, text);
  const select = h("select", {}, ...items.map(option));
  select.addEventListener("change", () => choose(select.value));
  return h("label", { className: "labelled" }, `${label} `, select);
}
