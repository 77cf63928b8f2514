"""The few words of an answer that are not quoted, in French and English."""

from __future__ import annotations

from assistant.datatypes import Citation, Unit

FRAMES = {
    "fr": {
        "no_answer": "Les notes ne répondent pas à cette question.",
        "no_notes": "Il n'y a encore aucune note à interroger.",
        "nearest": "Sections les plus proches :",
        "see_also": "Voir aussi :",
        "understood": "Compris comme : {question}",
        "courtesy": "Avec plaisir. Posez une autre question sur le cours quand vous voulez.",
        "not_supported": (
            "Rien de ce que le modèle de langue a écrit n'est prouvé par les notes : "
            "voici leurs propres mots."
        ),
        "own_words": "{reason} Voici les mots des notes.",
        "not_calibrated": (
            "Le modèle de langue n'est vérifiable qu'avec le modèle de plongement intégré : "
            "voici les mots des notes."
        ),
        "dropped": "{count} phrase(s) du modèle de langue écartée(s), faute de preuve.",
        "line": "ligne {start}",
        "lines": "lignes {start}–{end}",
        "page": "p. {number}",
        "slide": "diapo {number}",
        "cell": "cellule {number}",
        "sheet": "feuille {number}",
        "chapter": "chapitre {number}",
    },
    "en": {
        "no_answer": "The notes do not answer this question.",
        "no_notes": "There are no notes to ask yet.",
        "nearest": "Nearest sections:",
        "see_also": "See also:",
        "understood": "Understood as: {question}",
        "courtesy": "You are welcome. Ask another question about the course whenever you like.",
        "not_supported": (
            "Nothing that the language model wrote is proved by the notes: "
            "here are their own words."
        ),
        "own_words": "{reason} Here are the notes' own words.",
        "not_calibrated": (
            "The language model can only be verified with the built-in embedding model: "
            "here are the notes' own words."
        ),
        "dropped": "{count} sentence(s) of the language model left out for want of proof.",
        "line": "line {start}",
        "lines": "lines {start}–{end}",
        "page": "p. {number}",
        "slide": "slide {number}",
        "cell": "cell {number}",
        "sheet": "sheet {number}",
        "chapter": "chapter {number}",
    },
}


def frame_language(language: str, default: str = "fr") -> str:
    """Return the language of the frame for a question in `language`."""
    return language if language in FRAMES else default


def line_range(start: int, end: int, language: str) -> str:
    """Return "ligne 12" or "lignes 12–14"."""
    texts = FRAMES[language]
    return texts["line" if start == end else "lines"].format(start=start, end=end)


def place_name(unit: Unit, page: int | None, start: int, end: int, language: str) -> str:
    """Return "p. 12" or "diapo 4" of an extracted text, "lignes 12–14" of a text with lines."""
    if page is not None and unit != "line":
        return FRAMES[language][unit].format(number=page)
    return line_range(start, end, language)


def citation_place(citation: Citation, language: str) -> str:
    """Return where a citation stands, as `place_name` says it."""
    return place_name(
        citation.unit, citation.page, citation.line_start, citation.line_end, language
    )
