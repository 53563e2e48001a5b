/* Formats numbers and names. */

/** Format a fraction as a percentage.
    @type {(x: number) => string} */
export const percent = (x) => `${x > 0.9995 ? "100" : x < 0.0005 ? "0" : (100 * x).toFixed(1)}%`;

/** Format a fraction as a whole percentage, without the percent sign. It is rounded down, so only 1 becomes 100. */
export const wholePercent = (/** @type {number} */ fraction) => `${Math.floor(100 * fraction + 1e-6)}`;

/** Return the ordinal of a position, such as "1st". */
export const ordinal = (/** @type {number} */ n) =>
  n + (["th", "st", "nd", "rd"][Math.floor((n % 100) / 10) === 1 ? 0 : n % 10] ?? "th");

/** Return a symbol's name with white space made visible.
    @type {(name: string) => string} */
export const visible = (name) => name.replaceAll(" ", "␣").replaceAll("\t", "⇥").replaceAll("\n", "⏎");

/** Shorten a name to `maxLength` characters. */
export function truncate(/** @type {string} */ name, /** @type {number} */ maxLength) {
  const characters = [...name];
  return characters.length > maxLength ? `${characters.slice(0, Math.max(1, maxLength - 1)).join("")}…` : name;
}

/** Format a number with a fixed number of decimal places and a true minus sign.
    @type {(x: number, digits?: number) => string} */
export function formatNumber(x, digits = 3) {
  const text = Math.abs(x).toFixed(digits);
  return x < 0 && Number(text) !== 0 ? `−${text}` : text;
}

/** @type {(n: number, noun: string) => string} */
export const pluralize = (n, noun) => `${n} ${noun}${n === 1 ? "" : "s"}`;

/** @type {(n: number) => string} */
export const thousands = (n) => n.toLocaleString("en");
