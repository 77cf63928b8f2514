// What a reader chooses: the notes to ask, passages, language, text size and theme.
// Gradio runs this once with `element`, `props` and `watch`. The choices are kept in this
// browser; what an answer depends on is this component's value, read with each question.

const KEY = "assistant-settings";
const bar = element.querySelector(".settings-bar");
const dialog = element.querySelector("dialog");
const LIMITS = ["course", "note", "tag", "since"];
const chosen = { sources: 5, language: "", use_model: true, larger: false, theme: "" };
LIMITS.forEach((name) => (chosen[name] = ""));
const limit = make("details", "limit");
const limited = make("p", "limited"); // says which notes alone are asked
let labels = {};
let language = "fr";

try {
  Object.assign(chosen, JSON.parse(localStorage.getItem(KEY)) || {});
} catch {
  // A browser that keeps nothing: the choices last as long as the page.
}

function make(tag, className, text) {
  const node = document.createElement(tag);
  if (className) node.className = className;
  if (text) node.textContent = text;
  return node;
}

function look() {
  document.documentElement.classList.toggle("larger", chosen.larger === true);
  if (chosen.theme) document.body.classList.toggle("dark", chosen.theme === "dark");
}

function send() {
  const { larger, theme, ...sent } = chosen; // these two never leave the page
  props.value = sent;
}

function choose(name, value) {
  chosen[name] = value;
  if (LIMITS.includes(name)) tellLimits();
  try {
    localStorage.setItem(KEY, JSON.stringify(chosen));
  } catch {
    // as above
  }
  if (name === "theme" && !value) {
    document.body.classList.toggle("dark", matchMedia("(prefers-color-scheme: dark)").matches);
  }
  look();
  send();
}

function select(name, label, options, isNumber) {
  const line = make("label", "settings-line");
  const field = make("select");
  field.name = name;
  options.forEach(([value, text]) => {
    const option = make("option", "", text);
    option.value = value;
    option.selected = String(value) === String(chosen[name]);
    field.append(option);
  });
  field.addEventListener("change", () =>
    choose(name, isNumber ? Number(field.value) : field.value)
  );
  line.append(make("span", "", label), field);
  return line;
}

function day(written) {
  const date = new Date(`${written}T12:00`);
  const long = { day: "numeric", month: "long", year: "numeric" };
  if (isNaN(date)) return written;
  const said = date.toLocaleDateString(language, long);
  return language === "fr" ? said.replace(/^1 /, "1er ") : said;
}

function tellLimits() {
  const { course, note, tag, since } = chosen;
  const after = since && `${labels.limit_since.toLowerCase()} ${day(since)}`;
  const tagged = tag && `${labels.limit_tag.toLowerCase()} ${tag}`;
  const parts = [course, note, tagged, after].filter(Boolean);
  const said = make("span", "limited-to", `${labels.limited_to} ${parts.join(", ")}`);
  const lifting = make("button", "", "×");
  lifting.type = "button";
  lifting.title = labels.lift;
  lifting.setAttribute("aria-label", labels.lift);
  lifting.addEventListener("click", lift);
  limited.replaceChildren(...(parts.length ? [said, lifting] : []));
  limited.hidden = !parts.length;
}

function lift() {
  LIMITS.forEach((name) => choose(name, ""));
  element.querySelectorAll(LIMITS.map((name) => `[name=${name}]`).join()).forEach((field) => {
    field.value = "";
  });
  document.querySelector("#question textarea")?.focus();
}

// A field for what can be written too; `names` are offered while one writes.
function input(name, label, type, hint, names) {
  const line = make("label", "settings-line");
  const field = make("input");
  field.type = type;
  field.name = name;
  field.value = chosen[name];
  field.autocomplete = "off";
  if (hint) field.placeholder = hint;
  field.addEventListener("change", () => choose(name, field.value.trim()));
  line.append(make("span", "", label), field);
  if (names) {
    const list = make("datalist");
    list.id = `limit-${name}-names`;
    names.forEach((value) => {
      const option = make("option");
      option.value = value;
      list.append(option);
    });
    field.maxLength = 500;
    field.setAttribute("list", list.id);
    line.append(list);
  }
  return line;
}

function buildLimit(offered) {
  const box = make("div", "limit-box");
  if (offered.notes.length) {
    box.append(input("note", labels.limit_note, "text", labels.limit_note_hint, offered.notes));
  }
  if (offered.tags.length) {
    const all = [["", labels.all_tags], ...offered.tags.map((name) => [name, name])];
    box.append(select("tag", labels.limit_tag, all));
  }
  if (offered.dated) box.append(input("since", labels.limit_since, "date"));
  limit.replaceChildren(make("summary", "menu-open", labels.limit), box);
  return box.childElementCount > 0;
}

function tick(name, label) {
  const line = make("label", "settings-line");
  const field = make("input");
  field.type = "checkbox";
  field.name = name;
  field.checked = chosen[name] === true;
  field.addEventListener("change", () => choose(name, field.checked));
  line.append(make("span", "", label), field);
  return line;
}

function teaching() {
  const line = make("p", "settings-links");
  const link = make("a", "", labels.teaching);
  link.href = "/teacher";
  line.append(link);
  return line;
}

function build(offered) {
  bar.replaceChildren();
  if (!offered.courses.includes(chosen.course)) chosen.course = "";
  if (!offered.tags.includes(chosen.tag)) chosen.tag = "";
  if (!offered.notes.length) chosen.note = "";
  if (!offered.dated) chosen.since = "";
  if (offered.courses.length) {
    const all = [["", labels.all_courses], ...offered.courses.map((name) => [name, name])];
    const courses = select("course", labels.course, all);
    courses.classList.add("settings-course");
    bar.append(courses);
  }
  if (buildLimit(offered)) bar.append(limit);
  document.querySelector("#entry")?.before(limited); // at a glance, near the question
  tellLimits();
  const open = make("button", "menu-open", labels.settings);
  open.type = "button";
  open.addEventListener("click", () => dialog.showModal());
  const notes = make("a", "menu-open", labels.all_notes);
  notes.href = "/notes";
  bar.append(open, notes);

  const top = make("div", "drawer-top");
  const title = make("h2", "", labels.settings);
  title.id = "settings-heading";
  dialog.setAttribute("aria-labelledby", title.id);
  const close = make("button", "drawer-close", labels.close);
  close.type = "button";
  close.addEventListener("click", () => dialog.close());
  top.append(title, close);
  const counts = offered.counts.map((count) => [count, String(count)]);
  const languages = [["", labels.like_question], ["fr", "Français"], ["en", "English"]];
  const themes = [["", labels.like_device], ["light", labels.light], ["dark", labels.dark]];
  dialog.replaceChildren(
    top,
    select("sources", labels.passages_shown, counts, true),
    select("language", labels.answer_language, languages),
    ...(offered.model ? [tick("use_model", labels.use_model)] : []),
    tick("larger", labels.larger_text),
    select("theme", labels.theme, themes),
    ...(offered.teacher ? [teaching()] : [])
  );
}

function receive() {
  const value = props.value;
  if (!value?.labels) return; // our own choices, sent back
  labels = value.labels;
  language = value.written_in;
  build(value);
  send();
}

dialog.addEventListener("click", (event) => {
  if (event.target === dialog) dialog.close(); // the ground beside it
});

limit.addEventListener("toggle", () => {
  // The box opens upwards: on a phone that is scrolled, beyond the edge of the screen.
  if (limit.open) limit.querySelector(".limit-box").scrollIntoView({ block: "nearest" });
});
limit.addEventListener("keydown", (event) => {
  if (event.key !== "Escape" || !limit.open) return;
  limit.open = false;
  limit.querySelector("summary").focus();
});
document.addEventListener("click", (event) => {
  if (limit.open && !limit.contains(event.target)) limit.open = false;
  if (!event.target.closest?.('#chat a[href$="#lift-filter"]')) return;
  event.preventDefault();
  lift();
});

look();
watch("value", receive);
receive();
