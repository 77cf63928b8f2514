"""What a reader sees, in French and in English, and the rule that picks one of them.

French is the default: the course is French. English is used when the browser asks for
it before it asks for French. Quotations are never translated.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

DEFAULT_LANGUAGE = "fr"

TEXTS: Mapping[str, Mapping[str, str]] = {
    "fr": {
        "title": "Assistant de cours",
        "conversation": "Conversation",
        "question": "Votre question",
        "placeholder": "Votre question…",
        "send": "Demander",
        "heading": (
            "# Assistant de cours\n"
            "Des réponses tirées mot pour mot des notes, chacune avec sa source."
        ),
        "placeholder_block": (
            "## Posez une question sur le cours\n"
            "La réponse cite les notes elles-mêmes. Suivez **[1]** pour lire le passage dans "
            "sa section. Si les notes ne répondent pas, l'assistant le dit."
        ),
        "new": "Nouvelle conversation",
        "sources": "Sources",
        "no_sources": "Les passages cités s'affichent ici, dans leur section.",
        "nearest": "Sections les plus proches :",
        "copy": "Copier la citation",
        "copied": "Citation copiée",
        "back": "Revenir à la réponse",
        "line": "ligne",
        "lines": "lignes",
        "page": "page",
        "note": "note",
        "notes": "notes",
        "passage": "passage",
        "passages": "passages",
        "model": "modèle",
        "fresh": "à jour",
        "stale": "les notes ont changé : l'index suivra à la prochaine question",
        "unavailable": "index en préparation",
        "empty": "Écrivez d'abord une question.",
        "too_long": "Question trop longue : {length} caractères, {limit} au plus.",
        "error": (
            "La réponse n'a pas pu être préparée. Réessayez dans un instant ; "
            "si cela dure, prévenez la personne qui gère le cours."
        ),
        "section_unread": "Cette note n'est plus dans le cours.",
    },
    "en": {
        "title": "Course assistant",
        "conversation": "Conversation",
        "question": "Your question",
        "placeholder": "Your question…",
        "send": "Ask",
        "heading": "# Course assistant\nAnswers in the notes' own words, each with its source.",
        "placeholder_block": (
            "## Ask a question about the course\n"
            "The answer quotes the notes themselves. Follow **[1]** to read the passage in its "
            "section. When the notes do not answer, the assistant says so."
        ),
        "new": "New conversation",
        "sources": "Sources",
        "no_sources": "Cited passages are shown here, in their section.",
        "nearest": "Nearest sections:",
        "copy": "Copy the citation",
        "copied": "Citation copied",
        "back": "Back to the answer",
        "line": "line",
        "lines": "lines",
        "page": "page",
        "note": "note",
        "notes": "notes",
        "passage": "passage",
        "passages": "passages",
        "model": "model",
        "fresh": "up to date",
        "stale": "the notes have changed: the index follows with the next question",
        "unavailable": "the index is being prepared",
        "empty": "Write a question first.",
        "too_long": "The question is too long: {length} characters, {limit} at most.",
        "error": (
            "The answer could not be prepared. Try again in a moment; "
            "if it lasts, tell the person who runs the course."
        ),
        "section_unread": "This note is no longer in the course.",
    },
}

# Shown for the course this assistant was built for, known by one of its headings.
DOCKER_HEADING = "Fonctionnement Docker"
DOCKER_EXAMPLES = (
    "À quoi servent les cgroups ?",
    "C'est quoi une image Docker ?",
    "De quoi se compose Docker Engine ?",
    "Kubernetes, ça sert à quoi ?",
)


def choose_language(accept_language: str) -> str:
    """Pick "fr" or "en" from an Accept-Language header: the one asked for first.

    Browsers list languages in order of preference, so weights are not parsed.
    """
    for choice in accept_language.lower().split(","):
        code = choice.split(";")[0].strip().split("-")[0]
        if code in TEXTS:
            return code
    return DEFAULT_LANGUAGE


def example_questions(headings: Iterable[str], limit: int = 4) -> tuple[str, ...]:
    """Questions to start with: the course's own, or one for each of the first headings."""
    distinct = list(dict.fromkeys(heading.strip(" :#") for heading in headings))
    if DOCKER_HEADING in distinct:
        return DOCKER_EXAMPLES[:limit]
    named = [heading for heading in distinct if 3 <= len(heading) <= 60]
    return tuple(f"Que dit le cours sur « {heading} » ?" for heading in named[:limit])


def lines(start: int, end: int, language: str) -> str:
    """Name the lines of a passage, as in "lignes 12–14"."""
    words = TEXTS[language]
    return f"{words['line']} {start}" if start == end else f"{words['lines']} {start}–{end}"
