/* Boxes whose content scrolls, is redrawn, or follows their width. */

import { app } from "./app.js";
import { h, revise } from "./elements.js";

/** @import { Attributes } from "./elements.js" */

/** Replace the children of a box, without touching those that stay. The focus moves as in `keepFocus`.
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

/** Call `act`, which changes a box. If the box has the focus, the focus goes to the element with the same data-key. */
export function keepFocus(/** @type {Element} */ box, /** @type {() => void} */ act) {
  const { activeElement } = document;
  const key = box.contains(activeElement) && activeElement?.getAttribute("data-key");
  act();
  const target = /** @type {HTMLElement | null} */ (key ? box.querySelector(`[data-key="${CSS.escape(key)}"]`) : null);
  target?.focus({ preventScroll: true });
}

/** Return a function that draws parts, [key, make, attributes], in a box. A part with the key of a drawn part is not made
    again, but gets the attributes, because layout takes most of the time of a step.
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

/** Return a box that scrolls sideways if its content is too wide, so that the page does not.
    @type {(label: string, ...children: Node[]) => HTMLElement} */
export function scrollBox(label, ...children) {
  return h("div", { className: "scroll", attributes: { role: "group", "aria-label": label } }, ...children);
}

/** Make a box focusable if its content overflows; scroll `x` to its centre. Both wait until all boxes are drawn, so that
    the browser lays out the page only once.
    @type {(box: HTMLElement, x?: number | null) => void} */
export function updateScrollBox(box, x = null) {
  queueMicrotask(() => {
    if (box.scrollWidth > box.clientWidth + 1) box.tabIndex = 0;
    else box.removeAttribute("tabindex");
    if (x !== null) box.scrollLeft = x - box.clientWidth / 2;
  });
}

/** Call `draw` whenever the width of a box changes, unless there is no run. Returns a function that returns the width.
    Unlike `clientWidth`, it costs no layout.
    @type {(box: HTMLElement, draw: () => void) => () => number} */
export function onNewWidth(box, draw) {
  let width = 0;
  onNewSize([box], () => {
    if (box.clientWidth === width) return;
    width = box.clientWidth;
    if (app.runs.length) draw();
  });
  return () => width;
}

/** Call `act` whenever the size of an element changes, until the panels are built again.
    @type {(elements: Element[], act: () => void) => void} */
export function onNewSize(elements, act) {
  const observer = new ResizeObserver(act);
  for (const element of elements) observer.observe(element);
  app.built.signal.addEventListener("abort", () => observer.disconnect());
}
