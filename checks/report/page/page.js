"use strict";
(() => {
  const $ = (id) => document.getElementById(id);
  const results = JSON.parse($("results").textContent);
  const names = {
    status: { fail: "Fail", error: "Error", "not-evaluated": "Not evaluated", "manual-pending": "Somebody must act", waived: "Waived", attested: "Attested", pass: "Pass", "not-applicable": "Not applicable" },
    level: { T: "Template", L: "Live", R: "Run", P: "Person" },
  };
  const frameworksOf = new Map();
  for (const control of results.controls)
    for (const id of control.proofs) {
      if (!frameworksOf.has(id)) frameworksOf.set(id, new Set());
      frameworksOf.get(id).add(control.framework);
    }
  const ownersOf = new Map();
  const sectionsOf = new Map();
  const blocks = new Set();
  for (const item of results.items)
    for (const id of item.proofs) {
      if (!ownersOf.has(id)) { ownersOf.set(id, new Set()); sectionsOf.set(id, new Set()); }
      ownersOf.get(id).add(item.owner);
      sectionsOf.get(id).add(item.section);
      if (item.blocking) blocks.add(id);
    }
  const union = (ids, map) => new Set(ids.flatMap((id) => [...(map.get(id) ?? [])]));

  const rows = [];
  for (const item of results.items)
    rows.push({
      view: "items", row: $(item.id), proofs: item.proofs, status: item.status,
      levels: new Set(item.levels), frameworks: union(item.proofs, frameworksOf),
      sections: new Set([item.section]), owners: new Set([item.owner]), blocking: item.blocking,
    });
  results.controls.forEach((control, index) => rows.push({
    view: "controls", row: $(`c${index}`), proofs: control.proofs, status: control.status, levels: new Set(control.levels),
    frameworks: new Set([control.framework]), sections: union(control.proofs, sectionsOf), owners: union(control.proofs, ownersOf),
    blocking: control.proofs.some((id) => blocks.has(id)),
  }));

  const chosen = { q: "", status: new Set(), level: "", framework: "", section: "", owner: "", blocking: false, view: "items" };
  const option = (select, value, label) => {
    const made = document.createElement("option");
    made.value = value;
    made.textContent = label ?? value;
    select.append(made);
  };
  for (const [value, label] of Object.entries(names.level)) option($("level"), value, label);
  for (const value of new Set(results.controls.map((control) => control.framework))) option($("framework"), value);
  for (const value of new Set(results.items.map((item) => item.section))) option($("section"), value);
  for (const value of [...new Set(results.items.map((item) => item.owner))].sort()) option($("owner"), value);
  const chips = new Map();
  for (const [value, label] of Object.entries(names.status)) {
    if (!rows.some((row) => row.status === value)) continue;
    const chip = document.createElement("button");
    chip.type = "button";
    chip.className = `s ${value}`;
    chip.setAttribute("aria-pressed", "false");
    const icon = document.querySelector(`.s.${value} .i`);
    if (icon) chip.append(icon.cloneNode(true));
    chip.append(label);
    chip.addEventListener("click", () => {
      chosen.status.has(value) ? chosen.status.delete(value) : chosen.status.add(value);
      apply(true);
    });
    chips.set(value, chip);
    $("statuses").append(chip);
  }

  const namedBy = new Map();
  for (const item of results.items)
    for (const id of item.proofs) {
      if (!namedBy.has(id)) namedBy.set(id, []);
      namedBy.get(id).push(item.id);
    }
  const nothing = [null, null, [], []];
  const said = (id) => (results.proofs[id] ?? nothing).flat().map((number) => results.words[number] ?? "").join(" ");
  const read = new Map();
  const proofText = (id) => {
    if (!read.has(id)) read.set(id, `${$(id).textContent} ${said(id)}`);
    return read.get(id);
  };

  const link = (target, text) => {
    const made = document.createElement("a");
    made.href = `#${target}`;
    made.textContent = text;
    return made;
  };
  const told = (list, name, parts) => {
    if (!parts.length) return;
    const line = document.createElement("div");
    const term = document.createElement("dt");
    const what = document.createElement("dd");
    term.textContent = name;
    parts.forEach((part, index) => what.append(index ? ", " : "", part));
    line.append(term, what);
    list.append(line);
  };
  const whole = (fold) => {
    for (const row of fold.querySelectorAll(".ok, .proof")) {
      if (row.dataset.whole) continue;
      row.dataset.whole = "yes";
      const [expected, next, evidence, controls] = results.proofs[row.id] ?? nothing;
      const list = row.querySelector("dl") ?? document.createElement("dl");
      if (expected !== null) told(list, "Expected", [results.words[expected]]);
      if (next !== null) told(list, "Next", [results.words[next]]);
      told(list, "Evidence", evidence.map((number) => results.files[number] ? link(results.files[number], results.words[number]) : `${results.words[number]} (missing)`));
      told(list, "Controls", controls.map((number) => results.words[number]));
      told(list, "Items", (namedBy.get(row.id) ?? []).map((id) => link(id, id)));
      if (list.childElementCount) row.append(list);
    }
  };
  for (const fold of document.querySelectorAll(".proofs-of")) fold.addEventListener("toggle", () => { if (fold.open) whole(fold); });
  const byProof = new Map();
  results.controls.forEach((control, index) => {
    for (const id of control.proofs) {
      if (!byProof.has(id)) byProof.set(id, new Set());
      byProof.get(id).add(index);
    }
  });
  const evidenceFor = (row) => {
    const indices = [...union(row.proofs, byProof)].sort((one, other) => one - other);
    if (row.view !== "items" || !indices.length) return;
    const line = document.createElement("p");
    line.className = "muted";
    line.append("Also evidence for ");
    indices.forEach((index, place) => line.append(place ? ", " : "", link(`c${index}`, `${results.controls[index].framework} ${results.controls[index].id}`)));
    line.append(".");
    row.row.querySelector("details").append(line);
  };
  const rest = (row) => {
    evidenceFor(row);
    const last = row.row.querySelector(".rest");
    if (!last) return;
    const shown = new Set([...last.parentElement.querySelectorAll("a")].map((each) => each.hash.slice(1)));
    for (const id of row.proofs) {
      if (shown.has(id)) continue;
      let pill = $(id);
      while (!pill.matches(".of")) pill = pill.previousElementSibling;
      pill = pill.querySelector(".s");
      const status = pill.classList[1];
      let line = [...last.parentElement.children].find((each) => each.querySelector(`.s.${status}`));
      if (!line) {
        line = document.createElement("li");
        const name = document.createElement("span");
        name.className = pill.className;
        name.textContent = pill.textContent;
        line.append(name);
        last.before(line);
      }
      line.append(" ", link(id, $(id).querySelector("a").textContent));
    }
    last.remove();
  };
  for (const row of rows) row.row.querySelector("details")?.addEventListener("toggle", () => rest(row), { once: true });
  const textOf = (row) => (row.text ??= [row.row.textContent, row.row.closest(".group").firstElementChild.textContent, ...row.proofs.map(proofText)].join(" ").toLowerCase());

  const matches = (row, words) =>
    (!chosen.status.size || chosen.status.has(row.status)) && (!chosen.level || row.levels.has(chosen.level)) &&
    (!chosen.framework || row.frameworks.has(chosen.framework)) && (!chosen.section || row.sections.has(chosen.section)) &&
    (!chosen.owner || row.owners.has(chosen.owner)) && (!chosen.blocking || row.blocking) && words.every((word) => textOf(row).includes(word));

  const any = () => chosen.q || chosen.status.size || chosen.level || chosen.framework || chosen.section || chosen.owner || chosen.blocking;

  function apply(say) {
    const words = chosen.q.toLowerCase().split(/\s+/).filter(Boolean);
    let shown = 0, all = 0;
    for (const row of rows) {
      const fits = matches(row, words);
      row.row.hidden = !fits;
      if (row.view === chosen.view) { all += 1; shown += fits ? 1 : 0; }
    }
    for (const group of document.querySelectorAll(".group")) group.hidden = !group.querySelector(".r:not(.h):not([hidden])");
    $("view-items").hidden = chosen.view !== "items";
    $("view-controls").hidden = chosen.view !== "controls";
    $("shown").textContent = any() ? `${shown} of ${all} ${chosen.view} shown` : `${all} ${chosen.view}`;
    for (const [value, chip] of chips) chip.setAttribute("aria-pressed", String(chosen.status.has(value)));
    for (const name of ["q", "level", "framework", "section", "owner"]) if ($(name).value !== chosen[name]) $(name).value = chosen[name];
    $("blocking").checked = chosen.blocking;
    document.querySelector(`[name=view][value=${chosen.view}]`).checked = true;
    if (say) remember();
  }

  function remember() {
    const asked = new URLSearchParams();
    for (const name of ["q", "level", "framework", "section", "owner"]) if (chosen[name]) asked.set(name, chosen[name]);
    for (const value of chosen.status) asked.append("status", value);
    if (chosen.blocking) asked.set("blocking", "1");
    if (chosen.view !== "items") asked.set("view", chosen.view);
    const text = asked.toString();
    try { history.replaceState(null, "", text ? `#?${text}` : "#items"); } catch { /* a page from disk may not */ }
  }

  function clear() {
    Object.assign(chosen, { q: "", level: "", framework: "", section: "", owner: "", blocking: false });
    chosen.status.clear();
  }

  function follow() {
    let name = location.hash.slice(1);
    if (name.startsWith("?")) {
      const asked = new URLSearchParams(name.slice(1));
      clear();
      for (const key of ["q", "level", "framework", "section", "owner"]) chosen[key] = asked.get(key) ?? "";
      for (const value of asked.getAll("status")) if (chips.has(value)) chosen.status.add(value);
      chosen.blocking = asked.has("blocking");
      chosen.view = asked.get("view") === "controls" ? "controls" : "items";
      apply(false);
      $("filter").scrollIntoView();
      return;
    }
    try { name = decodeURIComponent(name); } catch { return; }
    const target = name && $(name);
    if (!target) return;
    const view = target.closest("#view-items") ? "items" : target.closest("#view-controls") ? "controls" : null;
    if (view) {
      chosen.view = view;
      if (target.matches(".r[hidden]")) clear();
      apply(false);
    }
    for (let each = target; each; each = each.parentElement) if (each.tagName === "DETAILS") each.open = true;
    const fold = target.closest(".proofs-of");
    if (fold) whole(fold);
    if (target.matches(".r")) { const inner = target.querySelector("details"); if (inner) inner.open = true; }
    target.scrollIntoView({ block: target.matches(".r, .proof, .ok, tr") ? "center" : "start" });
  }

  $("q").addEventListener("input", () => { chosen.q = $("q").value; apply(true); });
  for (const name of ["level", "framework", "section", "owner"])
    $(name).addEventListener("change", () => { chosen[name] = $(name).value; apply(true); });
  $("blocking").addEventListener("change", () => { chosen.blocking = $("blocking").checked; apply(true); });
  for (const radio of document.querySelectorAll("[name=view]"))
    radio.addEventListener("change", () => { chosen.view = radio.value; apply(true); });
  $("filter").addEventListener("submit", (event) => event.preventDefault());
  $("filter").addEventListener("reset", (event) => { event.preventDefault(); clear(); apply(true); $("q").focus(); });
  $("fold").addEventListener("click", () => {
    const open = $("fold").getAttribute("aria-pressed") !== "true";
    for (const each of document.querySelectorAll(".r details")) each.open = open;
    $("fold").setAttribute("aria-pressed", String(open));
  });
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const typing = /^(INPUT|SELECT|TEXTAREA)$/.test(event.target.tagName);
    if (event.key === "/" && !typing) { event.preventDefault(); $("q").focus(); $("q").select(); }
    else if (event.key === "Escape" && event.target === $("q") && any()) { event.preventDefault(); clear(); apply(true); }
  });
  addEventListener("hashchange", follow);

  const opened = [];
  addEventListener("beforeprint", () => {
    for (const each of document.querySelectorAll("details[data-print]:not([open])")) { each.open = true; opened.push(each); }
    if (!any()) $("view-items").hidden = $("view-controls").hidden = false;
  });
  addEventListener("afterprint", () => { while (opened.length) opened.pop().open = false; apply(false); });

  const dark = matchMedia("(prefers-color-scheme: dark)");
  const theme = () => document.documentElement.dataset.theme ?? (dark.matches ? "dark" : "light");
  const label = () => { $("theme").textContent = theme() === "dark" ? "Light" : "Dark"; };
  $("theme").addEventListener("click", () => { document.documentElement.dataset.theme = theme() === "dark" ? "light" : "dark"; label(); });
  dark.addEventListener("change", label);
  label();

  const clock = $("clock");
  if (clock) {
    const deadline = Date.parse(clock.dataset.deadline);
    const tick = () => {
      const minutes = Math.floor((deadline - Date.now()) / 60000);
      clock.textContent = minutes >= 0 ? ` Now: ${Math.floor(minutes / 60)} h ${String(minutes % 60).padStart(2, "0")} min, by this computer's clock.` : " Now: over, by this computer's clock.";
    };
    tick();
    setInterval(tick, 30000);
  }

  $("filter").hidden = false;
  $("theme").hidden = false;
  apply(false);
  follow();
  performance.mark("hasivu-interactive");
  document.documentElement.dataset.ready = "yes";
})();
