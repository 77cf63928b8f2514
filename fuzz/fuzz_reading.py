"""Fuzz what reads notes: inputs grown by coverage, each checked for more than a crash.

    make fuzz                                 # every target for FUZZ_SECONDS, 60 by default
    python fuzz/fuzz_reading.py TARGET [libFuzzer options]

A target turns bytes into one input (half of the byte values are pieces of markup, the
others ASCII) and asks `oracles` whether what comes out is right. An input that fails is
kept by libFuzzer as `crash-…` in the folder; mend the reader and add the input as a test.
Left out: PDF, Office files and notebooks as a whole, which libraries parse and which
`tests/reading` feeds with damaged files; of them, the pure functions of ours are here.
"""

from __future__ import annotations

import sys
from collections.abc import Callable

import atheris

with atheris.instrument_imports(include=["assistant", "pylatexenc"]):
    import oracles

MARKDOWN = (
    "# ", "## ", "- ", "-- ", "1. ", "> ", "    ", "```", "```{note}", ":::", "~~~", "---", "===",
    "| a | b |", "|---|---|", "<!--", "-->", "%%", "^id-1", "![", "](", "data:image/png;base64,",
    "A" * 400, "mot " * 60, "\n\n", "\n", "\r\n", "\r", "\t", "**", "`", "$$", "!!! note ",
    "> [!note]", "```dataview", "title: x", "+++", "[[", "]]", "|", "#", "é", "🐳", "\u2028",
    "\x85", "\x0c", "\ufeff", "M. ", "fin.Docker l'eau", " :", ":x: y", "[^1]:", "[//]: # (", "<p>",
    "日本", "x" * 1100, "https://a.b/", "(", ")", "fin. ", "]: ", "![[", "~", "...", "'",
)  # fmt: skip
HTML = (
    "<p>", "</p>", "<div>", "</div>", "<h1>", "</h1>", "<h2>", "<ul>", "</ul>", "<ol>", "<li>",
    "</li>", "<table>", "</table>", "<tr>", "<td>", "</td>", "<th>", "<caption>", "<pre>",
    "</pre>", "<code>", "</code>", "<!--", "-->", "<script>", "</script>", "<svg>", "</svg>",
    "<math>", "<annotation encoding='tex'>", "</math>", "<section>", "</section>",
    "<div class=slides>", "<section data-marpit-pagination=3>", "<br>", "<b>", "</b>", "<i>",
    "<img alt='vue' src=x>", "<a href='b.html'>", "</a>", "<blockquote>", "</blockquote>",
    "<dd>", "<dl>", "<?php ?>", "<![CDATA[", "]]>", "&eacute;", "&#0;", "&#xD800;", "\n", "\n\n",
    "\r", "é", "🐳", "\x1e", "\\(", "\\)", "<title>", "<meta name=author content=x>", "# ",
    "<foreignObject>", "hidden", "<template>", "<noscript>",
)  # fmt: skip
LATEX = (
    "\\begin{", "\\end{", "itemize}", "enumerate}", "\\item ", "\\section{", "\\title{", "}", "{",
    "[", "]", "%", "\\\\", "&", "$", "$$", "\\[", "\\]", "\\(", "\\)", "tabular}{ll}", "tabular}",
    "verbatim}", "lstlisting}", "\\verb|", "|", "\\frac{", "\\textbf{", "\\footnote{", "\\input{",
    "equation}", "frame}", "block}", "document}", "\\caption{", "tikzpicture}", "\\label{",
    "\\href{", "\\par", "\n", "\n\n", "\\'e", "~", "--", "é", "🐳", "\\newcommand{\\x}", "#1",
    "comment}", "figure}", "\\hline", "\\multicolumn{2}{c}{", "align*}", "\\and", "\\date{", "# ",
    "\\today", "\\cite{", "\\paragraph{", "\\today", "\\ ", "\\url{", "\t", "\x0c", "minted}",
)  # fmt: skip
RESTRUCTURED = (
    "====\n", "----\n", "* ", "- ", "1. ", "#. ", "   ", ".. note::", ".. code-block:: ", "::\n",
    ".. image:: ", ".. figure:: ", ".. math::", ".. toctree::", ".. raw:: html", ".. |x| image:: ",
    ".. list-table::", ".. csv-table::", ":name: ", "`", "``", "`_", "__", "|", "*", "**", "_",
    ":doc:`", ":ref:`", ":math:`", ".. [1] ", "[1]_", "+--+--+\n", "|a |b |\n", "==  ==\n",
    ">>> ", "\n", "\n\n", "\t", ".. _a: b", ".. include:: /etc/passwd", ".. role:: x(raw)",
    ":alt: vue", ".. comment", "é", "🐳", "\x85", "\u2028", "\\", "<a.rst>`", ":author: ",
    ".. only:: html", ".. tabs::", ".. index:: ", ".. parsed-literal::", ".. epigraph::", "-- ",
    "term\n  ", "/a", ":param x: ", ".. unicode:: 0x", ".. date::", ".. class:: ", "| ",
)  # fmt: skip

TARGETS: dict[str, tuple[tuple[str, ...], Callable[[str], None]]] = {
    "markdown": (MARKDOWN, lambda text: oracles.note(".md", text)),
    "html": (HTML, lambda text: oracles.note(".html", text)),
    "latex": (LATEX, lambda text: oracles.note(".tex", text)),
    "restructured_text": (RESTRUCTURED, lambda text: oracles.note(".rst", text)),
    "front_matter": (MARKDOWN, oracles.front_matter),
    "links": (MARKDOWN, oracles.links),
    "markup": (HTML, oracles.formatting_tags),
    "markdown_pieces": (MARKDOWN, oracles.markdown_pieces),
    "source_lines": (MARKDOWN, oracles.source_lines),
    "table": (MARKDOWN, oracles.table),
    "office_formula": (("{", "}", "\\", "é"), oracles.office_formula),
    "pdf_layout": ((), oracles.page_layout),
    "source_line_of_html": ((), lambda text: oracles.known_lines(".html", text)),
    "source_line_of_latex": ((), lambda text: oracles.known_lines(".tex", text)),
    "source_line_of_restructured_text": ((), lambda text: oracles.known_lines(".rst", text)),
    "time_of_markdown": (MARKDOWN, lambda text: oracles.linear_time(".md", text)),
    "time_of_html": (HTML, lambda text: oracles.linear_time(".html", text)),
    "time_of_latex": (LATEX, lambda text: oracles.linear_time(".tex", text)),
    "time_of_restructured_text": (RESTRUCTURED, lambda text: oracles.linear_time(".rst", text)),
}


def written(data: bytes, pieces: tuple[str, ...]) -> str:
    """Write bytes as text: the upper half of the values are pieces, the lower ASCII."""
    return "".join(
        chr(value) if value < 128 or not pieces else pieces[(value - 128) % len(pieces)]
        for value in data
    )


def main() -> None:
    """Run the target named on the command line until libFuzzer ends."""
    if len(sys.argv) < 2 or sys.argv[1] not in TARGETS:
        sys.exit(f"usage: python fuzz/fuzz_reading.py TARGET [options]; {' '.join(TARGETS)}")
    pieces, check = TARGETS[sys.argv.pop(1)]
    oracles.warm_up()
    atheris.Setup(sys.argv, lambda data: check(written(data, pieces)))
    atheris.Fuzz()


if __name__ == "__main__":
    main()
