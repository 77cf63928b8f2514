// Fills the panel of sources and follows the [n] links of the conversation.
// Gradio runs this once with `element`, `props`, `trigger` and `watch`. Text of notes is
// only ever written through textContent: nothing of it can become an element or a script.

const section = element.querySelector(".sources");
const found = new Map(); // address of a source -> [panel, position]
let origin = null; // the link that opened the passage, to come back to
let shown = null; // the panel on show
let current = -1; // and the position of its passage
let labels = {};

function make(tag, className, text) {
  const node = document.createElement(tag);
  if (className) node.className = className;
  if (text) node.textContent = text;
  return node;
}

function button(className, text, label, action) {
  const node = make("button", className, text);
  node.type = "button";
  if (label) {
    node.setAttribute("aria-label", label);
    node.title = label;
  }
  node.addEventListener("click", action);
  return node;
}

// Passages of a panel in the order of its buttons: cited, or near; then only found.
function entries(panel) {
  return [...panel.sources, ...panel.nearest, ...panel.found];
}

function pathOf(source) {
  return [...new Set([source.title, ...source.headings])].join(" › ");
}

async function copy(text) {
  try {
    await navigator.clipboard.writeText(text);
  } catch {
    // Browsers offer the clipboard only to secure pages: elsewhere, the older way.
    const area = make("textarea", "sources-clipboard", text);
    document.body.append(area);
    area.select();
    document.execCommand("copy");
    area.remove();
  }
}

function heading() {
  const title = make("h2", "sources-title", labels.sources);
  title.id = "sources-heading";
  return title;
}

function chooser(panel, chosen, first, count, className, label) {
  const bar = make("nav", className);
  bar.setAttribute("aria-label", label);
  entries(panel).slice(first, first + count).forEach((source, index) => {
    const path = pathOf(source);
    const item = button(
      "sources-choice",
      source.label || path,
      source.label ? `${source.label} : ${path}` : "",
      () => show(panel, first + index, true)
    );
    if (first + index === chosen) item.setAttribute("aria-current", "true");
    bar.append(item);
  });
  return bar;
}

function passage(source) {
  const text = make("div", "sources-passage");
  text.tabIndex = 0;
  text.setAttribute("role", "group");
  text.setAttribute("aria-label", source.place);
  if (source.cut_before) text.append(make("span", "sources-cut", "…\n"));
  text.append(document.createTextNode(source.before));
  if (source.quote) {
    const mark = make("mark", "", source.quote);
    mark.tabIndex = -1;
    text.append(mark);
  }
  text.append(document.createTextNode(source.after));
  if (source.cut_after) text.append(make("span", "sources-cut", "\n…"));
  return text;
}

function actions(panel, position) {
  const source = entries(panel)[position];
  const bar = make("div", "sources-actions");
  const said = make("span", "sources-said");
  said.setAttribute("role", "status");
  if (source.copy) {
    bar.append(
      button("sources-action sources-copy", labels.copy, "", async () => {
        await copy(source.copy);
        said.textContent = labels.copied;
        setTimeout(() => (said.textContent = ""), 2500);
      })
    );
  }
  if (source.open) {
    const link = make("a", "sources-action sources-open", labels.open_note);
    link.href = source.open;
    link.target = "_blank";
    link.rel = "noopener";
    bar.append(link);
  }
  bar.append(button("sources-action sources-back", labels.back, "", back), said);
  return bar;
}

function steps(panel, position) {
  const bar = make("div", "sources-steps");
  const count = entries(panel).length;
  [
    ["sources-previous", "‹", labels.previous, position - 1],
    ["sources-next", "›", labels.next, position + 1],
  ].forEach(([className, text, label, target]) => {
    const step = button(`sources-step ${className}`, text, label, () => {
      show(panel, target, true);
      const again = section.querySelector(`.${className}`);
      if (!again.disabled) again.focus({ preventScroll: true });
    });
    step.disabled = target < 0 || target >= count;
    bar.append(step);
  });
  return bar;
}

function rating(panel) {
  const box = make("div", "sources-rating");
  box.setAttribute("role", "group");
  box.setAttribute("aria-label", labels.rating);
  const said = make("span", "sources-said");
  said.setAttribute("role", "status");
  const tell = (opinion) => {
    panel.opinion = opinion;
    trigger("rate", {
      answer: panel.answer,
      liked: opinion ? opinion.liked : null,
      reason: opinion ? opinion.reason : "",
    });
    fill();
    said.textContent = opinion ? labels.rated : "";
  };
  const fill = () => {
    const focused = box.contains(document.activeElement) && document.activeElement.dataset.vote;
    box.replaceChildren(make("span", "sources-asked", labels.rating));
    [true, false].forEach((liked) => {
      const chosen = panel.opinion?.liked === liked;
      const vote = button("sources-vote", liked ? labels.liked : labels.disliked, "", () =>
        tell(chosen ? null : { liked, reason: panel.opinion?.reason || "" })
      );
      vote.setAttribute("aria-pressed", String(chosen));
      vote.dataset.vote = String(liked);
      box.append(vote);
      if (focused === vote.dataset.vote) vote.focus({ preventScroll: true });
    });
    box.append(said);
    if (!panel.opinion) return;
    const form = make("form", "sources-reason");
    const line = make("input");
    line.type = "text";
    line.maxLength = 500;
    line.value = panel.opinion.reason;
    line.placeholder = labels.reason;
    line.setAttribute("aria-label", labels.reason);
    const send = make("button", "", labels.give_reason);
    send.type = "submit";
    form.append(line, send);
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      tell({ liked: panel.opinion.liked, reason: line.value.trim() });
    });
    box.append(form);
  };
  fill();
  return box;
}

function back() {
  if (origin && origin.isConnected) {
    origin.scrollIntoView({ block: "center" });
    origin.focus();
  } else {
    document.querySelector("#question textarea")?.focus();
  }
}

function show(panel, position, focus) {
  shown = panel;
  current = position;
  const all = entries(panel);
  const source = all[position];
  section.replaceChildren(heading());
  if (panel.question) section.append(make("p", "sources-question", panel.question));
  if (!all.length) section.append(make("p", "sources-hint", labels.no_sources));
  const first = panel.sources.length || panel.nearest.length;
  if (panel.sources.length) {
    const bar = make("div", "sources-bar");
    bar.append(chooser(panel, position, 0, first, "sources-numbers", labels.sources));
    if (source) bar.append(steps(panel, position));
    section.append(bar);
  } else if (panel.nearest.length) {
    section.append(make("p", "sources-hint", labels.nearest));
    section.append(chooser(panel, position, 0, first, "sources-nearest", labels.nearest));
  }
  if (source) {
    section.append(make("h3", "sources-path", pathOf(source)));
    section.append(make("p", "sources-file", `${source.file} · ${source.place}`));
    if (source.by) section.append(make("p", "sources-by", source.by));
    const text = passage(source);
    section.append(text, actions(panel, position));
    const mark = text.querySelector("mark");
    if (mark) text.scrollTop = mark.offsetTop - text.clientHeight / 3;
    if (focus) {
      const target = mark || text;
      target.focus({ preventScroll: true });
      target.scrollIntoView({ block: "nearest" });
      const box = section.getBoundingClientRect();
      if (box.top > window.innerHeight * 0.6 || box.bottom < 0) {
        section.scrollIntoView({ block: "start" });
      }
    }
  }
  if (panel.found.length) {
    const more = make("details", "sources-found");
    more.open = position >= first;
    const list = chooser(panel, position, first, all.length, "sources-nearest", labels.found);
    more.append(make("summary", "", labels.found), list);
    section.append(more);
  }
  if (panel.answer) section.append(rating(panel));
}

// Shows the last turn of a conversation that was restored; the examples of an empty one
// are buttons, which Gradio calls a list without items.
function settle(tries = 40) {
  const log = document.querySelector("#chat [role=log]");
  const examples = document.querySelector("#chat .examples");
  if (!examples && !log?.querySelector(".message") && tries) {
    setTimeout(settle, 250, tries - 1); // on a slow device they come later
    return;
  }
  if (log) log.scrollTop = log.scrollHeight;
  examples?.setAttribute("role", "group");
}

function receive() {
  const value = props.value;
  if (!value) return;
  labels = value.labels;
  if (value.fresh) {
    found.clear();
    origin = null;
    shown = null;
  }
  value.panels.forEach((panel) =>
    entries(panel).forEach((source, index) => found.set(source.anchor, [panel, index]))
  );
  const last = value.panels.at(-1);
  if (value.fresh) setTimeout(settle, 250); // once the conversation is laid out
  if (!last) {
    // A question whose answer has not begun leaves what the reader looks at.
    if (value.fresh) show({ sources: [], nearest: [], found: [] }, -1, false);
    return;
  }
  // While an answer grows, a passage that the reader is reading stays.
  const reading = shown?.turn === last.turn && section.contains(document.activeElement);
  // After a refusal nothing is proof of anything: the reader chooses what to open.
  show(last, reading ? current : last.sources.length ? 0 : -1, reading);
}

document.addEventListener("click", (event) => {
  const link = event.target.closest?.('a[href*="#src-"]');
  if (!link) return;
  event.preventDefault();
  const target = found.get(link.getAttribute("href").replace(/^.*#/, "#"));
  if (!target) return;
  origin = link;
  show(target[0], target[1], true);
});

section.addEventListener("keydown", (event) => {
  if (event.key === "Escape") back();
});

watch("value", receive);
receive();
