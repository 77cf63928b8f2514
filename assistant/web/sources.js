// Fills the panel of sources and follows the [n] links of the conversation.
// Gradio runs this once with `element`, `props` and `watch`. Text of notes is only ever
// written through textContent: nothing of it can become an element or a script.

const section = element.querySelector(".sources");
const found = new Map(); // address of a source -> [panel, position]
let origin = null; // the link that opened the passage, to come back to

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

function entries(panel) {
  return panel.sources.length ? panel.sources : panel.nearest;
}

function heading(panel) {
  const title = make("h2", "sources-title", panel.labels.sources);
  title.id = "sources-heading";
  return title;
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

function chooser(panel, position) {
  const bar = make("nav", panel.sources.length ? "sources-numbers" : "sources-nearest");
  bar.setAttribute("aria-label", panel.labels.sources);
  entries(panel).forEach((source, index) => {
    const path = [source.title, ...source.headings].join(" › ");
    const text = source.label || path;
    const item = button("sources-choice", text, source.label ? `${text} : ${path}` : "", () =>
      show(panel, index, true)
    );
    if (index === position) item.setAttribute("aria-current", "true");
    bar.append(item);
  });
  return bar;
}

function passage(panel, source) {
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

function actions(panel, source) {
  const bar = make("div", "sources-actions");
  if (source.copy) {
    const said = make("span", "sources-said");
    said.setAttribute("role", "status");
    bar.append(
      button("sources-action", panel.labels.copy, "", async () => {
        await copy(source.copy);
        said.textContent = panel.labels.copied;
        setTimeout(() => (said.textContent = ""), 2500);
      })
    );
    bar.append(button("sources-action", panel.labels.back, "", back));
    bar.append(said);
  } else {
    bar.append(button("sources-action", panel.labels.back, "", back));
  }
  return bar;
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
  const source = entries(panel)[position];
  section.replaceChildren(heading(panel));
  if (!entries(panel).length) {
    section.append(make("p", "sources-hint", panel.labels.no_sources));
    return;
  }
  section.append(make("p", "sources-question", panel.question));
  if (!panel.sources.length) section.append(make("p", "sources-hint", panel.labels.nearest));
  section.append(chooser(panel, position));
  if (!source) return;
  const path = make("h3", "sources-path");
  [...new Set([source.title, ...source.headings])].forEach((name, index) => {
    if (index) path.append(make("span", "sources-step", " › "));
    path.append(make("span", "", name));
  });
  section.append(path);
  section.append(make("p", "sources-file", `${source.file} · ${source.place}`));
  const text = passage(panel, source);
  section.append(text, actions(panel, source));
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

function receive() {
  const panel = props.value;
  if (!panel) return;
  if (!panel.turn) {
    found.clear();
    origin = null;
  }
  entries(panel).forEach((source, index) => found.set(source.anchor, [panel, index]));
  // After a refusal nothing is proof of anything: the reader chooses what to open.
  show(panel, panel.sources.length ? 0 : -1, false);
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
