/* SVG elements and the cells of heat maps. */

export function svg(tag, attributes = {}, ...children) {
  const element = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.append(...children);
  return element;
}

/** Return the user's font size relative to 16 px; drawings scale with it. */
export const zoom = () => parseFloat(getComputedStyle(document.documentElement).fontSize) / 16;

const DARK = 0.66; // from this value on, the number in a heat map's cell is written in the light colour

/** Return the cells of one heat map row as SVG; values (0 … 1) are printed as percentages where they fit. */
export function heatCells(values, makeTitle, { left, top, size, height, u, fontSize }) {
  return values.map((value, s) => {
    const box = { x: left + size * s, y: top, width: size, height };
    const parts = [
      svg("title", {}, makeTitle(s, value)),
      svg("rect", { ...box, class: "cell-back" }),
      svg("rect", { ...box, class: "heat", "fill-opacity": value }),
    ];
    if (size >= 24 * u && value >= 0.005) {
      const centre = { x: left + size * (s + 0.5), y: top + height / 2 + 5 * u, "font-size": fontSize };
      const className = value > DARK ? "on-heat" : "on-back";
      parts.push(svg("text", { ...centre, class: className }, String(Math.round(100 * value))));
    }
    return svg("g", {}, ...parts);
  });
}
