"""French follow-ups made standalone: "et ses limites ?", "pourquoi ?", "comment les supprimer ?".

Each rule knows one way of leaning on what was asked before and returns the whole question,
or None. A question that no rule knows is complete: it is better left alone than wrongly
completed. Rules read the words without accents, and write with those of the student.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

from assistant.analysis import analyse
from assistant.answering import french_patterns as patterns
from assistant.answering.noun_phrases import (
    ARTICLE,
    INFINITIVE,
    NOUNS_LIKE_INFINITIVES,
    agreeing,
    bare,
    freed,
    is_plural,
    joined,
    phrases,
    plural_of,
    unaccented,
    uncapitalised,
    with_article,
)
from assistant.answering.question_topic import Asked, Form


def standalone(
    asked: str, before: Asked, subjects: Sequence[str], earlier: Asked | None
) -> str | None:
    """Return `asked` (its plain form) as a whole question; None where it is one already.

    `before` is the last question, `subjects` are what its answer speaks of, `earlier` is
    the question before the last.
    """
    follow_up = _FollowUp(asked, before, subjects, earlier)
    for rule in _RULES:
        if (text := rule(follow_up)) is not None:
            return text
    return None


class _FollowUp:
    def __init__(self, text: str, before: Asked, subjects: Sequence[str], earlier: Asked | None):
        self.text, self.folded = text, unaccented(text)
        self.before, self.subjects, self.earlier = before, subjects, earlier
        in_question = [before.text[a:b] for a, b in phrases(before.text, before.language)]
        asks_for_it = re.match(
            r"(?:et )?(?:qui|quel(?:le)?s? \w+|who|which \w+)\b", before.text, re.I
        )
        named = [before.topic, before.second, *in_question]
        found = (
            [*subjects, *named]
            if asks_for_it and before.form is Form.OTHER
            else [*named, *subjects]
        )
        said_before = [earlier.topic] if earlier else []
        self.candidates = [with_article(name) for name in (*found, *said_before) if name]
        if asked_for := _asked_for(before):
            self.candidates.insert(1, asked_for)

    def is_plural(self, topic: str) -> bool:
        """Whether a verb after `topic` stands in the plural."""
        return is_plural(topic) or bool(self.before.second and topic == self.topic)

    @property
    def topic(self) -> str:
        """What was spoken of; both sides of a comparison."""
        if self.before.second:
            return f"{self.before.topic} et {self.before.second}"
        return with_article(self.before.topic)

    def referent(self, pronoun: str) -> str:
        """Return what a pronoun stands for: the first thing named that agrees with it."""
        plural = pronoun in ("ils", "elles", "les", "leurs", "leur", "ceux-ci", "celles-ci")
        feminine = {"elle": True, "elles": True, "la": True, "il": False, "le": False}.get(pronoun)
        if self.before.second and plural:
            return self.topic
        found = agreeing(self.candidates, plural=plural, feminine=feminine)
        if found is None and plural and self.candidates[0] == with_article(self.before.topic):
            return plural_of(self.candidates[0])
        return found or self.candidates[0]

    def part(self, found: re.Match[str], group: str) -> str:
        return self.text[slice(*found.span(group))]

    def named_before(self, end: int) -> bool:
        """Whether a noun stands before this place, for which a pronoun there can stand."""
        fronted = patterns.FRONTED.match(self.folded[:end])
        start = fronted.end() if fronted else 0
        left = patterns.EVERYDAY.sub(" ", self.folded[start:end])
        return bool(phrases(left, "fr"))


def _asked_for(before: Asked) -> str | None:
    """Return what "quel port utilise SSH" or "quel est le port de SSH" asks for, with article."""
    if before.form is Form.ATTRIBUTE:
        noun = re.sub(r"^quel(?:le)?s? ", "", before.attribute, flags=re.I)
    elif found := re.match(r"(?:sur )?quel(?:le)?s? ([\w-]+) (?!est|sont)", before.text, re.I):
        noun = found[1]
    else:
        return None
    if re.match(r"(?:les? |la |l'|une? |des )", noun):
        return f"{with_article(noun)} {joined('de', before.topic)}"
    which = re.search(r"\bquel(le)?(s)? ", before.text, re.I)
    feminine, many = (bool(which[1]), bool(which[2])) if which else (False, False)
    the = f"les {noun}" if many else _the(noun, feminine=feminine)
    return f"{the} {joined('de', before.topic)}"


def _same_with(question: Asked, tail: str) -> str:
    return f"{question.text}, {tail}"


def _why(f: _FollowUp) -> str | None:
    if not (found := patterns.WHY.match(f.folded)):
        return None
    before = f.before
    if found["not"]:
        if before.form is Form.ACTION:
            return f"Pourquoi ne pas {before.action}"
        return _same_with(before, "et pourquoi pas")
    if before.form is Form.ACTION:
        return f"Pourquoi {before.action}"
    if before.form in (Form.DEFINITION, Form.PURPOSE, Form.WORKING):
        if verb := re.fullmatch(r"la (\w+is)ation", f.topic):
            return f"Pourquoi {verb[1]}er"
        return f"Pourquoi utiliser {f.topic}"
    opened = re.match(
        r"(?:est-ce|faut|peut|doit|les? |la |l'|un|il |[\w-]+ (?:est|peut|a)\b)", before.text, re.I
    )
    if opened and not re.search(r"\b(?:quel|quoi|combien|où)", before.text, re.I):
        return f"Pourquoi {_lowered(before.text)}"
    return (
        before.text
        if before.text.lower().startswith("pourquoi")
        else _same_with(before, "et pourquoi")
    )


def _lowered(text: str) -> str:
    known = re.match(
        r"(?:les?|la|l'|une?|des|est-ce|faut|peut|doit|il|elle|comment|quel|à)\b", text, re.I
    )
    return text[0].lower() + text[1:] if known else text


def _how(f: _FollowUp) -> str | None:
    if not patterns.HOW.match(f.folded):
        return None
    before = f.before
    if before.form is Form.ACTION:
        return f"Comment {before.action}"
    if before.form in (Form.DEFINITION, Form.PURPOSE, Form.WORKING, Form.ATTRIBUTE):
        if before.attribute and (done := _done(bare(before.attribute))):
            return f"Comment se fait {done} {joined('de', before.topic)}"
        return f"Comment utiliser {f.topic}"
    return _same_with(before, "et comment")


def _done(noun: str) -> str | None:
    return f"l'{noun}" if re.fullmatch(patterns.DONE, unaccented(noun)) else None


def _works(f: _FollowUp) -> str | None:
    if not (found := patterns.WORKS.match(f.folded)):
        return None
    pronoun = re.search(r"\b(ils?|elles?)\b", found[0])
    topic = f.referent(pronoun[0]) if pronoun else f.topic
    return f"Comment {'fonctionnent' if f.is_plural(topic) else 'fonctionne'} {topic}"


def _purpose(f: _FollowUp) -> str | None:
    if not (found := patterns.PURPOSE.match(f.folded)):
        return None
    pronoun = re.search(r"\b(ils?|elles?)\b", found[0])
    topic = f.referent(pronoun[0]) if pronoun else f.topic
    return f"À quoi {'servent' if f.is_plural(topic) else 'sert'} {topic}"


def _definition(f: _FollowUp) -> str | None:
    return f"C'est quoi {f.topic}" if patterns.DEFINITION.match(f.folded) else None


def _details(f: _FollowUp) -> str | None:
    if not patterns.DETAILS.match(f.folded):
        return None
    before = f.before
    if before.form in (Form.DEFINITION, Form.PURPOSE, Form.WORKING):
        return f"Plus de détails sur {f.topic}"
    return f"Plus de détails : {_lowered(re.sub('^Plus de détails : ', '', before.text))}"


def _next(f: _FollowUp) -> str | None:
    if not patterns.NEXT.match(f.folded):
        return None
    if f.before.form is Form.ACTION:
        return f"Quelle est l'étape suivante pour {f.before.action}"
    return f"Plus de détails sur {f.topic}"


def _example(f: _FollowUp) -> str | None:
    if not (found := patterns.EXAMPLE.match(f.folded)):
        return None
    example = "Donne un exemple" + f.part(found, "of")
    if f.before.form is Form.ACTION and " " in f.before.action:
        return f"{example} pour {f.before.action}"
    about = f.before.topic
    if f.before.form is Form.ACTION:
        return f"{example} {joined('de', bare(about))}"
    if f.before.form is Form.ATTRIBUTE and not f.before.before.lower().startswith("donne"):
        noun = re.sub(r"^quel(?:le)?s?\s+", "", f.before.attribute, flags=re.I)
        return f"{example} {joined('de', bare(noun))} {joined('de', with_article(about))}"
    if f.before.second:
        return f"{example} de la différence entre {f.topic}"
    is_general = is_plural(about) or _is_indefinite(about)
    return f"{example} {joined('de', bare(about) if is_general else about)}"


def _is_indefinite(phrase: str) -> bool:
    return phrase.lower().startswith(("un ", "une "))


def _command(f: _FollowUp) -> str | None:
    if not (found := patterns.COMMAND.match(f.folded)):
        return None
    noun = f.part(found, "n")
    many = noun.endswith("s")
    which = ("Quelles" if many else "Quel") if noun == "code" else ("Quelles" if many else "Quelle")
    return f"{which} {noun} pour {f.before.action or f.topic}"


def _inverse(f: _FollowUp) -> str | None:
    if not patterns.INVERSE.match(f.folded):
        return None
    before = f.before
    if before.second:
        return f"{before.before}{joined(before.preposition, before.second)} et {before.topic}"
    if swapped := re.search(r"\bde (.+?) (vers|à|en) (.+)$", before.text):
        one, way, two = swapped.groups()
        return f"{before.text[: swapped.start()]}de {two} {way} {one}"
    for one, other in patterns.OPPOSITES:
        for word, opposite in ((one, other), (other, one)):
            if re.search(rf"\b{unaccented(word)}\b", unaccented(before.text)):
                pattern = rf"\b(?:{word}|{unaccented(word)})\b"
                return re.sub(pattern, opposite, before.text, count=1, flags=re.I)
    for one, other in (("avantages", "inconvénients"), ("points forts", "points faibles")):
        for word, opposite in ((one, other), (other, one)):
            if unaccented(word) in unaccented(before.text):
                return re.sub(rf"{word}|{unaccented(word)}", opposite, before.text, flags=re.I)
    return f"Quel est l'inverse {joined('de', before.action or f.topic)}"


def _short(f: _FollowUp) -> str | None:
    if not (found := patterns.SHORT.match(f.folded)):
        return None
    return _same_with(f.before, f"et {re.sub(' ça$| ca$', '', f.part(found, 'w')).lower()}")


def _which(f: _FollowUp) -> str | None:
    if not (found := patterns.WHICH.match(f.folded)):
        return None
    feminine = "elle" in found["w"] or "aquelle" in found["w"]
    quels = (
        ("quelles" if feminine else "quels")
        if found["w"].endswith("s")
        else ("quelle" if feminine else "quel")
    )
    text, count = re.subn(r"\bcombien (?:de |d')", f"{quels} ", f.before.text, count=1, flags=re.I)
    if count:
        return text
    if quels.endswith("s"):
        topic = f.topic if f.is_plural(f.topic) else plural_of(f.topic)
        return f"{quels.capitalize()} sont {topic}"
    return f"{quels.capitalize()} est {f.topic}"


def _difference(f: _FollowUp) -> str | None:
    if found := patterns.COMPARED.match(f.folded):
        return f"Quelle est la différence entre {f.topic} et {uncapitalised(f.part(found, 'x'))}"
    if not (found := patterns.DIFFERENCE.match(f.folded)):
        return None
    other = ""
    for contraction, group in (("p", "x"), ("q", "y"), ("r", "z"), ("", "v")):
        if found[group]:
            article = f.part(found, contraction) if contraction else ""
            other = f.part(found, group)
            word = article.strip().lower()
            other = article + other if word in ("la", "le") else freed(article, other)[1]
            break
    if patterns.QUESTION_WORD.search(unaccented(other)):
        return None
    topic = with_article(f.before.topic)
    if patterns.BOTH.match(unaccented(other)):
        if f.before.second:
            other = f.before.second
        elif f.earlier and f.earlier.topic.lower() != topic.lower():
            other, topic = topic, with_article(f.earlier.topic)
        else:
            return None if not other else f"Quelle est la différence entre {f.topic}"
    return f"Quelle est la différence entre {topic} et {other}"


def _asking_for(noun: str, topic: str) -> str:
    """Return the question for an attribute of a topic: "Quelles sont les limites de X"."""
    folded = unaccented(noun)
    many = (
        folded.split(" ")[0].endswith("s") and folded.split(" ")[0] not in ("prerequis", "poids")
    ) or folded == "prerequis"
    feminine = bool(patterns.FEMININE.match(folded)) and not folded.startswith("composant")
    if re.fullmatch(patterns.DONE, folded):
        return f"Comment se fait {_the(noun, feminine=True)} {joined('de', topic)}"
    if many:
        return f"{'Quelles' if feminine else 'Quels'} sont les {noun} {joined('de', topic)}"
    which = "Quelle" if feminine else "Quel"
    return f"{which} est {_the(noun, feminine=feminine)} {joined('de', topic)}"


def _the(noun: str, *, feminine: bool) -> str:
    if re.match(r"[aeiouyhàâéèêîïôöûù]", noun, re.I):
        return f"l'{noun}"
    return f"{'la' if feminine else 'le'} {noun}"


def _attributes(f: _FollowUp) -> str | None:
    if not (found := patterns.ATTRIBUTES.match(f.folded)):
        return None
    noun = f.part(found, "n") + f.part(found, "adj")
    return _asking_for(noun, f.topic)


def _possessed(f: _FollowUp) -> str | None:
    """ "et ses limites ?", "quels sont ses avantages ?" """
    if not (found := patterns.POSSESSED.match(f.folded)) or patterns.QUESTION_WORD.search(
        found["n"]
    ):
        return None
    topic = f.referent(found["d"]) if found["d"] in ("leur", "leurs") else f.topic
    noun, rest = f.part(found, "n"), ""
    if adjunct := re.search(r",? (?:sous|sur|dans|avec|en|par rapport|face) ", found["n"]):
        noun, rest = noun[: adjunct.start()], noun[adjunct.start() :]
    if found["d"] in ("ses", "leurs"):
        noun = plural_of(noun)[4:]
        feminine = patterns.FEMININE.match(unaccented(noun))
        return f"{'Quelles' if feminine else 'Quels'} sont les {noun} {joined('de', topic)}{rest}"
    return _asking_for(noun, topic) + rest


def _possessive(f: _FollowUp) -> str | None:
    found = patterns.POSSESSIVE.search(f.folded)
    if (
        not found
        or f.named_before(found.start())
        or patterns.SUBJECT.search(f.folded[: found.start()])
    ):
        return None
    if phrases(f.text[found.end() :], "fr"):
        return None  # "lors de son expédition, que mangeait Cézanne ?"
    topic = f.referent(found["d"]) if found["d"] in ("leur", "leurs") else f.topic
    noun = f.part(found, "n")
    feminine = found["d"] == "sa" or bool(patterns.FEMININE.match(found["n"]))
    the = f"les {noun}" if found["d"] in ("ses", "leurs") else _the(noun, feminine=feminine)
    return f.text[: found.start()] + f"{the} {joined('de', topic)}" + f.text[found.end() :]


def _action(f: _FollowUp) -> str | None:
    """ "comment les supprimer ?", "et pour supprimer ?", "et pour arrêter un conteneur ?" """
    found = patterns.ACTION.match(f.folded)
    if not found or (found["v"] in ("faire", "etre") and not found["pro"]):
        return None
    starts_with_et = not f.folded.startswith(found["lead"] or "#")
    is_verb = re.search(r"(?:er|ir|dre|ttre|ire|uivre|rompre|clure)$", found["v"])
    if found["v"].split()[-1] in NOUNS_LIKE_INFINITIVES or not is_verb:
        return None
    if found["v"].endswith(("aire", "oire")) and not found["v"].endswith(("faire", "boire")):
        return None  # "et le propriétaire ?"
    is_fragment = found["lead"].strip() in ("pour", "")
    lead = f.part(found, "lead")
    if is_fragment:
        command = re.match(
            r".*?\b(?:quelle|la) (?:est la )?commande (?:pour|permet de)", f.before.text, re.I
        )
        lead = f"{command[0]} " if command else "comment "
    elif starts_with_et:
        lead = lead[0].upper() + lead[1:]
    text = _completed_action(f, found, lead, is_fragment=is_fragment, starts_with_et=starts_with_et)
    place = patterns.WHERE.search(f.before.after)
    if text is None or place is None or patterns.WHERE.search(f.part(found, "rest")):
        return text
    return text + place[0]  # still "avec compose", "sous Linux"


def _completed_action(
    f: _FollowUp, found: re.Match[str], lead: str, *, is_fragment: bool, starts_with_et: bool
) -> str | None:
    rest, verb, negated = f.part(found, "rest"), f.part(found, "v"), f.part(found, "cl")
    alone = patterns.NO_COMPLEMENT.match(found["rest"])
    pronoun = found["pro"].strip() if found["pro"] else ""
    if rest.lower().endswith(" comment"):  # "il faut l'installer comment ?"
        lead, rest = "comment ", rest[: -len(" comment")]
    if pronoun in ("le", "la", "les", "l'"):
        if (found["rest"] and not alone) or rest.startswith(" a "):
            return None
        name = f.referent(pronoun)
        return f"{lead}{negated}{verb} {name}{rest}"
    if pronoun == "en":
        one = re.match(r" (?:une?|plusieurs|d'autres|deux|trois)\b", found["rest"])
        single = one is not None and one[0].startswith(" un")
        name = bare(f.referent("le") if single else plural_of(f.topic))
        if one:
            return f"{lead}{negated}{verb}{rest[: one.end()]} {name}{rest[one.end() :]}"
        return f"{lead}{negated}{verb} {joined('de', f.topic)}{rest}" if alone else None
    if pronoun in ("y", "s'y"):
        reflexive = "se " if pronoun == "s'y" else ""
        return f"{lead}{negated}{reflexive}{verb} {joined('à', f.topic)}{rest}" if alone else None
    if alone and verb not in patterns.NO_OBJECT and not verb.startswith(("se ", "s'")):
        place = alone.start("adj") if alone["adj"] else len(rest)
        if alone["adj"] and not is_fragment and not starts_with_et:
            return None  # "comment programmer avec des fils ?" may well be whole
        if re.search(r" (?:ca|cela)\b", found["rest"]):
            rest, place = re.sub(r"(?: tout)? (?:ça|ca|cela)\b", "", rest, count=1), 0
        return f"{lead}{negated}{verb}{rest[:place]} {f.topic}{rest[place:]}"
    if is_fragment and not alone:
        return f"{lead}{negated}{verb}{rest}"
    return None


def _embedded(f: _FollowUp) -> str | None:
    """ "quels sont les prérequis pour l'apprendre ?" """
    found = patterns.EMBEDDED.match(f.folded)
    if not found or not patterns.NO_COMPLEMENT.match(found["rest"]):
        return None
    name = f.referent(found["pro"].strip())
    return f"{f.text[: found.start('pro')]}{f.part(found, 'v')} {name}{f.part(found, 'rest')}"


# "dans le processus fils", where nothing else ends the question.
_ENDING_PLACE = re.compile(
    r"\w+ (?:les? |la |l'|une? |des )[\w.+-]+"
    r"(?: (?!(?:et|ou|les?|la|une?|des?|du|aux?|en|dans|sur|sous|avec|pour|par|sans|qui|que)\b)"
    r"[\w.+-]+){1,2}$"
)


def _adjunct(f: _FollowUp) -> str | None:
    """ "et sous Windows ?", "et de force ?": the same question there, or so."""
    if (manner := patterns.MANNER.match(f.folded)) and f.before.preposition != "de":
        return f"{f.before.text} {f.part(manner, 'manner')}"
    found = patterns.ADJUNCT.match(f.folded)
    if not found or found["prep"].startswith("pour") or patterns.QUESTION_WORD.search(found["x"]):
        return None
    if len(found["x"].split()) > 6 or not f.folded.startswith(
        ("et ", "mais ", "sinon", found["prep"])
    ):
        return None
    adjunct, before = f.part(found, "adj"), f.before
    if before.second and found["prep"] == "avec":
        return before.about(f.part(found, "x"))
    words = patterns.SAME_PLACE.get(found["prep"], found["prep"])
    text = before.text
    said = re.search(
        rf"\b(?:{words}) (?:les? |la |l'|une? |des )?[\w.+-]+(?: [A-Z\d][\w.]*)*", text
    )
    if said and (whole := _ENDING_PLACE.match(text, said.start())):
        said = whole
    if said:
        return text[: said.start()] + adjunct + text[said.end() :]
    return f"{text} {adjunct}"


def _instead(f: _FollowUp) -> str | None:
    """ "et les namespaces ?": the same question about something else."""
    found = patterns.INSTEAD.match(f.folded)
    if not found:
        return None
    name = f.part(found, "x")
    verb = re.match(rf"{INFINITIVE} .", unaccented(name))
    if verb and verb[0].split(" ")[0] not in NOUNS_LIKE_INFINITIVES and not ARTICLE.match(name):
        action = f.before.action
        lead = f.before.text.removesuffix(action) if action else "Comment "
        return lead + name
    if found["quid"]:
        name = freed(found["quid"], name)[1]
    if (
        patterns.QUESTION_WORD.search(unaccented(name))
        or len(name.split()) > 8
        or re.search(r"\b(?:je|tu|on|nous|vous|ils?|elles?)\b", name)
    ):
        return None
    if found["only"] and not phrases(name, "fr"):
        return None
    if patterns.OTHER_ONE.match(unaccented(name)):
        return None  # which one, only the notes know
    of = None
    if those := patterns.THOSE.match(unaccented(name)):
        of_those = f.before.form is Form.OTHER and " " in bare(f.before.topic)
        if of_those and not re.search(r" (?:de|du|des) | d'", f.before.topic):
            return f.before.about(f"{_head(f.before.topic)} {name[those.start('p') :]}")
        name = freed(those["p"], name[those.start("x") :])[1]
    elif (of := re.match(r"(?:de la |de l'|du |des |de |d'|aux? )", name, re.I)) and (
        of[0].lower() != "des " or f.before.preposition == "de"
    ):
        name = freed(of[0].lower(), name[of.end() :])[1]
    before = f.before
    head = unaccented(bare(name))
    attribute = re.match(
        rf"(?P<n>{patterns.ATTRIBUTE}|{patterns.DONE})(?: (?:de |d'|du |des ).+)", head
    )
    if attribute and before.form is not Form.ACTION:
        return _asking_for_own(name)
    if not analyse(name, "fr"):
        return None
    if before.form is Form.OTHER and before.topic == before.text:
        return f"{before.text} {name}"
    name = _within(before.topic, name)
    of_name = re.fullmatch(r"(?:les? |la |l'|une? |des )[a-zà-ÿ-]+( [A-Z][\w-]+)", before.topic)
    if of_name and re.fullmatch(r"(?:les? |la |l'|une? |des )[a-zà-ÿ-]+", name):
        name += of_name[1]  # "un service Kubernetes", after "un secret Kubernetes"
    if before.form is Form.ACTION and (owner := patterns.OWNER.search(before.topic)):
        if of:
            return before.about(f"{before.topic[: owner.start()]} {joined('de', name)}")
        owned = {t.term for t in analyse(owner[0], "fr")}
        if not patterns.OWNER.search(name) and not owned & {t.term for t in analyse(name, "fr")}:
            name += owner[0]
    counted = re.search(r"\bcombien ", before.text, re.I)
    return before.about(bare(name) if counted and before.preposition == "de" else name)


def _within(topic: str, name: str) -> str:
    """Return "un hyperviseur de type 1" for "le type 1" after "un hyperviseur de type 2"."""
    new = bare(name)
    first = re.escape(new.split(" ")[0])
    if re.fullmatch(r"[\d.,]+", new) and (number := re.search(r"(?<= )[\d.,]+$", topic)):
        return topic[: number.start()] + new
    if " " in new and (place := re.search(rf"(?<=[ '’]){first}(?= )", topic, re.I)):
        return topic[: place.start()] + new
    return name


def _asking_for_own(name: str) -> str:
    noun, of, topic = re.split(r"\s+(de la |de l'|du |des |de |d')", bare(name), maxsplit=1)
    return _asking_for(noun, freed(of, topic)[1])


def _subject(f: _FollowUp) -> str | None:
    """ "où sont-ils stockés ?", "est-ce qu'il partage le noyau ?" """
    folded = patterns.IMPERSONAL.sub(lambda m: "#" * len(m[0]), f.folded)
    found = patterns.SUBJECT.search(folded)
    if not found:
        return None
    if found["inv"]:
        if f.named_before(found.start()) or patterns.COUNTED_SUBJECT.match(f.folded[: found.end()]):
            return None
        name = f.referent(found["inv"])
        at = found.start("v")
        if reflexive := re.search(r"\b(?:se |s'|ne |n'|l'|en |y )$", f.folded[:at]):
            at = reflexive.start()
        lead = f.text[:at]
        if re.fullmatch(r"(?:et )?(?:mais )?que ", lead, re.I):
            return f"{lead}{f.part(found, 'v')} {name}{f.text[found.end() :]}"
        if not lead:
            return f"{name} {_lowered_first(f.text)}"
        return f"{lead}{name} {f.text[at:]}"
    if f.named_before(found.start()) or _is_named_after(found["pro"], folded[found.end() :]):
        return None
    name = f.referent(found["pro"])
    if found["que"]:
        name = joined("que", name)
    return f.text[: found.start()] + name + f.text[found.end() :]


def _is_named_after(pronoun: str, folded: str) -> bool:
    """Whether a question names what its subject stands for: "il va où, le fichier ?"."""
    named = patterns.NAMED_AFTER.search(folded)
    if not named:
        return False
    article = named["article"].strip()
    if pronoun.endswith("s"):
        return article == "les"
    return article in (("la", "l'", "une") if pronoun == "elle" else ("le", "l'", "un"))


def _lowered_first(text: str) -> str:
    return text[0].lower() + text[1:]


def _that(f: _FollowUp) -> str | None:
    """ "est-ce que ça marche sous Windows ?", "à quoi sert cette commande ?" """
    folded = patterns.NOT_THAT.sub(lambda m: "#" * len(m[0]), f.folded)
    found = patterns.THAT.search(folded)
    if not found or f.named_before(found.start()):
        return None
    word = found[0]
    if word in patterns.ALL_THAT and re.match(
        r".*\b(?:a quoi ca (?:sert|servent)|comment ca (?:marche|fonctionne)|"
        r"ca sert a quoi|c'est quoi)\b,? (?!sous|sur|dans|avec|en|pour|quand|si)",
        f.folded,
    ):
        return None  # "à quoi ça sert, les cgroups ?" names it afterwards
    if word.startswith(("c'", "est-ce")):
        after = f.folded[found.end() :].strip()
        if re.match(r"(?:les? |la |l'|une? |des |a |pour|moi|toi|qui|quoi)", after) or not after:
            return None
        return f"{f.topic}, {_lowered_first(f.text)}"
    if word in patterns.ALL_THAT:
        if re.search(r", (?:les?|la|l'|un|une|des) ?\w", f.folded[found.end() :]):
            return None  # "est-ce que ça marche, la commande ?"
        left = f.folded[: found.start()]
        if (
            re.search(r"\b(?:avec|de|sur|dans|pour|sans|comme) $", left)
            or not f.folded[found.end() :].strip()
        ):
            if re.search(r"\b(?:de|a) $", left):
                preposition = "de" if left.endswith("de ") else "à"
                return (
                    f.text[: found.start() - len(preposition) - 1]
                    + joined(preposition, f.topic)
                    + f.text[found.end() :]
                )
            return f.text[: found.start()] + f.topic + f.text[found.end() :]
        done = f.before.action or f.topic if patterns.WORKS_TOO.match(f.folded) else f.topic
        return f"{done}, {_lowered_first(patterns.THEN.sub('', f.text))}"
    if word.endswith("dedans") or word == "dessus":
        preposition = "sur" if word == "dessus" else "dans"
        return f.text[: found.start()] + f"{preposition} {f.topic}" + f.text[found.end() :]
    name = f.topic
    if word == "cette commande" and f.before.action:
        name = f"la commande pour {f.before.action}"
    plural = word.startswith(("ceux", "celles", "ces"))
    if re.search(r"[- ](?:ci|la)$|derni", word):
        feminine = word.startswith(("celle", "cette"))
        name = agreeing(f.candidates, plural=plural, feminine=feminine) or name
    left = f.text[: found.start()]
    if of := re.search(r"\b(de|à) $", left):
        return left[: of.start()] + joined(of[1], name) + f.text[found.end() :]
    return left + name + f.text[found.end() :]


def _object(f: _FollowUp) -> str | None:
    """ "comment on le supprime ?", "qui les gère ?" """
    found = patterns.OBJECT.search(f.folded)
    if not found:
        return None
    pronoun = found["pro"] or found["pro2"] or found["pro3"]
    name = f.referent(pronoun.strip())
    asked = patterns.THEN.sub("", f.text)
    return f"{name}, {_lowered_first(asked)}"


def _one_and_other(f: _FollowUp) -> str | None:
    """ "on peut mettre l'un dans l'autre ?" """
    found = patterns.ONE_AND_OTHER.search(f.folded)
    if not found or not f.before.second:
        return None
    one, other = f.before.topic, f.before.second
    return f.text[: found.start()] + one + f.part(found, "between") + other + f.text[found.end() :]


def _those_that(f: _FollowUp) -> str | None:
    """ "et celles qui touchent tout le chromosome ?": "les mutations qui touchent …" """
    if not (found := patterns.THOSE_THAT.match(f.folded)):
        return None
    many = found["that"].startswith(("ceux", "celles"))
    head = _head(f.before.topic)
    if many and not is_plural(head):
        head = plural_of(head)
    return f"{with_article(head)} {f.part(found, 'rest')}"


def _head(topic: str) -> str:
    """Return the article and noun that a topic begins with: "la pilule" of "… contraceptive"."""
    article = ARTICLE.match(topic)
    start = article.end() if article else 0
    return topic[:start] + topic[start:].split(" ")[0]


def _which_one(f: _FollowUp) -> str | None:
    """ "lequel est le plus léger ?" """
    if not patterns.WHICH_ONE.match(f.folded):
        return None
    text = re.sub(r"^et ", "", f.text, flags=re.I)
    if f.before.second:
        return f"Entre {f.topic}, {_lowered_first(text)}"
    return f"Parmi {_asked_for(f.before) or f.topic}, {_lowered_first(text)}"


_RULES: tuple[Callable[[_FollowUp], str | None], ...] = (
    _why,
    _how,
    _works,
    _purpose,
    _definition,
    _details,
    _next,
    _example,
    _command,
    _inverse,
    _short,
    _which,
    _which_one,
    _one_and_other,
    _those_that,
    _difference,
    _attributes,
    _possessed,
    _action,
    _embedded,
    _adjunct,
    _instead,
    _possessive,
    _subject,
    _object,
    _that,
)
