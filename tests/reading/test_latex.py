"""LaTeX: words, formulas, lists and tables, with their source lines."""

from __future__ import annotations

import pytest
from reading_notes import note_of

from assistant.places import line_at
from assistant.reading.latex import read_latex

_NOTE = r"""\documentclass[a4paper]{article}
\usepackage{secret}
\title{Mon \textbf{cours}} % secret
\author{J. D\'epont}\date{2024-01-02}
\newcommand{\R}{\mathbb{R}}
\begin{document}
\maketitle
\section{Introduction \label{secret}}
Du texte \textbf{gras} et \'et\'e
sur deux lignes $x^2$. % secret
Suite --- avec \inconnu{mots} et \verb|a_b|.
\[ a=b \]

Autre paragraphe.\footnote{Une note.}
\begin{itemize}
\item pomme
\item[poire] fruit
  \begin{enumerate}
  \item verte
  \item rouge \% et $y$
  \end{enumerate}
\end{itemize}
\begin{lstlisting}[language=C]
int main() { % gardé
  \item }
\end{lstlisting}
\begin{equation}\label{e} E_c=\frac12 mv^2 \end{equation}
\begin{figure}[h]\centering\includegraphics{a.png}\caption{La légende}\end{figure}
\begin{tabular}{ll}
\hline
Nom & Prix \\ \hline
Thé & deux \\
\end{tabular}
\begin{frame}{Diapo}
Contenu.
\end{frame}
\begin{comment}
secret
\end{comment}
\input{chapitre/un}
Fin.
\end{document}
secret
"""


def test_a_note() -> None:
    read = read_latex(_NOTE.encode(), "n.tex")
    assert (read.title, read.author, read.date) == ("Mon cours", "J. Dépont", "2024-01-02")
    assert read.links == ("chapitre/un",)
    for block in (
        "## Introduction\n", "Du texte **gras** et été\nsur deux lignes $x^2$.\n",
        "Suite — avec mots et `a_b`.\n", "$$a=b$$\n", "Autre paragraphe. (Une note.)\n",
        "- pomme\n- **poire** fruit\n  1. verte\n  2. rouge % et $y$\n",
        "```c\nint main() { % gardé\n  \\item }\n```\n", "$$E_c=\\frac12 mv^2$$\n",
        "La légende\n", "| Nom | Prix |\n| --- | --- |\n| Thé | deux |\n", "**Diapo**\n", "Fin.\n",
    ):  # fmt: skip
        assert block in read.text, block
    assert "secret" not in read.text


def test_every_block_knows_its_source_line() -> None:
    note = note_of("n.tex", _NOTE.encode())
    source = _NOTE.split("\n")
    for words in ("Introduction", "Du texte", "sur deux", "Suite", "a=b", "Autre", "pomme",
                  "fruit", "verte", "rouge", "int main", "E_c", "légende", "Nom", "Thé", "Diapo",
                  "Contenu", "Fin."):  # fmt: skip
        assert words in source[line_at(note, note.text.index(words)) - 1], words


def test_a_fragment_without_a_document_is_read() -> None:
    assert read_latex(b"\\section{A}\nDu texte.\n", "n.tex").text == "## A\n\nDu texte.\n"


@pytest.mark.parametrize(
    ("source", "line"),
    [  # found by fuzzing
        ("Avant.\n\n\\[\nmot\n\\]\n", 4),
        ("\\textbf{\\section{mot", 1),
        ("\\emph{\\paragraph{x} \\section{y}\nmot}", 2),
    ],
)
def test_words_keep_their_line(source: str, line: int) -> None:
    note = note_of("n.tex", source.encode())
    assert line_at(note, note.text.index("mot")) == line


@pytest.mark.parametrize("source", ["\\textbf{\\href{mot", "\\frac{mot}\\date{\n"])
def test_a_file_that_ends_among_arguments_is_read(source: str) -> None:
    assert "mot" in read_latex(source.encode(), "n.tex").text
