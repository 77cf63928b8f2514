// The reader's conversations in a drawer: open, rename, delete, search, take away.
// Gradio runs this once with `element`, `props`, `trigger` and `watch`. Titles are only
// ever written through textContent.

const opener = element.querySelector(".menu-open");
const drawer = element.querySelector("dialog");
let labels = {};
let list = null;
let search = null;

function make(tag, className, text) {
  const node = document.createElement(tag);
  if (className) node.className = className;
  if (text) node.textContent = text;
  return node;
}

function button(className, text, action) {
  const node = make("button", className, text);
  node.type = "button";
  node.addEventListener("click", action);
  return node;
}

function build() {
  opener.textContent = labels.conversations;
  opener.hidden = false;
  const top = make("div", "drawer-top");
  const title = make("h2", "", labels.conversations);
  title.id = "drawer-heading";
  drawer.setAttribute("aria-labelledby", title.id);
  top.append(title, button("drawer-close", labels.close, () => drawer.close()));
  search = make("input", "drawer-search");
  search.type = "search";
  search.maxLength = 200;
  search.placeholder = labels.search;
  search.setAttribute("aria-label", labels.search);
  let waiting = 0;
  search.addEventListener("input", () => {
    clearTimeout(waiting);
    waiting = setTimeout(() => trigger("find", { words: search.value }), 250);
  });
  list = make("ul", "drawer-list");
  drawer.replaceChildren(top, search, list);
}

function when(seconds, language) {
  const date = new Date(seconds * 1000);
  const today = new Date().toDateString() === date.toDateString();
  return today
    ? date.toLocaleTimeString(language, { hour: "2-digit", minute: "2-digit" })
    : date.toLocaleDateString(language, { day: "numeric", month: "short", year: "numeric" });
}

function row(known, value) {
  const item = make("li");
  const open = button("drawer-title", known.title, () => {
    drawer.close();
    trigger("choose", { id: known.id });
  });
  open.dataset.id = known.id;
  if (known.id === value.current) open.setAttribute("aria-current", "true");
  const count = `${known.turns} ${known.turns > 1 ? labels.questions : labels.one_question}`;
  const about = make("p", "drawer-about", `${when(known.updated, value.language)} · ${count}`);
  item.append(open, about);
  if (known.excerpt) item.append(make("p", "drawer-excerpt", known.excerpt));

  const more = make("details", "drawer-more");
  const summary = make("summary", "", labels.more);
  summary.setAttribute("aria-label", `${labels.more} : ${known.title}`);
  const form = make("form", "drawer-rename");
  const name = make("input");
  name.type = "text";
  name.maxLength = 80;
  name.value = known.title;
  name.setAttribute("aria-label", labels.new_title);
  const rename = make("button", "", labels.rename);
  rename.type = "submit";
  form.append(name, rename);
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    trigger("rename", { id: known.id, title: name.value, words: search.value });
  });
  const saved = make("p", "drawer-export", `${labels.take_away} `);
  [["md", "Markdown"], ["html", labels.printable], ["json", "JSON"]].forEach(([kind, text]) => {
    const link = make("a", "", text);
    link.href = `/conversations/${encodeURIComponent(known.id)}.${kind}`;
    link.target = "_blank";
    link.rel = "noopener";
    saved.append(link, " ");
  });
  let sure = false;
  const erase = button("drawer-erase", labels.erase, () => {
    if (sure) trigger("erase", { id: known.id, words: search.value });
    sure = true;
    erase.textContent = labels.erase_sure;
  });
  more.append(summary, form, saved, erase);
  item.append(more);
  return item;
}

function fill(value) {
  const focused = list.contains(document.activeElement);
  const named = document.activeElement?.closest?.("li")?.querySelector(".drawer-title");
  list.replaceChildren(...value.conversations.map((known) => row(known, value)));
  if (!value.conversations.length) {
    const none = search.value ? labels.none_found : labels.none_kept;
    list.append(make("li", "drawer-none", value.kept ? none : labels.not_keeping));
  }
  if (!focused) return;
  const same = [...list.querySelectorAll(".drawer-title")].find(
    (title) => title.dataset.id === named?.dataset.id
  );
  (same || search).focus();
}

function receive() {
  const value = props.value;
  if (!value?.labels) return;
  labels = value.labels;
  if (!list) build();
  fill(value);
}

opener.addEventListener("click", () => {
  drawer.showModal();
  trigger("find", { words: search.value });
});
drawer.addEventListener("click", (event) => {
  if (event.target === drawer) drawer.close(); // the ground beside it
});

watch("value", receive);
receive();
