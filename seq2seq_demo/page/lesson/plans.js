/* The lesson plans of exercises.toml, in which a clicker leads from one exercise or slide to the next. */

/** The URLs of the parts of each plan. A plan's name, which URLs contain, is its duration in minutes.
    @type {Map<string, string[]>} */
export const PLANS = new Map(Object.entries(JSON.parse(document.getElementById("lesson-plans")?.textContent ?? "{}")));

/** Return the URL of the part that comes n parts after `part` in a plan; `part` is the end of a URL. Before the first
    part and after the last one, return the URL of the list of exercises. If the plan does not contain `part`, return
    "".
    @type {(plan: string, part: string, n: number) => string} */
export function partAfter(plan, part, n) {
  const parts = PLANS.get(plan) ?? [];
  const i = parts.findIndex((address) => address.endsWith(part));
  if (i < 0) return "";
  return i + n in parts ? `${parts[i + n]}&plan=${plan}&view=lecture` : "links.html";
}

/** Return the name of the part that a URL opens. */
export function partName(/** @type {string} */ address) {
  const [, kind, n] = /(exercise=|theory\.html#)(\d+)/.exec(address) ?? [];
  return n ? `${kind === "exercise=" ? "exercise" : "slide"} ${n}` : "all exercises";
}
