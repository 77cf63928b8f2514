"""What a question is about: its topic, and the words around it into which another fits.

Read with patterns over the words of the question, in French and English; where none fits,
the topic is the noun phrase that the answer speaks of. There is no grammar here: a topic
is a range of the question, from which a follow-up is completed.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace
from enum import StrEnum

from assistant.analysis import analyse


class Form(StrEnum):
    """How a question asks about its topic."""

    DIFFERENCE = "difference"
    PURPOSE = "purpose"
    DEFINITION = "definition"
    WORKING = "working"  # how it works
    ACTION = "action"  # how to do something with it
    ATTRIBUTE = "attribute"  # its advantages, its role
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class Asked:
    """A question taken apart: `before` + the topic (after `preposition`) + `after`."""

    text: str  # messages' spellings written out, without courtesies and final marks
    language: str
    form: Form
    before: str
    preposition: str  # "de", "à", "que", "of" or empty: merged with the topic's article
    topic: str  # a noun phrase with its own article
    after: str
    action: str = ""  # the infinitive with all that follows
    attribute: str = ""  # with its article: "les avantages"
    second: str = ""  # of two things compared

    def about(self, topic: str) -> str:
        """Return the question asked about another topic."""
        before = _agreeing(self.before, topic) if self.language == "fr" else self.before
        preposition = self.preposition
        if self.language == "en":
            topic = _FRENCH_ARTICLE.sub("", topic)
        elif is_plural(self.topic) and re.match(r"[a-z-]+s$", topic):
            topic = f"les {topic}"
        if self.form is Form.DIFFERENCE and (pair := re.match(r"(?:entre|between) ", topic, re.I)):
            return before + topic[pair.end() :]
        if self.form is Form.DIFFERENCE:
            return f"{before}{joined(preposition, self.topic)} {_and(self.language)} {topic}"
        if self.form is Form.DEFINITION and preposition == "que":
            topic = re.sub(r"^des\s+", "les ", topic)
        return f"{before}{joined(preposition, topic)}{self.after}".strip()


def _and(language: str) -> str:
    return "et" if language == "fr" else "and"


# --- words -------------------------------------------------------------------------

_SPELLINGS = tuple(
    (re.compile(pattern, re.I), written)
    for pattern, written in (
        (r"’|ʼ|‘", "'"),
        (r"\b(?:pk|pq|pkoi|pourkoi|pourqoi|porquoi|pourquoi+)\b", "pourquoi"),
        (r"\b(?:cmt|coment|comen|commment|coman)\b", "comment"),
        (r"\b(?:koi|kwa|qoi)\b", "quoi"),
        (r"\bkel(le)?(s)?\b", r"quel\1\2"),
        (r"\bc['é]?\s?(?:est)?\s?quoi\b", "c'est quoi"),
        (r"\b(?:kesk|keske|qu'?est[- ]?ce|quest[- ]?ce|qu'es[- ]ce|kesako)\b", "qu'est-ce"),
        (r"\bc (?=\w)", "c'est "),
        (r"\b[sc]a(?=\s+(?:sert|marche|fonctionne|veut|fait)\b)", "ça"),
        (r"\ba quoi\b", "à quoi"),
        (r"\bdiff(?:[ée]rance)?\b", "différence"),
        (r"\b(?:exmple|exmeple|exemples?e|ex)\b", "exemple"),
        (r"\bkoi d'?autre\b", "quoi d'autre"),
        (r"\bdis moi\b", "dis-moi"),
        (r"\b(?:plu|plsu) de\b", "plus de"),
    )
)
COURTESY = (
    r"(?:(?:un )?(?:grand )?merci(?: beaucoup| bien| d'avance)?(?: (?:à|a) (?:toi|"
    r"vous))?|mrc|ok(?:ay)?|"
    r"d'accord|dac|super|parfait|g[ée]nial|top|cool|bien re[çc]u|(?:tr[èe]s )?bien|compris|"
    r"j'ai compris|(?:c'est|c) (?:clair|not[ée]|compris|parfait|bon)|salut|bonjour|bonsoir|coucou|"
    r"hello|hi|hey|thanks(?: a lot)?|thank you(?: very much)?|thx|great|perfect|got it|nice|"
    r"i see|je vois|all right|alright|au revoir|[àa] bient[ôo]t|bye|"
    r"bonne (?:journ[ée]e|soir[ée]e)|oui|non|yes|no|"
    r"stp|svp|s'il (?:te|vous) pla[îi]t|please|pls|ah|oh|hmm+|euh)"
)
_OPENING = re.compile(rf"^(?:{COURTESY}\b[\s,.!;:…]*)+", re.I)
_CLOSING = re.compile(
    r"(?:[\s,]+(?:stp|svp|s'il (?:te|vous) pla[îi]t|please|pls|merci(?: d'avance)?|"
    r"thanks|alors|du coup|"
    r"exactement|au juste|donc|then|exactly|quoi au juste))+$",
    re.I,
)


def plain(question: str) -> str:
    """Write out the spellings of messages; drop courtesies around and marks at the end."""
    text = " ".join(question.split())
    for pattern, written in _SPELLINGS:
        text = pattern.sub(written, text)
    text = re.sub(r"[\s?!.…]+$", "", text)
    text = _OPENING.sub("", text)
    return re.sub(r"[\s?!.…,]+$", "", _CLOSING.sub("", text))


def unaccented(text: str) -> str:
    """Return lower case without accents, character for character."""
    return "".join(
        unicodedata.normalize("NFD", character)[0].lower()[:1] or character for character in text
    )


_VOWEL = re.compile(r"^(?:[aeiouàâéèêëîïôöùûü]|h[ôy])", re.I)
_FRENCH_ARTICLE = re.compile(r"^(?:les? |la |l'|une? |des |du )", re.I)
ARTICLE = re.compile(r"^(?:les?|la|l'|une?|des?|du|the|an?)(?:\s+|(?<='))", re.I)


def joined(preposition: str, phrase: str) -> str:
    """Return a noun phrase after a preposition, contracted as French does."""
    if not preposition or preposition in ("of", "for"):
        return f"{preposition} {phrase}".strip()
    folded = phrase.lower()
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


_AGREEMENTS = (("sert", "servent"), ("fonctionne", "fonctionnent"), ("marche", "marchent"))


def _agreeing(before: str, topic: str) -> str:
    for one, many in _AGREEMENTS:
        wanted = many if is_plural(topic) else one
        before = re.sub(rf"\b(?:{one}|{many})\b", wanted, before)
    return before


# --- patterns ----------------------------------------------------------------------

INFINITIVE = r"(?:(?:s'|se )?(?:[^\W\d_]{2,}(?:er|ir|oir|re)))(?![\w'-])"
NOUNS_LIKE_INFINITIVES = frozenset(
    "dossier fichier docker container conteneur cluster registre serveur manager worker dockerfile "
    "layer router nombre memoire cadre ordre parametre titre lecture ecriture structure kernel "
    "architecture signature histoire chapitre theoreme maitre membre centre server premiere "
    "premier dernier derniere matiere ouverture fermeture procedure nature figure mesure "
    "calendrier papier metier quartier particulier utilisateur master helper user scheduler "
    "controller hier entre autre notre votre contre outre encore".split()
)

_FRENCH: tuple[tuple[Form, re.Pattern[str]], ...] = tuple(
    (form, re.compile(pattern))
    for form, pattern in (
        (
            Form.DIFFERENCE,
            r"^.*?\b(?:difference\w*|distin\w+|comparaison|"
            r"compare\w*)\b.*?\bentre (?P<t>.+?) et (?P<two>.+)$",
        ),
        (
            Form.DIFFERENCE,
            r"^(?:distingue[rz]?|compare[rz]?) (?P<t>.+?) (?:et|avec|a|de) (?P<two>.+)$",
        ),
        (
            Form.PURPOSE,
            r"^(?:et )?a quoi (?:(?:ca )?(?:sert|servent|sers)|peu\w+ servir)(?:[ -](?:il|"
            r"elle)s?)?,? (?P<t>.+)$",
        ),
        (Form.PURPOSE, r"^(?P<t>.+?),? (?:ca )?(?:sert|servent) a quoi$"),
        (Form.PURPOSE, r"^(?:et )?a quoi (?P<t>.+?) (?:sert|servent)(?:[ -](?:il|elle)s?)?$"),
        (
            Form.ATTRIBUTE,
            r"^(?:c'est quoi|explique(?:z)?(?:[- ]moi)?|presente|definis|rappelle(?:[- ]moi)?) "
            r"(?P<a>(?:les? |la |l')(?:roles?|fonctionnement|but|utilite|interet|avantages?|"
            r"inconvenients?|limites?|"
            r"principes?|types?|etapes?|architecture|objectifs?|composants?)) "
            r"(?P<p>de la |de l'|du |des |de |d')(?P<t>.+)$",
        ),
        (
            Form.DEFINITION,
            r"^(?:et )?(?:en fait )?(?:c'est quoi,?|qu'est[- ]ce que c'est,?(?: que)?|"
            r"que (?:veut dire|signifie(?:nt)?)|"
            r"ca veut dire quoi|definis|definir|explique(?:z)?(?:[- ]moi)?|presente|"
            r"plus de details sur) (?P<t>.+)$",
        ),
        (
            Form.ATTRIBUTE,
            r"^(?:et )?(?:c'est quoi|quell?e?s? (?:est|sont)|donne[rz]?(?:[- ]moi)?|"
            r"cite[rz]?|liste[rz]?) "
            r"(?P<a>(?:les? |la |l'|une? |des )[^,]+?) (?P<p>de la |de l'|du |des |de |"
            r"d')(?P<t>.+)$",
        ),
        (
            Form.DEFINITION,
            r"^(?:et )?qu'est[- ]ce (?P<p>que |qu')(?P<t>(?!il |elle |on |ils )[^,]+?)$",
        ),
        (
            Form.DEFINITION,
            r"^(?P<t>[^,]+?),? (?:c'est quoi|qu'est[- ]ce que c'est|ca veut dire quoi)$",
        ),
        (
            Form.WORKING,
            r"^(?:et )?comment (?:ca )?(?:fonctionne(?:nt)?|"
            r"marche(?:nt)?)(?:[ -](?:t[ -])?(?:il|elle)s?)?,? (?P<t>.+)$",
        ),
        (
            Form.WORKING,
            r"^(?:et )?(?:comment )?(?P<t>[^,]+?),? (?:comment (?:ca|il|elle|ils|elles) )?"
            r"(?:fonctionne(?:nt)?|marche(?:nt)?)(?:-t-(?:il|elle)|-(?:il|elle)s)?(?: comment)?$",
        ),
        (
            Form.ACTION,
            r"^(?:et )?(?P<lead>(?:pourquoi|comment|pour|quand|ou|avec quoi|(?:avec |"
            r"par )?quelle commande)?(?: (?:est-ce qu'on|faut-il|peut-on|puis-je|doit-on|"
            r"dois-je|on (?:peut|fait pour|doit)|"
            r"je (?:peux|fais pour|dois)|faire pour|fait-on pour|pour|permet de|sert a|"
            r"utiliser pour|utilise-t-on pour|dois-je utiliser pour))?|"
            r"(?:faut-il|peut-on|puis-je|doit-on|est-ce qu'on (?:peut|doit)|on peut|il faut|"
            r"quelle (?:est la )?(?:commande|instruction|option) (?:pour|permet de|"
            r"qui permet de|permettant de|sert a|faut-il utiliser pour)|"
            r"quell?e?s? (?:sont les |est la |est le )?[\w-]+ (?:pour|permet(?:tent)? de)|"
            r"donne[rz]?(?:[- ]moi)? un exemple pour)) ?(?P<act>(?:ne pas )?(?:les? |la |l'|"
            r"y |en )?(?P<v>"
            + INFINITIVE
            + r")(?: (?:a |de |d'|vers |sur |par |avec ))?) ?(?P<t>.+)$",
        ),
        (Form.ACTION, r"^(?:et )?(?:pourquoi|comment) (?P<act>(?P<t>(?P<v>" + INFINITIVE + r")))$"),
        (Form.OTHER, r"^(?:et )?combien (?P<p>de |d')(?P<t>[\w-]+)(?= |$)"),
        (Form.OTHER, r"^(?:et )?pourquoi (?P<t>(?:les? |la |l'|une? |des )?[\w'-]+)$"),
        (
            Form.OTHER,
            r"^(?:et )?(?:que|qu'est-ce que) (?:fait|font|contien\w+|permet\w*|devien\w+|"
            r"represente\w*|gere\w*) (?P<t>.+)$",
        ),
    )
)
_ENGLISH: tuple[tuple[Form, re.Pattern[str]], ...] = tuple(
    (form, re.compile(pattern))
    for form, pattern in (
        (
            Form.DIFFERENCE,
            r"^.*?\b(?:difference\w*|differ|compare|"
            r"distinguish)\b.*?(?:between )?(?P<t>(?<=between ).+?|(?<=compare ).+?) (?:and|"
            r"with|to) (?P<two>.+)$",
        ),
        (Form.PURPOSE, r"^(?:and )?what (?:is|are) (?P<t>.+?)(?: used)? for$"),
        (Form.PURPOSE, r"^(?:and )?what is the (?:use|purpose) (?P<p>of )(?P<t>.+)$"),
        (
            Form.ATTRIBUTE,
            r"^(?:and )?(?:what|which) (?:is|are) (?P<a>(?:the|"
            r"an?) [^,]+?) (?P<p>of )(?P<t>.+)$",
        ),
        (
            Form.DEFINITION,
            r"^(?:and )?(?:what (?:is|are)|what's|define|explain|"
            r"more details about) (?P<t>.+)$",
        ),
        (Form.DEFINITION, r"^(?:and )?what does (?P<t>.+) mean$"),
        (Form.WORKING, r"^(?:and )?how do(?:es)? (?!i |you |we |one )(?P<t>.+?) work$"),
        (
            Form.ACTION,
            r"^(?:and )?(?P<lead>(?:how|why|when|where) (?:do|can|should|would) (?:i|you|we|"
            r"one)|how to|can (?:i|you|we)|which command (?:is used )?(?:to|for)|"
            r"what command (?:is used )?to|(?:what|"
            r"which) is the command to) (?P<act>(?P<v>[a-z]+)(?: (?:to|from|with|"
            r"on))?) (?P<t>.+)$",
        ),
        (Form.OTHER, r"^(?:and )?why (?:is|are|do|does|use) (?P<t>(?:the |an? )?[\w-]+)\b"),
    )
)
_ADJUNCT = re.compile(
    r",| (?:sous|sur|dans|avec|en|par|chez|avant|apres|depuis|sans|via|quand|lorsqu|lors|si|"
    r"il|elle|ils|elles|on|je|plutot|propose|proposent|pour|contre|vers|a partir|"
    r"a cote|qui|que|in|on|with|under|for|from|without|when|if|is|are|"
    r"est|sont|a|ont|peu[tx]|peuvent|doi[st]|doivent|permet|permettent|utilise|utilisent)\b(?!')"
)


_FRONTED = re.compile(r"(?:sous|sur|avec|dans|en|pour|chez|in|on|with) [^,]{2,40}, ", re.I)
_ASIDE = re.compile(
    r"(?P<t>(?!comment|pourquoi|quel|quoi|que |qui |ou |quand|combien|a quoi|si |"
    r"est-ce)[^,]{2,50}),? "
    r"(?:.*\b)?(?:c'est|ca|qu'est[- ]ce|il|elle|ils|elles)\b(?!.*,).*\b(?:quoi|"
    r"comment|utile|faire|ou|quand|est-ce|combien|quell?e?s?)\b.*$"
)  # "Ceph, c'est pour faire quoi"
_ASIDE_FORMS = (
    (Form.PURPOSE, re.compile(r"\b(?:sert|servent|utile|pour (?:faire )?quoi|faire quoi)\b")),
    (Form.WORKING, re.compile(r"\b(?:marche|fonctionne)")),
    (Form.DEFINITION, re.compile(r"\b(?:c'est quoi|qu'est[- ]ce)")),
)


def uncapitalised(topic: str) -> str:
    return topic[0].lower() + topic[1:] if ARTICLE.match(topic) else topic


_PARTICIPLE = re.compile(r"\w(?:ée?s?)$")  # "les limites appliquées", to something
_TO_ITS = re.compile(r" (?:à|au|aux) (?:les? |la |l'|une? )?[\w-]+")


def take_apart(question: str, language: str, said: Collection[str] = ()) -> Asked:
    """Return the topic of a question and the words around it.

    `said` are index terms of its answer: where no pattern fits, the topic is the noun
    phrase of the question that shares most with them.
    """
    text = re.sub(r"^(?:et|mais|and|but) ", "", plain(question), flags=re.I)
    if fronted := _FRONTED.match(text):
        asked = take_apart(text[fronted.end() :], language, said)
        return replace(asked, text=text, before=fronted[0] + asked.before)
    folded = unaccented(text)
    if language == "fr" and (aside := _ASIDE.match(folded)):
        end = aside.end("t")
        form = next((f for f, p in _ASIDE_FORMS if p.search(folded, end)), Form.OTHER)
        return Asked(text, language, form, "", "", uncapitalised(text[:end]), text[end:])
    for form, pattern in _ENGLISH if language == "en" else _FRENCH:
        found = pattern.match(folded)
        if not found:
            continue
        groups = found.groupdict()
        if form is Form.ACTION and groups["v"].split()[-1] in NOUNS_LIKE_INFINITIVES:
            continue
        start, end = found.span("t")
        contraction = text[slice(*found.span("p"))] if groups.get("p") else ""
        cut = _ADJUNCT.search(folded, start, end)
        topic_end = cut.start() if cut and cut.start() > start and form is not Form.PURPOSE else end
        before = text[: found.start("p") if contraction else start]
        topic = text[start:topic_end].strip(" ,")
        own = (
            re.match(r"(?:de la |de l'|du |des |de |d')", topic, re.I) if "act" in groups else None
        )
        if own and before.rstrip().lower().endswith((" de", " d'")):
            own = None
        preposition, topic = freed(contraction, topic)
        if not topic:
            continue
        if _PARTICIPLE.search(topic) and (to := _TO_ITS.match(text[topic_end:])):
            topic, topic_end = topic + to[0], topic_end + to.end()
        if groups.get("v") == topic:  # "pourquoi virtualiser": no object
            topic = re.sub(r"^(\w+is)er$", r"la \1ation", topic)
        return Asked(
            text=text,
            language=language,
            form=form,
            before=before,
            preposition=preposition,
            topic=uncapitalised(topic),
            after=text[topic_end:],
            action=text[found.start("act") :] if "act" in groups else "",
            attribute=text[slice(*found.span("a"))] if groups.get("a") else "",
            second=text[slice(*found.span("two"))] if groups.get("two") else "",
        )
    start, end = _main_phrase(text, language, said)
    contraction = ""
    if found := re.search(
        r"(?:\bde la |\bde l'|\bdu |\bdes |\bde |\bd'|\bau |\baux )$", text[:start]
    ):
        contraction = found[0]
    preposition, topic = freed(contraction, text[start:end])
    before = text[: start - len(contraction)]
    topic = uncapitalised(topic)
    return Asked(text, language, Form.OTHER, before, preposition, topic, text[end:])


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


def phrases(text: str, language: str) -> list[tuple[int, int]]:
    """Return ranges of noun phrases: content words side by side, with article and "de"."""
    inverted = [m.span() for m in _INVERTED.finditer(text)]
    terms = [
        t
        for t in analyse(text, language)
        if (t.term not in _VERBS or _NOUN.search(t.word))
        and not any(a <= t.start < b for a, b in inverted)
    ]
    spans: list[list[int]] = []
    for start, end in sorted({(t.start, t.end) for t in terms}, key=lambda s: (s[0], -s[1])):
        if spans and start < spans[-1][1]:
            continue
        between = text[spans[-1][1] : start] if spans else "?"
        if re.fullmatch(r"\s*(?:de la |de l'|du |des |de |d'|of (?:the )?)?", between, re.I):
            spans[-1][1] = end
            continue
        article = re.search(r"(?:\b(?:les? |la |une? |des |the |an? )|\bl')$", text[:start], re.I)
        spans.append([article.start() if article else start, end])
    return [(start, end) for start, end in spans]


_ASKED_FOR = re.compile(
    r"(?:[\w'-]+ )?(?:quel(?:le)?s?|which|what) (?!est|sont|is|are)[\w-]+(?: (?:de |d')[\w-]+)? ",
    re.I,
)


def _main_phrase(text: str, language: str, said: Collection[str]) -> tuple[int, int]:
    found = phrases(text, language)
    if not found:
        return 0, len(text)
    if asked := _ASKED_FOR.match(text):
        rest = asked.end()
        found = [(rest + a, rest + b) for a, b in phrases(text[rest:], language)] or found

    def shared(span: tuple[int, int]) -> int:
        return len({t.term for t in analyse(text[slice(*span)], language)} & set(said))

    return max(found, key=lambda span: (min(shared(span), 1), -span[0]))


def agreeing(candidates: Iterable[str], *, plural: bool, feminine: bool | None) -> str | None:
    """Return the first noun phrase that a pronoun of this number and gender can stand for.

    One whose article tells the gender goes before one without.
    """
    known = [phrase for phrase in candidates if is_plural(phrase) == plural]
    sure = (phrase for phrase in known if feminine is not None and is_feminine(phrase) == feminine)
    loose = (phrase for phrase in known if None in (is_feminine(phrase), feminine))
    return next(sure, None) or next(loose, None)


def plural_of(phrase: str) -> str:
    """Return a singular French noun phrase in the plural, with its article: "les volumes"."""
    words = bare(phrase).split(" ")
    if words[0].islower() and not words[0].endswith(("s", "x", "z")) and words[0].isalpha():
        words[0] += "s"
    return "les " + " ".join(words)
