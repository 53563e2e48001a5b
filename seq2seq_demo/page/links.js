/* The list of exercises: what is written there stays until the tab is closed. A link to a plan opens its first part. */

import { keepNotes, PLANS } from "./notes.js";

/** Open the first part of the plan that the URL names. */
function openPlan() {
  const plan = new URLSearchParams(location.hash.slice(1)).get("plan") ?? "";
  const first = PLANS.get(plan)?.[0];
  if (first) location.replace(`${first}&plan=${plan}&view=lecture`);
}

/** Let the page print with all answers or with the reader's notes if the URL asks for them. */
function preparePrint() {
  const { hash } = location;
  document.documentElement.toggleAttribute("data-answers", hash === "#answers");
  document.documentElement.toggleAttribute("data-notes", hash === "#notes");
  if (hash === "#answers") for (const one of document.querySelectorAll("details")) one.open = true;
}

keepNotes();
for (const follow of [openPlan, preparePrint]) {
  follow();
  addEventListener("hashchange", follow);
}
