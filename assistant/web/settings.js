// What a reader chooses: the course to ask, passages, language, text size and theme.
// Gradio runs this once with `element`, `props` and `watch`. The choices are kept in this
// browser; what an answer depends on is this component's value, read with each question.

const KEY = "assistant-settings";
const bar = element.querySelector(".settings-bar");
const dialog = element.querySelector("dialog");
const chosen = { sources: 5, language: "", use_model: true, course: "", larger: false, theme: "" };
let labels = {};

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
  const { sources, language, use_model, course } = chosen;
  props.value = { sources, language, use_model, course };
}

function choose(name, value) {
  chosen[name] = value;
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
  if (offered.courses.length) {
    const all = [["", labels.all_courses], ...offered.courses.map((name) => [name, name])];
    const courses = select("course", labels.course, all);
    courses.classList.add("settings-course");
    bar.append(courses);
  }
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
  build(value);
  send();
}

dialog.addEventListener("click", (event) => {
  if (event.target === dialog) dialog.close(); // the ground beside it
});

look();
watch("value", receive);
receive();
