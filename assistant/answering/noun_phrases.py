"""Noun phrases of short questions: found, joined to a preposition, agreed with.

There is no dictionary here: a phrase is content words side by side, and what is a verb or
an adverb is told by the word before it and by its ending.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable

from assistant.analysis import analyse


def unaccented(text: str) -> str:
    """Return lower case without accents, character for character."""
    return "".join(
        unicodedata.normalize("NFD", character)[0].lower()[:1] or character for character in text
    )


_VOWEL = re.compile(  # or an h that is not heard
    r"^(?:[aeiouàâéèêëîïôöùûü]|h(?:[ôy]|abi|ect|él|ém|erb|eure|éri(?!ss)|ist|omm|ori|orlo|ormo|uil|uma))",
    re.I,
)
FRENCH_ARTICLE = re.compile(r"^(?:les? |la |l'|une? |des |du )", re.I)
ARTICLE = re.compile(r"^(?:les?|la|l'|une?|des?|du|the|an?)(?:\s+|(?<='))", re.I)

_TWO = re.compile(r"(.+?) et ((?:les? |la |l'|une? |des ).+)", re.I)


def joined(preposition: str, phrase: str) -> str:
    """Return a noun phrase after a preposition, contracted as French does."""
    if not preposition or preposition in ("of", "for"):
        return f"{preposition} {phrase}".strip()
    folded = phrase.lower()
    if preposition in ("de", "à") and (two := _TWO.fullmatch(phrase)):
        return f"{joined(preposition, two[1])} et {joined(preposition, two[2])}"
    if preposition == "de":
        for article, contracted in (("les ", "des "), ("le ", "du "), ("des ", "de ")):
            if folded.startswith(article):
                rest = phrase[len(article) :]
                return joined("de", rest) if article == "des " else contracted + rest
        return f"d'{phrase}" if _VOWEL.match(phrase) else f"de {phrase}"
    if preposition == "à":
        for article, contracted in (("les ", "aux "), ("le ", "au ")):
            if folded.startswith(article):
                return contracted + phrase[len(article) :]
        return f"à {phrase}"
    if preposition == "que":
        elided = folded.startswith(("un ", "une ", "il ", "elle "))
        return f"qu'{phrase}" if elided else f"que {phrase}"
    return f"{preposition} {phrase}"


def freed(contraction: str, phrase: str) -> tuple[str, str]:
    """Return (preposition, phrase with its own article) of a contracted phrase."""
    word = contraction.strip().lower()
    for preposition, article, words in (
        ("de", "le ", ("du",)), ("de", "les ", ("des",)), ("de", "la ", ("de la",)),
        ("de", "l'", ("de l'",)), ("de", "", ("de", "d'")), ("à", "le ", ("au",)),
        ("à", "les ", ("aux",)), ("que", "", ("que", "qu'")), ("of", "", ("of",)),
    ):  # fmt: skip
        if word in words:
            return preposition, article + phrase
    return "", phrase


def is_plural(phrase: str) -> bool:
    """Whether a French noun phrase stands in the plural, by its article or its ending."""
    words = phrase.lower().split()
    if words[:1] and words[0] in ("les", "des", "ces", "plusieurs", "deux", "trois", "quels"):
        return True
    if not words or ARTICLE.match(phrase + " ") or not phrase[0].islower():
        return False
    return words[0].endswith(("s", "x")) and len(words[0]) > 3


def is_feminine(phrase: str) -> bool | None:
    """Return whether the article is feminine; None where it does not tell."""
    word = phrase.lower().split(" ")[0]
    return True if word in ("la", "une") else False if word in ("le", "un", "du") else None


def bare(phrase: str) -> str:
    """Return a noun phrase without its article."""
    return ARTICLE.sub("", phrase)


def with_article(phrase: str) -> str:
    """Return a plural of no certain article with one: "des volumes" as "les volumes"."""
    return re.sub(r"^(?:des)\s+", "les ", phrase, flags=re.I)


def uncapitalised(topic: str) -> str:
    """Return a noun phrase whose article begins in lower case; a name stays as it is."""
    return topic[0].lower() + topic[1:] if ARTICLE.match(topic) else topic


INFINITIVE = r"(?:(?:s'|se )?(?:[^\W\d_]{2,}(?:er|ir|oir|re)))(?![\w'-])"
NOUNS_LIKE_INFINITIVES = frozenset(
    "dossier fichier docker container conteneur cluster registre serveur manager worker dockerfile "
    "layer router nombre memoire cadre ordre parametre titre lecture ecriture structure kernel "
    "architecture signature histoire chapitre theoreme maitre membre centre server premiere "
    "premier dernier derniere matiere ouverture fermeture procedure nature figure mesure "
    "calendrier papier metier quartier particulier utilisateur master helper user scheduler "
    "controller hier entre autre notre votre contre outre encore".split()
)


def is_infinitive(words: str) -> bool:
    """Whether what INFINITIVE found (without accents) is a verb: not "registre", "pierre"."""
    verb = words.split()[-1]
    return verb not in NOUNS_LIKE_INFINITIVES and bool(
        re.search(r"(?:er|ir|dre|ttre|ire|uivre|rompre|clure|oire)$", verb)
    )


_VERBS = frozenset(
    term.term
    for term in analyse(
        "permet permettent utilise utilisent partage partagent contient contiennent gère gèrent "
        "fonctionne tourne tournent exécute exécutent stocke stocker isole isolent "
        "écoute crée créer démarre démarrer remplace appelle appellent trouve trouvent "
        "existe existent écrit écrite "
        "stocké stockés stockées installé installer faut signifie arrive passe passent décrit "
        "lance définit repose limite limiter ajoute configurer configure protège coûte "
        "consomme marche "
        "choisir choisit prend donne apporte offre communique communiquent conserve conservent "
        "possible nécessaire obligatoire recommandé conseillé vraiment exactement mieux facile "
        "propose proposent change affiche comporte possède ressemble vérifier voir "
        "différence autorise empêche garantit persiste survit disparait perd perdu"
    )
) | {"us", "work", "run", "mean", "store", "creat"}
_NOUN = re.compile(r"\w{3}(?:[stx]ion|ement|age|ance)s?$")
_INVERTED = re.compile(r"[\w']+-(?:t-)?(?:il|elle|on|ils|elles|je|tu|nous|vous)\b", re.I)
_NO_TOPICS = frozenset(
    "vite ensuite sauf sinon gens plein bien pris fois chose choses truc trucs machin reste moyen "
    "facon maniere besoin exemple exemples deux trois pourquoi direct coup pire mieux moi jamais "
    "maintenant juste".split()
)
_OWN_ARTICLE = {
    "fr": re.compile(r"(?:\b(?:les? |la |une? |des |the )|\bl')$", re.I),
    "en": re.compile(r"\b(?:the |an? )$", re.I),
}
# What follows these in a French question is no noun. Read without accents.
_SUBJECT_BEFORE = re.compile(
    r"(?:\b(?:je|tu|on|ils?|elles?|ca|nous|vous|qui) (?:(?:ne|me|te|se|le|la|les|lui|leur|nous|"
    r"vous|y|en) |[nmtsl]')*(?:(?:ai|as|a|est|sont|ont|avons|avez|ete) )*|\b(?:se|me|te|ne|y) |"
    r"\b[jmtsn]'(?:(?:y|en|le|la|les) |l')*)$"
)
_ADVERB_BEFORE = re.compile(r"\b(?:plus|moins|tres|trop|aussi|si|assez|bien) $")
_INFINITIVE_BEFORE = re.compile(
    r"\b(?:pour|a|faut|peut|peux|doit|dois|veut|veux|va|vais|comment|sans|faire|(?:avant|permet|"
    r"permettent|possible|facile|afin|lieu|besoin|suffit|interdit|necessaire|obligatoire|"
    r"commande|moyen) de|d') (?:les? |la |l'|y |en )?$"
)
_BEING_BEFORE = re.compile(r"(?<!c')\b(?:est|sont|etre|ete|etait|ai|as|avons|avez|ont) $")
_ARTICLE_BEFORE = re.compile(
    r"(?:\b(?:les?|la|une?|des?|du|aux?|ces?|cet|cette|[mts](?:on|a|es)|leurs?|quell?e?s?) |"
    r"\b[ld]')$"
)
_QUESTION_BEFORE = re.compile(r"^(?:et )?(?:comment|pourquoi|ou|quand|que|combien) $")
_VERB_ENDING = re.compile(r"\w{2}(?:ait|aient)$(?<!trait)(?<!souhait)(?<!extrait)(?<!retrait)")
_INFINITIVE_ENDING = re.compile(r"\w{2}(?:er|ir|oir|dre|ttre|ire|ivre)$")
_PARTICIPLE_ENDING = re.compile(r"(?:ée?s?|ees?|ie?s?|ite?s?|ue?s?|erte?s?|[ai]bles?|ifs?|ives?)$")


def _is_known_noun(word: str, left: str) -> bool:
    """Whether a word that may be a verb is none here: "le worker", "mots de passe"."""
    is_noun = _NOUN.search(word) or word in NOUNS_LIKE_INFINITIVES
    return bool(is_noun or left.endswith(" de "))


def _is_noun(text: str, folded: str, start: int, end: int) -> bool:
    """Whether a content word of a French question can be a noun, by what is around it."""
    word, left = folded[start:end], folded[:start]
    if word in _NO_TOPICS or (word == "defaut" and left.endswith("par ")):
        return False
    if word == "temps" and left.endswith("de "):
        return False
    if _SUBJECT_BEFORE.search(left) or _ADVERB_BEFORE.search(left):
        return False
    is_infinitive = _INFINITIVE_ENDING.search(word) and word not in NOUNS_LIKE_INFINITIVES
    if is_infinitive and text[start].islower() and _INFINITIVE_BEFORE.search(left):
        return False
    if _ARTICLE_BEFORE.search(left):
        return True
    if _BEING_BEFORE.search(left) and _PARTICIPLE_ENDING.search(text[start:end]):
        return False
    if _QUESTION_BEFORE.search(left) and re.match(r" (?:les? |la |l'|une? |des )", folded[end:]):
        return False  # "comment agit la pilule"
    follows_plural = re.search(r"\w[sx] $", left) and re.search(r"(?<!m)ent$", word)
    return not (follows_plural or _VERB_ENDING.search(word))


def phrases(text: str, language: str) -> list[tuple[int, int]]:
    """Return ranges of noun phrases: content words side by side, with article and "de"."""
    inverted = [m.span() for m in _INVERTED.finditer(text)]
    folded = unaccented(text)
    terms = [
        t
        for t in analyse(text, language)
        if (_is_known_noun(t.word, folded[: t.start]) or t.term not in _VERBS)
        and not any(a <= t.start < b for a, b in inverted)
        and (language != "fr" or _is_noun(text, folded, t.start, t.end))
    ]
    spans: list[list[int]] = []
    for start, end in sorted({(t.start, t.end) for t in terms}, key=lambda s: (s[0], -s[1])):
        if spans and start < spans[-1][1]:
            continue
        between = text[spans[-1][1] : start] if spans else "?"
        if re.fullmatch(r"\s*(?:de la |de l'|du |des |de |d'|of (?:the )?)?", between, re.I):
            spans[-1][1] = end
            continue
        article = _OWN_ARTICLE["en" if language == "en" else "fr"].search(text[:start])
        spans.append([article.start() if article else start, end])
    return [(start, end) for start, end in spans]


def agreeing(candidates: Iterable[str], *, plural: bool, feminine: bool | None) -> str | None:
    """Return the first noun phrase that a pronoun of this number and gender can stand for.

    One whose article tells the gender goes before one without.
    """
    known = [phrase for phrase in candidates if is_plural(phrase) == plural]
    sure = (phrase for phrase in known if feminine is not None and is_feminine(phrase) == feminine)
    loose = (phrase for phrase in known if None in (is_feminine(phrase), feminine))
    return next(sure, None) or next(loose, None)


_PLURALS_IN_S = frozenset("bal carnaval festival récital régal chacal landau pneu bleu".split())


def plural_of(phrase: str) -> str:
    """Return a singular French noun phrase in the plural, with its article: "les volumes"."""
    words = bare(phrase).split(" ")
    noun = words[0]
    if noun.islower() and not noun.endswith(("s", "x", "z")) and noun.isalpha():
        if noun.endswith("al") and noun not in _PLURALS_IN_S:
            words[0] = noun.removesuffix("l") + "ux"
        elif noun.endswith(("au", "eu")) and noun not in _PLURALS_IN_S:
            words[0] += "x"
        else:
            words[0] += "s"
    return "les " + " ".join(words)
