/* The list of exercises. The reader's notes on it are kept until the tab is closed. A link to a plan opens the plan's
   first part. */

import { keepNotes } from "./lesson/notes.js";
import { PLANS } from "./lesson/plans.js";

/** Open the first part of the plan that the URL names. */
function openPlan() {
  const plan = new URLSearchParams(location.hash.slice(1)).get("plan") ?? "";
  const first = PLANS.get(plan)?.[0];
  if (first) location.replace(`${first}&plan=${plan}&view=lecture`);
}

/** If the URL asks for it, prepare the page for printing with all answers or with the reader's notes. */
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
