/* The list of exercises: what is written there stays while the tab lives, and a plan opens its first part. */

import { keepNotes, PLANS } from "./notes.js";

/** Open the first part of the plan that the address names, if any. */
function openPlan() {
  const plan = new URLSearchParams(location.hash.slice(1)).get("plan") ?? "";
  const first = PLANS.get(plan)?.[0];
  if (first) location.replace(`${first}&plan=${plan}&view=lecture`);
}

keepNotes();
openPlan();
addEventListener("hashchange", openPlan);
