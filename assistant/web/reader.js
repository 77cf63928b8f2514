// Marks the lines that the address names (#L12-L14) and scrolls to them, or to the words of
// a citation that the server marked in them; on a phone the table of contents begins closed.
// Nothing of a note is written into the page here.
"use strict";
(() => {
  const LINES = /^#L(\d{1,9})(?:-L?(\d{1,9}))?$/;

  const QUOTED = "mark[data-quote]";

  function reveal(shown) {
    for (let folded = shown.closest("details"); folded; folded = folded.parentElement.closest("details")) folded.open = true;
    shown.tabIndex = -1;
    shown.focus({ preventScroll: true });
    shown.scrollIntoView({ block: "center" });
  }

  function cite() {
    const found = LINES.exec(location.hash);
    if (!found) return;
    const first = Number(found[1]);
    const last = Math.max(first, Number(found[2] || first));
    for (const block of document.querySelectorAll("[data-cited]")) block.removeAttribute("data-cited");
    let shown = null;
    for (const block of document.querySelectorAll("main [data-l]")) {
      const [begin, end] = block.getAttribute("data-l").split("-").map(Number);
      if (begin > last || end < first) continue;
      block.setAttribute("data-cited", block.querySelector(QUOTED) ? "exact" : "");
      shown = shown || block;
    }
    const quoted = document.querySelector(`[data-cited] ${QUOTED}`);
    if (quoted || shown) reveal(quoted || shown);
  }

  function begin() {
    cite();
    const quoted = document.querySelector(QUOTED);
    if (quoted && !location.hash) reveal(quoted);
  }

  addEventListener("hashchange", cite);
  // The browser goes to the block of a line by itself, and takes the focus from its words.
  if (document.querySelector(QUOTED)) addEventListener("load", () => setTimeout(begin));
  const contents = document.querySelector(".toc details");
  if (contents && matchMedia("(max-width: 820px)").matches) contents.open = false;
  begin();
})();
