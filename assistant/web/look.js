// The theme and the size of text that the reader chose in the chat, before a note is drawn.
"use strict";
try {
  const { theme, larger } = JSON.parse(localStorage.getItem("assistant-settings")) || {};
  if (theme === "light" || theme === "dark") document.documentElement.dataset.theme = theme;
  document.documentElement.classList.toggle("larger", larger === true);
} catch {
  // A browser that keeps nothing: as the device has it.
}
