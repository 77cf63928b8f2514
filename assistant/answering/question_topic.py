"""What a question is about: its topic, and the words around it into which another fits.

Read with patterns over the words of the question, in French and English; where none fits,
the topic is the noun phrase that the answer speaks of. There is no grammar here: a topic
is a range of the question, from which a follow-up is completed.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass, replace
from enum import StrEnum

from assistant.analysis import analyse
from assistant.answering.noun_phrases import (
    ARTICLE,
    FRENCH_ARTICLE,
    INFINITIVE,
    bare,
    freed,
    is_infinitive,
    is_plural,
    joined,
    phrases,
    unaccented,
    uncapitalised,
    with_article,
)
from assistant.answering.spoken_of import beside, parted
from assistant.message_spelling import spelt


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
    is_named: bool = True  # whether the topic is a noun phrase; else it is the whole question

    @property
    def topics(self) -> str:
        """What was spoken of; both sides of a comparison."""
        both = f"{self.topic} {_and(self.language)} {self.second}"
        return both if self.second else with_article(self.topic)

    def about(self, topic: str) -> str:
        """Return the question asked about another topic."""
        before = _agreeing(self.before, topic) if self.language == "fr" else self.before
        preposition = self.preposition
        if self.language == "en":
            topic = FRENCH_ARTICLE.sub("", topic)
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

_SPELLINGS = tuple(  # of short lines, where they can be nothing else
    (re.compile(pattern, re.I), written)
    for pattern, written in (
        (r"’|ʼ|‘", "'"),
        (r"\bpourquoi+\b", "pourquoi"),
        (r"\bc['é]?\s?(?:est)?\s?quoi\b", "c'est quoi"),
        (r"\b(?:qu'?est[- ]?ce|quest[- ]?ce)\b", "qu'est-ce"),
        (r"\bc (?=\w)", "c'est "),
        (r"\b[sc]a(?=\s+(?:sert|marche|fonctionne|veut|fait)\b)", "ça"),
        (r"\ba quoi\b", "à quoi"),
        (r"\bdiff(?:[ée]rance)?\b", "différence"),
        (r"\b(?:exmple|exmeple|exemples?e|ex)\b", "exemple"),
        (r"\bquoi d'?autre\b", "quoi d'autre"),
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
    text = spelt(" ".join(question.split()))
    for pattern, written in _SPELLINGS:
        text = pattern.sub(written, text)
    text = re.sub(r"[\s?!.…]+$", "", text)
    text = _OPENING.sub("", text)
    return re.sub(r"[\s?!.…,]+$", "", _CLOSING.sub("", text))


_AGREEMENTS = (
    ("sert", "servent", re.compile(r"\b(?:sert|servent|serve)\b")),  # the last in haste
    ("fonctionne", "fonctionnent", re.compile(r"\bfonctionne(?:nt)?\b")),
    ("marche", "marchent", re.compile(r"\bmarche(?:nt)?\b")),
)


def _agreeing(before: str, topic: str) -> str:
    for one, many, written in _AGREEMENTS:
        before = written.sub(many if is_plural(topic) else one, before)
    return before


# --- patterns ----------------------------------------------------------------------

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
        (Form.OTHER, r"^(?:et )?pourquoi (?!pas$)(?P<t>(?:les? |la |l'|une? |des )?[\w'-]+)$"),
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


_FRONTED = re.compile(
    r"(?:sous|sur|avec|dans|en|pour|chez|in|on|with) (?:[^,]{2,40}, |(?:les? |la |l'|une? )?[\w.-]+"
    r"(?: [\w.-]+)? (?=c'est|à quoi|a quoi|comment|pourquoi|quel|qu'|combien))",
    re.I,
)
_ASIDE = re.compile(
    r"(?P<t>(?!comment|pourquoi|quel|quoi|que |qui |ou |quand|combien|a quoi|si |"
    r"est-ce)[^,]{2,50}),? "
    r"(?:.*\b)?(?:c'est|ca|qu'est[- ]ce|il|elle|ils|elles)\b(?!.*,).*\b(?:quoi|"
    r"comment|utile|faire|ou|quand|est-ce|combien|quell?e?s?)\b.*$"
)  # "Ceph, c'est pour faire quoi"
_SERVES = re.compile(
    r",? (?:ca|il|elle|ils|elles) (?:sert|servent) a quoi(?: la[- ]dedans)?"
    r"(?P<after>(?: (?:dans|sous|avec|en|pour|chez) .+)?)"
)
_DISLOCATED = re.compile(
    r"(?P<t>(?:les? |la |l'|une? )[^,]{2,40}), (?:il|elle|ils|elles|ca|c'est)\b.*$"
)  # "la pierre ponce, elle flotte"
_ASIDE_FORMS = (
    (Form.PURPOSE, re.compile(r"\b(?:sert|servent|utile|pour (?:faire )?quoi|faire quoi)\b")),
    (Form.WORKING, re.compile(r"\b(?:marche|fonctionne)")),
    (Form.DEFINITION, re.compile(r"\b(?:c'est quoi|qu'est[- ]ce)")),
)


_ADVERB = re.compile(r"[^\W\d_]+ment (?=les? |la |l'|une? |des )", re.I)  # before an object
_PARTICIPLE = re.compile(r"\w(?:ée?s?)$")  # "les limites appliquées", to something
_TO_ITS = re.compile(r" (?:à|au|aux) (?:les? |la |l'|une? )?[\w-]+")


def take_apart(question: str, language: str, said: Collection[str] = ()) -> Asked:
    """Return the topic of a question and the words around it.

    `said` are index terms of its answer: where no pattern fits, the topic is the noun
    phrase of the question that shares most with them.
    """
    line, topic = parted(question)
    if topic and not _ASIDE.match(unaccented(line)):
        text = beside(line, topic)
        start = len(text) - len(topic) - 1
        return Asked(text, language, Form.OTHER, text[:start], "", topic, text[-1:])
    text = re.sub(r"^(?:et|mais|and|but) ", "", plain(line), flags=re.I)
    if fronted := _FRONTED.match(text):
        asked = take_apart(text[fronted.end() :], language, said)
        return replace(asked, text=text, before=fronted[0] + asked.before)
    folded = unaccented(text)
    if language == "fr" and (aside := _ASIDE.match(folded) or _DISLOCATED.match(folded)):
        end = aside.end("t")
        form = next((f for f, p in _ASIDE_FORMS if p.search(folded, end)), Form.OTHER)
        topic = uncapitalised(text[:end])
        if purpose := _SERVES.fullmatch(folded, end):
            after = text[slice(*purpose.span("after"))]
            return Asked(text, language, Form.PURPOSE, "À quoi sert ", "", topic, after)
        return Asked(text, language, form, "", "", topic, text[end:])
    for form, pattern in _ENGLISH if language == "en" else _FRENCH:
        found = pattern.match(folded)
        if not found:
            continue
        groups = found.groupdict()
        if form is Form.ACTION and not (language == "en" or is_infinitive(groups["v"])):
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
        if adverb := _ADVERB.match(topic):
            before, topic = before + adverb[0], topic[adverb.end() :]
        preposition, topic = freed(contraction, topic)
        if not is_topic(topic, language):
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
    found_phrase = _main_phrase(text, language, said)
    start, end = found_phrase or (0, len(text))
    contraction = ""
    if found := re.search(
        r"(?:\bde la |\bde l'|\bdu |\bdes |\bde |\bd'|\bau |\baux )$", text[:start]
    ):
        contraction = found[0]
    preposition, topic = freed(contraction, text[start:end])
    before = text[: start - len(contraction)]
    topic = uncapitalised(topic)
    is_named = found_phrase is not None
    return Asked(
        text, language, Form.OTHER, before, preposition, topic, text[end:], is_named=is_named
    )


_ASKED_FOR = re.compile(
    r"(?:[\w'-]+ )?(?:quel(?:le)?s?|which|what) (?!est|sont|is|are)[\w-]+(?: (?:de |d')[\w-]+)? ",
    re.I,
)


_GENERAL = frozenset("type types sorte sortes temps nom mot genre jour moment".split())


def is_topic(text: str, language: str) -> bool:
    """Whether something is named in a text: a noun, or a sign that is no word ("-t", "/etc")."""
    return bool(phrases(text, language) or re.search(r"(?<!\w)[-/.$]\w|\d|[A-Z]{2}", text))


def _main_phrase(text: str, language: str, said: Collection[str]) -> tuple[int, int] | None:
    found = phrases(text, language)
    if asked := _ASKED_FOR.match(text):
        rest = asked.end()
        found = [(rest + a, rest + b) for a, b in phrases(text[rest:], language)]

    found = [span for span in found if unaccented(bare(text[slice(*span)])) not in _GENERAL]
    if not found:
        return None

    def shared(span: tuple[int, int]) -> int:
        return len({t.term for t in analyse(text[slice(*span)], language)} & set(said))

    def is_determined(span: tuple[int, int]) -> bool:
        phrase = text[slice(*span)]
        return span[0] == 0 or bool(ARTICLE.match(phrase) or re.search(r"[A-Z\d_]", phrase))

    return max(found, key=lambda span: (min(shared(span), 1), is_determined(span), -span[0]))
