// Progress of the refresh, and sending files. Everything that comes from a file or the
// server is written with textContent.
"use strict";

const page = document.getElementById("content");
const words = JSON.parse(page.dataset.words);
const token = page.dataset.token;
const limit = Number(page.dataset.limit);
const byId = (id) => document.getElementById(id);
const pause = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds));

async function call(path, value) {
  for (;;) {
    const answer = await fetch(path, {
      method: "POST",
      headers: { "Content-Type": "application/json", "X-Form-Token": token },
      body: JSON.stringify(value ?? {}),
    });
    if (answer.status === 429) {
      await pause(1000 * Number(answer.headers.get("Retry-After") || 1));
      continue;
    }
    const told = await answer.json().catch(() => ({}));
    if (!answer.ok) throw new Error(told.detail || words.failed);
    return told;
  }
}

// --- the index ---------------------------------------------------------------------

const said = byId("refresh-said");

function fill(text, values) {
  return text.replace(/\{(\w+)\}/g, (whole, name) => values[name] ?? whole);
}

async function follow() {
  byId("refreshing").hidden = false;
  byId("refresh").querySelector("button").disabled = true;
  const bar = byId("refresh-progress");
  for (;;) {
    const answer = await fetch("/teacher/index.json").catch(() => null);
    if (answer && answer.status === 403) return location.reload();
    const state = answer && answer.ok ? await answer.json() : null;
    if (state && !state.running) {
      said.textContent = state.error || (state.report ? fill(words.refreshed_now, {
        seconds: state.report.seconds,
        added: state.report.added.length,
        changed: state.report.changed.length,
        removed: state.report.removed.length,
        skipped: state.report.skipped.length,
      }) : "");
      said.classList.toggle("problem", Boolean(state.error));
      break;
    }
    if (state) {
      const count = state.total ? ` ${state.done}/${state.total}` : "";
      byId("refresh-stage").textContent = `${state.stage || words.refreshing}${count} ${state.note}`;
      if (state.total) {
        bar.max = state.total;
        bar.value = state.done;
      } else {
        bar.removeAttribute("value");
      }
    }
    await pause(700);
  }
  byId("refreshing").hidden = true;
  byId("refresh").querySelector("button").disabled = false;
}

byId("refresh").addEventListener("submit", async (event) => {
  event.preventDefault();
  try {
    await call("/teacher/refresh");
    await follow();
  } catch (error) {
    said.textContent = error.message;
  }
});
// The form may have been sent before this script was there: its outcome is told all the same.
if (said.dataset.running || location.hash === "#refreshed") {
  history.replaceState(null, "", location.pathname + location.search);
  follow();
}

// --- new notes ---------------------------------------------------------------------

let batch = null;
let sending = Promise.resolve();
const rows = new Map();

function row(name) {
  if (rows.has(name)) return rows.get(name);
  const line = document.createElement("tr");
  const head = document.createElement("th");
  const cell = document.createElement("td");
  head.scope = "row";
  head.textContent = name;
  line.append(head, cell);
  byId("outcomes").append(line);
  rows.set(name, { line, cell, result: "", box: null });
  return rows.get(name);
}

function show(name, result, reason) {
  const shown = row(name);
  shown.result = result;
  const word = { refused: words.refused_file }[result] || words[result] || result;
  shown.cell.textContent = reason ? `${word} : ${reason}` : word;
  shown.cell.className = result === "refused" || result === "failed" ? "problem" : "";
  shown.box = null;
  if (result === "exists") {
    const label = document.createElement("label");
    label.className = "replace";
    shown.box = document.createElement("input");
    shown.box.type = "checkbox";
    shown.box.addEventListener("change", update);
    label.append(shown.box, words.replace);
    shown.cell.append(" ", label);
  }
}

function update() {
  const ready = [...rows.values()].some(
    (shown) => shown.result === "ready" || (shown.box && shown.box.checked),
  );
  byId("publish").disabled = !ready;
}

function send(file) {
  return new Promise((resolve) => {
    if (file.size > limit) {
      show(file.name, "refused", words.too_large);
      return resolve();
    }
    const isArchive = file.name.toLowerCase().endsWith(".zip");
    const shown = row(file.name);
    const bar = document.createElement("progress");
    bar.max = file.size || 1;
    bar.setAttribute("aria-label", `${words.sending} ${file.name}`);
    shown.cell.replaceChildren(bar);
    const request = new XMLHttpRequest();
    const query = new URLSearchParams({ batch, name: file.name });
    request.open("POST", `/teacher/files?${query}`);
    request.setRequestHeader("X-Form-Token", token);
    request.setRequestHeader("Content-Type", "application/octet-stream");
    request.upload.onprogress = (event) => { bar.value = event.loaded; };
    request.upload.onload = () => { shown.cell.textContent = words.checking; };
    let read = 0;
    const take = () => {
      if (request.status !== 200) return;
      const whole = request.responseText.lastIndexOf("\n") + 1;
      for (const line of request.responseText.slice(read, whole).split("\n")) {
        if (!line) continue;
        const outcome = JSON.parse(line);
        show(outcome.name || file.name, outcome.result, outcome.reason);
      }
      read = whole;
    };
    request.onprogress = take;
    request.onloadend = async () => {
      take();
      if (request.status === 429) {
        await pause(1000 * Number(request.getResponseHeader("Retry-After") || 1));
        return resolve(send(file));
      }
      if (request.status !== 200) {
        let reason = "";
        try { reason = JSON.parse(request.responseText).detail; } catch { /* not JSON */ }
        show(file.name, "failed", reason || "");
      } else if (isArchive || shown.result === "") {
        // An archive is told by its files; a name may come back in another form.
        if (shown.result !== "refused") {
          shown.line.remove();
          rows.delete(file.name);
        }
      }
      resolve();
    };
    request.send(file);
  });
}

function take(files) {
  byId("batch").hidden = false;
  byId("add-said").textContent = "";
  byId("publish").disabled = true;
  const chosen = [...files];
  sending = sending.then(async () => {
    try {
      batch ??= (await call("/teacher/batch")).batch;
      for (const file of chosen) await send(file);
    } catch (error) {
      byId("add-said").textContent = error.message;
    }
    update();
    if (byId("publish").disabled) byId("add-said").textContent ||= words.nothing_ready;
  });
}

async function finish(path) {
  const replace = [...rows].filter(([, shown]) => shown.box?.checked).map(([name]) => name);
  byId("publish").disabled = byId("discard").disabled = true;
  try {
    const told = batch ? await call(path, { batch, replace }) : {};
    if (!told.outcomes) {
      byId("outcomes").replaceChildren();
      byId("batch").hidden = true;
      byId("add-said").textContent = "";
      rows.clear();
    } else {
      for (const outcome of told.outcomes) {
        const kept = outcome.result === "exists";
        show(outcome.name, kept ? "kept" : outcome.result, outcome.reason);
      }
      rows.clear();
      await follow();
    }
    batch = null;
  } catch (error) {
    byId("add-said").textContent = error.message;
    batch = null;
  }
  byId("discard").disabled = false;
}

byId("files").addEventListener("change", (event) => {
  take(event.target.files);
  event.target.value = "";
});
byId("publish").addEventListener("click", () => finish("/teacher/publish"));
byId("discard").addEventListener("click", () => finish("/teacher/discard"));
const drop = byId("drop");
for (const kind of ["dragenter", "dragover"]) {
  drop.addEventListener(kind, (event) => {
    event.preventDefault();
    drop.classList.add("over");
  });
}
for (const kind of ["dragleave", "drop"]) drop.addEventListener(kind, () => drop.classList.remove("over"));
drop.addEventListener("drop", (event) => {
  event.preventDefault();
  take(event.dataTransfer.files);
});
