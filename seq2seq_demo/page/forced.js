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
      redraw(boxes[i], ...(run.teacherSteps ? compared(run) : [noTarget()]));
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

/** Both ways, step by step, and in words where they part. */
function compared(run) {
  const { teacherSteps: forced, steps: free, wanted } = run;
  const n = Math.max(forced.length, free.length);
  const parted = firstDifference(run);
  const right = (steps) => wanted.filter((symbol, t) => steps[t] && steps[t].written === symbol).length;
  const isBetter = right(forced) > right(free);
  const all = wanted.length;
  const scores = `Fed the target, ${right(forced)} of ${all} right; fed what it wrote, ${right(free)} of ${all}. `;
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
  if (parted > 0) {
    const what = isForced(parted - 1) ? "what you forced" : "its own mistake";
    const why = "Teacher forcing looks better because it takes every mistake back before the next step.";
    return `From output ${parted + 1} on, the decoder is fed ${what}. ${isBetter ? why : ""}`;
  }
  const why = "Teacher forcing can only look better where a mistake is fed back";
  return run.exact ? `Both are fed the same here. ${why}, and there is none.` : `Both are fed the same here. ${why}.`;
}

function comparedRow(run, label, steps, n, parted, isFed) {
  const cells = Array.from({ length: n }, (_, t) => {
    const kind = t === parted ? "parted" : "";
    if (t >= steps.length) return h("td", { className: kind }, h("span", { className: "unseen" }, "nothing"));
    if (isFed) return h("td", { className: `fed ${kind}` }, fedName(run, steps, t));
    const { written } = steps[t];
    const isWrong = run.wanted[t] !== written;
    const name = h("span", { className: isWrong ? "symbol wrong" : "symbol", dir: "auto" }, targetName(run, written));
    return h("td", { className: kind }, name, isWrong ? h("small", {}, `not ${wantedName(run, t)}`) : null);
  });
  return h("tr", { className: isFed ? "fed" : "" }, h("th", { attributes: { scope: "row" } }, label), ...cells);
}
