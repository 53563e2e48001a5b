/* Follow links on a page, of which "" stays at the page's address. Return for each the address that the page writes, and
   what it shows. */
globalThis.follow = (links) => {
  let written = location.hash;
  history.replaceState = (_state, _title, hash) => (written = hash); // the browser limits how often an address changes
  return links.map((link) => {
    if (link) {
      Object.assign(app.state, { lecture: false, moment: 0 }); // links keep the lecture view
      dispatchEvent(new HashChangeEvent("hashchange", { newURL: `file:///${link}` }));
    }
    const [{ config }] = app.networks;
    const forced = ({ steps }) =>
      steps.flatMap(({ symbol, written }, t) => (isForced(t) || symbol !== written ? `${t}:${written}` : []));
    const root = document.documentElement;
    const chosen = document.querySelectorAll("#exercises .chosen, [role=tab][aria-selected=true]");
    return {
      fields: Object.fromEntries(new URLSearchParams(written.slice(1))),
      limits: [app.networks.length, config.num_layers, config.bidirectional ? 2 : 1, config.cell_size], // of `unit`
      S: app.S,
      T: app.T,
      has: ["lecture", "hidden"].map((name) => root.hasAttribute(`data-${name}`)),
      source: byId("source").value,
      chosen: [...chosen].map(({ id }) => id),
      moment: app.state.moment,
      runs: app.runs.map((run) => [run.steps.length, forced(run), countForced(run)]),
      goal: (byId("train")?.textContent ?? "").replace(/\D/g, ""),
    };
  });
};
