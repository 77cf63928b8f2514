"""What a text denies, and words whose exchange turns a statement round.

A negation is kept with the content words it bears on: "ne nécessite pas de lumière" denies
"nécessite" and "lumière". French "ne … que" restricts and denies nothing. What is left out:
irony, and negation that stands in the sense of a verb ("échoue", "perdu").
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from functools import cache

from assistant.analysis import analyse, stem
from assistant.answering.rewording import base, senses

_DENIAL = {
    "fr": re.compile(
        r"\b(?:ne\b|n['’](?=\w))(?!\s*(?:\w+\s+){1,3}(?:d['’])?qu(?:e\b|['’]))|"
        r"(?<!ne )\b(?:jamais|nullement)\b|"
        r"(?<=est )pas\b",
        re.I,
    ),
    "en": re.compile(r"\bnot\b|n['’]t\b|\bcannot\b|\bnever\b|\bno longer\b", re.I),
}
_WEAK = {
    "fr": re.compile(r"\b(?:sans|aucune?s?|ni|non|hormis|sauf)\b", re.I),
    "en": re.compile(r"\b(?:without|no|none|neither|nor|except)\b", re.I),
}
_NEGATIVE = re.compile(
    r"\b(?:impossibles?|interdi\w*|inutiles?|incapables?|empêch\w*|évit\w*|refus\w*|absen\w*|"
    r"dépourvu\w*|manqu\w*|exclu\w*|oppos\w*|ignor\w*|échou\w*|perd\w*|hors|isol\w*|seule?s?|seulement|"
    r"uniquement|impossible|forbid\w*|prevent\w*|avoid\w*|lack\w*|fails?|lost|only|unable|un\w+ed)\b",
    re.I,
)
_PREVENTS = re.compile(
    r"\b(?:empêch\w*|évit(?!é)\w*|interdi\w*|oppos\w*|prevent\w*|avoid\w*|forbid\w*)\b", re.I
)
_CLAUSE_END = re.compile(r"[,;:.!?()]|\b(?:mais|car|donc|but|because|so)\b", re.I)
_SCOPE = 2  # content words after a denial that it bears on

_OPPOSITES = {
    "fr": """
        augmente/diminue augmentation/diminution croît/décroît croissant/décroissant hausse/baisse
        accélère/ralentit plus/moins supérieur/inférieur maximum/minimum maximal/minimal
        avant/après premier/dernier début/fin toujours/jamais ouvert/fermé ouvrir/fermer
        lecture/écriture lire/écrire interne/externe intérieur/extérieur entrée/sortie
        vrai/faux possible/impossible autorise/interdit permet/empêche facile/difficile
        positif/négatif actif/passif public/privé chaud/froid haut/bas grand/petit long/court
        rapide/lent fort/faible lourd/léger nord/sud est/ouest gauche/droite jour/nuit
        obligatoire/facultatif gratuit/payant série/dérivation série/parallèle
        monter/descendre ajoute/retire ajouter/supprimer créer/détruire démarre/arrête
        commence/termine local/distant client/serveur absorbe/libère absorbe/réfléchit
        gagne/perd vendre/acheter acheteur/vendeur importation/exportation
        débit/crédit synchrone/asynchrone centralisé/distribué même/différent
        avec/sans premier/second première/seconde emprunteur/prêteur
        simple/complexe majorité/minorité riche/pauvre mâle/femelle vivant/mort
    """,
    "en": """
        increases/decreases rises/falls grows/shrinks more/less more/fewer higher/lower
        above/below before/after first/last start/end always/never open/closed read/write
        internal/external inside/outside input/output true/false possible/impossible
        allows/prevents allows/forbids easy/difficult positive/negative public/private
        hot/cold high/low large/small long/short fast/slow faster/slower strong/weak
        heavy/light north/south east/west left/right day/night mandatory/optional
        free/paid series/parallel add/remove create/destroy speeds/slows local/remote
        client/server reliable/unreliable same/different with/without buyer/seller
        synchronous/asynchronous sender/receiver majority/minority maximum/minimum
        ordered/unordered encrypted/unencrypted succeed/fail first/second
    """,
}


@cache
def _pairs(language: str) -> list[tuple[str, str]]:
    """Return the stems of each pair."""
    pairs = (pair.split("/") for pair in _OPPOSITES.get(language, "").split())
    return [(stem(one, language), stem(other, language)) for one, other in pairs]


_TOKEN = re.compile(r"[^\W\d_]+")


@dataclass(frozen=True, slots=True)
class Denials:
    """What a text denies."""

    scopes: tuple[frozenset[str], ...]  # terms that each denial bears on, nearest words only
    heads: frozenset[str]  # the first term of each
    lacking: frozenset[str]  # the first terms after "sans", "aucun", "without"
    is_weak: bool  # whether it says "sans", "aucun", "without"
    prevented: frozenset[str]  # roots of the first words after "empêche", "évite", "prevents"
    roots: frozenset[str]  # of all its words
    is_negative: bool  # whether a verb or adjective denies in its sense

    @property
    def any(self) -> bool:
        """Whether there is a negation of any kind."""
        return bool(self.scopes) or self.is_weak or self.is_negative


def denials(text: str, language: str) -> Denials:
    """Find the negations of a text."""
    language = language if language in _DENIAL else "fr"
    terms = analyse(text, language)
    scopes: list[frozenset[str]] = []
    heads: list[str] = []
    for match in _DENIAL[language].finditer(text):
        end = _CLAUSE_END.search(text, match.end())
        limit = end.start() if end else len(text)
        starts = sorted({t.start for t in terms if match.end() <= t.start < limit})[:_SCOPE]
        inside = [t.term for t in terms if t.start in starts]
        if inside:
            heads.append(inside[0])
            scopes.append(frozenset(inside))
    return Denials(
        tuple(scopes),
        frozenset(heads),
        frozenset(
            next((t.term for t in terms if t.start >= match.end()), "")
            for match in _WEAK[language].finditer(text)
        ),
        bool(_WEAK[language].search(text)),
        frozenset(
            base(next((t.word for t in terms if t.start >= match.end()), ""))
            for match in _PREVENTS.finditer(text)
        ),
        frozenset(base(t.word) for t in terms),
        bool(_NEGATIVE.search(text)),
    )


def contradicts(claim: Denials, claim_terms: set[str], source: Denials, terms: set[str]) -> bool:
    """Whether one denies what the other affirms; terms are those of the whole texts."""
    denied_there = frozenset().union(*source.scopes)
    denied_here = frozenset().union(*claim.scopes)
    for scope in claim.scopes:
        said = scope & terms
        if said and not said & (denied_there | source.lacking):
            return True
        if not said and not source.any:
            return True
    if claim.is_weak and not source.any:
        return True
    if source.prevented & claim.roots and not claim.any:
        return True
    return any(
        head in claim_terms and not denied_here & scope
        for scope in source.scopes
        for head in scope & source.heads
        if not claim.is_weak
    )


def has_opposite(claim: str, source: str, language: str) -> bool:
    """Whether the claim says a word where the source says its opposite alone.

    It may say the other beside it: "moins il y en a, plus …" of "plus il y en a, plus …".
    """
    if language == "fr" and _turns_change(claim, source):
        return True
    here = Counter(stem(word.lower(), language) for word in _TOKEN.findall(claim))
    there = Counter(stem(word.lower(), language) for word in _TOKEN.findall(source))
    return any(
        here[one] and not there[one] and there[other] > here[other]
        for pair in _pairs(language)
        for one, other in (pair, pair[::-1])
    )


def _turns_change(claim: str, source: str) -> bool:
    """Whether one says "augmentation", in any of its words, where the other says "diminue"."""
    here, there = (
        Counter(sense for word in _TOKEN.findall(text) for sense in senses([word], "fr"))
        for text in (claim, source)
    )
    rise, fall = senses(["augmenter"], "fr"), senses(["diminuer"], "fr")
    for one, other in ((rise, fall), (fall, rise)):
        ours, theirs = (max(here[s] for s in way) for way in (one, other))
        ours_there, theirs_there = (max(there[s] for s in way) for way in (one, other))
        if ours and not ours_there and theirs_there > theirs:
            return True
    return False
