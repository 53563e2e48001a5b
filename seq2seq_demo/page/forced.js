"use strict";
/* Teacher forcing beside free-running. */

/** What the network writes when it is fed the target, beside what it writes by itself. */
function forcedPanel(app) {
  const boxes = app.networks.map(() => h("div", {}));
  const section = panel(
    "teacher",
    "Teacher forcing beside free-running",
    "In training the decoder is fed the target, shifted by one: this is teacher forcing. By itself it is fed what it " +
      "wrote. One mistake may then lead to the next: exposure bias.",
    columns(app.networks, (shown, i) => [boxes[i]]),
  );
  const update = () =>
    app.runs.forEach((run, i) => {
      redraw(boxes[i], ...(run.teacherSteps ? compared(run) : [noTarget(), ...beforeForcing(app, run)]));
      boxes[i].querySelectorAll(".scroll").forEach((box) => settle(box));
    });
  return addPanel(app, section, update);
}

function noTarget() {
  const go = button("Type the target", () => document.getElementById("target").focus(), { "data-key": "to-target" });
  return h(
    "div",
    { className: "controls" },
    h("span", {}, "No target is known for this source, so there is nothing to feed."),
    go,
  );
}

/** Where no target is known and a symbol is forced: what the network writes with it, beside what it wrote before. */
function beforeForcing(app, run) {
  if (!Object.keys(app.state.forced).length) return [];
  const before = app.answer(run.shown, run.source, null, {}).written;
  const after = run.written;
  const { kinds, edits } = run.shown.compare(after, before, (t) => run.forcedAt(t));
  const n = Math.max(before.length, after.length);
  const row = (label, symbols, isWrong) => {
    const cells = Array.from({ length: n }, (_, t) => {
      const className = isWrong(t) ? "symbol wrong" : "symbol";
      const symbol = t < symbols.length ? h("span", { className, dir: "auto" }, targetName(run, symbols[t])) : null;
      return h("td", {}, symbol, symbols === after && isForced(t) ? h("small", {}, "forced") : null);
    });
    return h("tr", {}, h("th", { attributes: { scope: "row" } }, label), ...cells);
  };
  const head = ["Output", ...Array.from({ length: n }, (_, t) => String(t + 1))];
  const whole = h(
    "table",
    { className: "compared" },
    h("caption", { className: "unseen" }, "The answer before and after forcing"),
    h("thead", {}, h("tr", {}, ...head.map((text) => h("th", { attributes: { scope: "col" } }, text)))),
    h(
      "tbody",
      {},
      row("Before, it wrote", before, () => false),
      row("Forced, it writes", after, (t) => kinds[t] !== "right"),
    ),
  );
  const more = edits - Object.keys(app.state.forced).length;
  const follows = more > 0 ? `${more} more symbol${more === 1 ? "" : "s"} changed with it.` : "Nothing else changed.";
  return [
    h("p", {}, `You can still see what follows from what you forced. ${follows}`),
    scrollBox(`Before and after forcing: ${run.shown.name}`, whole),
  ];
}

/** Both ways, step by step, and in words where they part. */
function compared(run) {
  const { teacherSteps: forced, steps: free, wanted, alignment } = run;
  const n = Math.max(forced.length, free.length);
  const parted = firstDifference(run);
  const right = wanted.filter((symbol, t) => forced[t].written === symbol).length;
  const isBetter = right > alignment.right;
  const many = alignment.kinds.filter((kind) => kind === "extra").length;
  const extra = many ? `, and ${many} too many` : "";
  const scores =
    `Right: fed the target, ${countRight(right, run)}; fed what it wrote, ${alignment.right} of ${wanted.length}` +
    `${extra}. `;
  const rows = [
    comparedRow(run, "Teacher forcing is fed", forced, n, parted, true),
    comparedRow(run, "and writes", forced, n, parted, false),
    comparedRow(run, "Free-running is fed", free, n, parted, true),
    comparedRow(run, "and writes", free, n, parted, false),
  ];
  const head = ["Output", ...Array.from({ length: n }, (_, t) => String(t + 1))].map((text, i) =>
    h("th", { className: i && i - 1 === parted ? "parted" : "", attributes: { scope: "col" } }, text),
  );
  const caption = h("caption", { className: "unseen" }, "What each way is fed and writes, output by output");
  const whole = h(
    "table",
    { className: "compared" },
    caption,
    h("thead", {}, h("tr", {}, ...head)),
    h("tbody", {}, ...rows),
  );
  return [
    h("p", {}, scores + partedWords(run, parted, isBetter)),
    scrollBox(`Teacher forcing beside free-running: ${run.shown.name}`, whole),
  ];
}

/** Return the first output at which the two ways are fed different symbols; -1 if none. */
function firstDifference({ teacherSteps, steps }) {
  return steps.findIndex((step, t) => t < teacherSteps.length && step.fed !== teacherSteps[t].fed);
}

/** Say where the two ways part, and why one looks better. */
function partedWords(run, parted, isBetter) {
  const { teacherSteps: forced, steps: free } = run;
  const n = Math.min(forced.length, free.length);
  const by = (t) => (isForced(t) ? "You made it write" : "It wrote");
  if (parted > 0) {
    const { fed } = free[parted];
    const what = isForced(parted - 1)
      ? `what you forced, ${targetName(run, fed)}`
      : `what it wrote, ${targetName(run, fed)}`;
    const then = parted + 1 < free.length ? "; after that, what it then wrote" : "";
    const why = "Teacher forcing looks better because it takes every mistake back before the next step.";
    return `Output ${parted + 1} is fed ${what}${then}. ${recovery(run) || (isBetter ? why : "")}`;
  }
  const end = targetName(run, last(free).written);
  if (free.length < forced.length && run.shown.ends && !run.ended)
    return `By itself it is cut off after output ${n}; teacher forcing goes on with the target.`;
  if (free.length < forced.length)
    return `${by(n - 1)} ${end} as output ${n}, so the answer is over there. Teacher forcing goes on with the target.`;
  if (free.length > forced.length)
    return (
      `${by(n - 1)} ${targetName(run, free[n - 1].written)} as output ${n}, where ` +
      `${targetName(run, run.wanted[n - 1])} belongs. From there on there is no target to feed, and it is fed what it ` +
      "wrote until it ends."
    );
  if (run.exact)
    return "Both are fed the same here, and both are right: only a mistake that is fed back sets them apart.";
  return "Both are fed the same here: only the last symbol is wrong, and that is fed to nothing.";
}

/** Say that the network finds its way back after what was forced, if it does. */
function recovery(run) {
  const places = [...run.steps.keys()].filter((t) => run.forcedAt(t));
  if (!places.length || beyondForced(run) > 0 || run.alignment.right === 0) return "";
  const shift = run.written.length - run.wanted.length;
  const where = shift === 1 ? ", one place later" : shift > 1 ? `, ${shift} places later` : "";
  return `It recovers: all else is right${where}.`;
}

function comparedRow(run, label, steps, n, parted, isFed) {
  const cells = Array.from({ length: n }, (_, t) => {
    const kind = t === parted ? "parted" : "";
    if (t >= steps.length) return h("td", { className: kind }, h("span", { className: "unseen" }, "nothing"));
    if (isFed) return h("td", { className: `fed ${kind}` }, fedName(run, steps, t));
    const { written } = steps[t];
    const isTaught = steps === run.teacherSteps;
    const taught = run.wanted[t] !== written ? `not ${targetName(run, run.wanted[t])}` : "";
    const wrong = isTaught ? taught : matter(run, t); // what is fed the target cannot slip out of place
    const name = h("span", { className: wrong ? "symbol wrong" : "symbol", dir: "auto" }, targetName(run, written));
    const gaps = isTaught ? [] : run.missing(t).map((symbol) => targetName(run, symbol));
    const leftOut = gaps.length ? h("small", {}, `before it ${gaps.join(" ")} left out`) : null;
    return h("td", { className: kind }, name, wrong ? h("small", {}, wrong) : null, leftOut);
  });
  return h("tr", { className: isFed ? "fed" : "" }, h("th", { attributes: { scope: "row" } }, label), ...cells);
}
