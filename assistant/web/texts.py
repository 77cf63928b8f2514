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
        "searched": "Cherché : {question}",
        "rephrase": (
            "Essayez avec les mots du cours, une notion à la fois, ou une question plus précise."
        ),
        "written_by": "Rédigé par {model} ; chaque phrase est prouvée par les notes.",
        "found": "Autres passages trouvés",
        "open_note": "Ouvrir la note",
        "previous": "Passage précédent",
        "next": "Passage suivant",
        "rating": "Réponse utile ?",
        "liked": "Oui",
        "disliked": "Non",
        "reason": "Pourquoi ? (facultatif, sans nom)",
        "give_reason": "Envoyer",
        "rated": "Merci, c'est noté.",
        "copy": "Copier la citation",
        "copied": "Citation copiée",
        "back": "Revenir à la réponse",
        "note": "note",
        "notes": "notes",
        "passage": "passage",
        "passages": "passages",
        "model": "modèle",
        "fresh": "à jour",
        "changed_one": "1 note a changé",
        "changed": "{count} notes ont changé",
        "refreshing": "mise à jour en cours",
        "unavailable": "index en préparation",
        "place_next": "Votre question est la prochaine.",
        "place": "Votre question est {place}e dans la file…",
        "status.queue_position": "Dans la file : {position} sur {size}",  # read aloud
        "empty": "Écrivez d'abord une question.",
        "too_long": "Question trop longue : {length} caractères, {limit} au plus.",
        "error": (
            "La réponse n'a pas pu être préparée. Réessayez dans un instant ; "
            "si cela dure, prévenez la personne qui gère le cours."
        ),
        "conversations": "Mes conversations",
        "close": "Fermer",
        "search": "Chercher dans mes conversations",
        "questions": "questions",
        "one_question": "question",
        "more": "Renommer, exporter, supprimer",
        "new_title": "Nouveau titre",
        "rename": "Renommer",
        "take_away": "Exporter :",
        "printable": "Page à imprimer",
        "erase": "Supprimer",
        "erase_sure": "Supprimer pour de bon",
        "none_found": "Aucune conversation ne contient ces mots.",
        "none_kept": "Vos conversations seront gardées ici.",
        "not_keeping": "Ce navigateur ne garde pas de conversation.",
        "not_opened": "Cette conversation n'a pas pu être ouverte.",
        "settings": "Réglages",
        "all_notes": "Toutes les notes",
        "teaching": "Espace enseignant",
        "course": "Cours",
        "all_courses": "Tous les cours",
        "limit": "Limiter à…",
        "limit_note": "Note ou dossier",
        "limit_note_hint": "toutes",
        "limit_tag": "Étiquette",
        "all_tags": "toutes",
        "limit_since": "Depuis le",
        "limited_to": "Limité à :",
        "lift": "Lever le filtre",
        "only_in": "Seules ces notes ont été interrogées — {limits}.",
        "filter_empty": "{reason}",  # French already
        "passages_shown": "Passages montrés",
        "answer_language": "Langue des réponses",
        "like_question": "comme la question",
        "use_model": "Rédaction par le modèle de langue",
        "larger_text": "Texte plus grand",
        "theme": "Thème",
        "like_device": "comme l'appareil",
        "light": "clair",
        "dark": "sombre",
        "not_kept": "Votre avis n'a pas pu être gardé : réessayez dans un instant.",
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
        "searched": "Looked for: {question}",
        "rephrase": (
            "Try the words of the course, one notion at a time, or a more precise question."
        ),
        "written_by": "Written by {model}; every sentence is proved by the notes.",
        "found": "Other passages found",
        "open_note": "Open the note",
        "previous": "Previous passage",
        "next": "Next passage",
        "rating": "Helpful answer?",
        "liked": "Yes",
        "disliked": "No",
        "reason": "Why? (optional, no names)",
        "give_reason": "Send",
        "rated": "Thank you, noted.",
        "copy": "Copy the citation",
        "copied": "Citation copied",
        "back": "Back to the answer",
        "note": "note",
        "notes": "notes",
        "passage": "passage",
        "passages": "passages",
        "model": "model",
        "fresh": "up to date",
        "changed_one": "1 note has changed",
        "changed": "{count} notes have changed",
        "refreshing": "being brought up to date",
        "unavailable": "the index is being prepared",
        "place_next": "Your question is next.",
        "place": "Your question is number {place} in the queue…",
        "status.queue_position": "In the queue: {position} of {size}",
        "empty": "Write a question first.",
        "too_long": "The question is too long: {length} characters, {limit} at most.",
        "error": (
            "The answer could not be prepared. Try again in a moment; "
            "if it lasts, tell the person who runs the course."
        ),
        "conversations": "My conversations",
        "close": "Close",
        "search": "Search my conversations",
        "questions": "questions",
        "one_question": "question",
        "more": "Rename, export, delete",
        "new_title": "New title",
        "rename": "Rename",
        "take_away": "Export:",
        "printable": "Page to print",
        "erase": "Delete",
        "erase_sure": "Delete for good",
        "none_found": "No conversation holds these words.",
        "none_kept": "Your conversations will be kept here.",
        "not_keeping": "This browser keeps no conversation.",
        "not_opened": "This conversation could not be opened.",
        "settings": "Settings",
        "all_notes": "All notes",
        "teaching": "For teachers",
        "course": "Course",
        "all_courses": "All courses",
        "limit": "Limit to…",
        "limit_note": "Note or folder",
        "limit_note_hint": "all",
        "limit_tag": "Tag",
        "all_tags": "all",
        "limit_since": "Since",
        "limited_to": "Limited to:",
        "lift": "Lift the filter",
        "only_in": "Only these notes were asked — {limits}.",
        "filter_empty": "No note matches this filter — {limits}.",
        "passages_shown": "Passages shown",
        "answer_language": "Language of answers",
        "like_question": "as the question",
        "use_model": "Writing by the language model",
        "larger_text": "Larger text",
        "theme": "Theme",
        "like_device": "as the device",
        "light": "light",
        "dark": "dark",
        "not_kept": "Your opinion could not be kept: try again in a moment.",
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
