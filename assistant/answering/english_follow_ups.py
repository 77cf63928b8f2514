"""English follow-ups made standalone: "why?", "and volumes?", "how do I delete them?".

The English counterpart of the French rules, with the fewer forms that English needs. A
question that no rule knows is complete, and is left alone.
"""

from __future__ import annotations

import re

from assistant.answering.noun_phrases import bare, phrases, unaccented
from assistant.answering.question_topic import Asked, Form

_AND = r"(?:(?:and|but|ok|so|then)\b,? )?"
_OBJECT = r"(?:it|them|this|that|these|those)"
_ATTRIBUTE = (
    r"(?:main |possible )?(?:limits|limitations|advantages?|drawbacks?|"
    r"disadvantages?|risks?|role|purpose|goals?|benefits?|"
    r"components?|parts|steps|requirements|prerequisites|tools|types|kinds|"
    r"best practices|properties|architecture|"
    r"format|size|use cases|alternatives|options|commands|causes|effects|port|"
    r"default port|pros and cons)"
)
_WHY = re.compile(
    rf"{_AND}why(?: (?:is that|so|that|not))?|{_AND}how come|what for|for what reason"
)
_HOW = re.compile(
    rf"{_AND}how(?: (?:so|exactly|(?:do|can|would) (?:i|you|we|one) do (?:it|that|"
    rf"this)|to do (?:it|that|this)))?"
)
_WORKS = re.compile(rf"{_AND}how do(?:es)? (?:it|that|this|they|these) work")
_PURPOSE = re.compile(
    rf"{_AND}what(?:'s| is| are) (?:it|that|this|they|these)(?: used)? for|{_AND}what's the point"
)
_DEFINITION = re.compile(
    rf"{_AND}(?:what(?:'s| is| are) (?:it|that|this|they|these)|what does (?:it|"
    rf"that) mean|definition)"
)
_DETAILS = re.compile(
    r"(?:(?:can|could) you |please )?(?:(?:give me |tell me |"
    r"any )?(?:some )?more(?: (?:details?|info|information))?(?: about (?:it|that|"
    r"this|them))?|"
    r"elaborate|explain(?: (?:more|further|that|it|better))*|details|go on|continue|"
    r"i don't (?:get it|understand)|in more detail|summari[sz]e)"
)
_EXAMPLE = re.compile(
    rf"{_AND}(?:(?:can|could) you )?(?:(?:give|show)(?: me)? |do you have |any |"
    rf"is there |for )?(?:an?|another|some|one|any)? ?(?:concrete |simple |"
    rf"code )?examples?"
)
_INVERSE = re.compile(
    rf"{_AND}(?:what about |how about )?the (?:opposite|reverse|"
    rf"other way(?: a?round)?)|{_AND}vice versa"
)
_SHORT = re.compile(rf"{_AND}(?P<w>where|when|who|by whom|how many|how much|how often|since when)")
_DIFFERENCE = re.compile(
    rf"{_AND}(?:what(?:'s| is| are) )?(?:the )?differences? (?:with|from|to|"
    rf"compared to|between {_OBJECT} and) (?P<x>.+)|"
    rf"{_AND}(?:how (?:is|are|does|do) (?:it|they|that) (?:differ(?:ent)?) from|"
    rf"compared to|versus|vs) (?P<y>.+)"
)
_ATTRIBUTES = re.compile(
    rf"{_AND}(?:what about |how about )?(?:(?:what|which) (?:is|are) )?(?:its |"
    rf"their |the |any )(?P<n>{_ATTRIBUTE})"
)
_OF_ITS = re.compile(r"\b(?:its|their) (?P<n>[\w-]+)")
_ACTION = re.compile(
    rf"{_AND}(?P<lead>(?:how|where|when|why) (?:do|can|should|would) (?:i|you|we|"
    rf"one) |how to |to |(?:which|what) command (?:is used )?to |can (?:i|you|we) )"
    rf"(?P<v>[a-z-]+(?: up| down)?) (?P<o>{_OBJECT})"
    r"(?P<rest>(?: (?:on|in|with|from|for|to|without|as|by|automatically|again|"
    r"permanently|safely|properly|myself)\b.*)?)"
)
_AND_DO = re.compile(r"(?:and|or|but) (?P<v>[a-z]+) (?:it|them|this|that)(?P<rest>(?: .*)?)")
_PLACE = re.compile(
    r"(?:and|but|what about|how about) (?P<adj>(?P<prep>on|in|with|under|without|inside) (?P<x>.+))"
)
_INSTEAD = re.compile(
    r"(?:(?:and|but)(?: what about| how about| for)?|what about|how about|"
    r"(?:the )?same(?: question)?(?: for)?) (?P<x>.+)"
)
_CLAUSE = re.compile(
    r"\b(?:what|why|how|when|where|which|who|is|are|do|does|can|could|should|will|"
    r"did|was|were|has|have|use|uses|i|you|we)\b"
)
_PRONOUN = re.compile(
    r"\b(?:it|they|them|this one|that one)\b|\b(?:this|that|these|those) (?:command|"
    r"tool|technology|concept|thing)s?\b"
    r"|\b(?:this|that)$"
)
_DUMMY = re.compile(
    r"\bit (?:is )?[\w-]+ (?:to|that|for|if)\b|\b(?:is|was|does|"
    r"would) it [\w-]+ (?:to|that|for|if)\b|\bis it that\b|\bit takes?\b|"
    r"\bdoes it take\b"
)


def standalone(asked: str, before: Asked) -> str | None:
    """Return `asked` (its plain form) as a whole question; None where it is one already."""
    folded = unaccented(asked)
    topic = f"{before.topic} and {before.second}" if before.second else before.topic
    topic = re.sub(r"^(?:les? |la |l'|une? |des )", "", topic, flags=re.I)
    topic = topic[0].lower() + topic[1:] if re.match(r"(?:the|an?)\b", topic, re.I) else topic
    are = "are" if re.search(r"(?<![su'i])s$", topic.split(" of ")[0]) or before.second else "is"
    if _WHY.fullmatch(folded):
        if before.form is Form.ACTION:
            return f"Why {before.action}"
        if before.form in (Form.DEFINITION, Form.PURPOSE, Form.WORKING):
            return f"Why use {topic}"
        return f"{before.text}, and why"
    if _HOW.fullmatch(folded):
        return f"How to {before.action or f'use {topic}'}"
    if _WORKS.fullmatch(folded):
        return f"How {'do' if are == 'are' else 'does'} {topic} work"
    if _PURPOSE.fullmatch(folded):
        return f"What {are} {topic} for"
    if _DEFINITION.fullmatch(folded):
        return f"What {are} {topic}"
    if _EXAMPLE.fullmatch(folded):
        return f"Give an example of {before.action or bare(topic)}"
    if folded and _DETAILS.fullmatch(folded):
        return f"More details about {before.action or topic}"
    if _INVERSE.fullmatch(folded):
        if before.second:
            return f"{before.before}{before.second} and {before.topic}"
        return f"What is the opposite of {before.action or topic}"
    if found := _SHORT.fullmatch(folded):
        return f"{before.text}, and {found['w']}"
    if found := _DIFFERENCE.fullmatch(folded):
        other = asked[slice(*found.span("x" if found["x"] else "y"))]
        one = topic.split(" and ")[0] if before.second else topic
        return f"What is the difference between {one} and {other}"
    if found := _ATTRIBUTES.fullmatch(folded):
        noun = found["n"]
        return f"What {'are' if noun.endswith('s') else 'is'} the {noun} of {topic}"
    if (found := _ACTION.fullmatch(folded)) and not _named(asked[: found.start("v")]):
        lead = "how to " if found["lead"] == "to " else asked[slice(*found.span("lead"))]
        return f"{lead}{found['v']} {topic}{asked[found.start('rest') :]}"
    if before.action and (found := _AND_DO.fullmatch(folded)):
        lead = before.text.removesuffix(before.action)
        return f"{lead}{found['v']} {topic}{asked[found.start('rest') :]}"
    if (found := _PLACE.fullmatch(folded)) and not _CLAUSE.search(found["x"]):
        said = re.search(rf"\b{found['prep']} (?:the |an? )?[\w.+-]+", before.text)
        adjunct = asked[found.start("adj") :]
        return before.text.replace(said[0], adjunct) if said else f"{before.text} {adjunct}"
    if (found := _INSTEAD.fullmatch(folded)) and not _CLAUSE.search(found["x"]):
        name = asked[found.start("x") :]
        return before.about(name) if len(name.split()) <= 6 and _named(name) else None
    return _with_names(asked, topic)


def _with_names(asked: str, topic: str) -> str | None:
    folded = _DUMMY.sub(lambda m: "#" * len(m[0]), asked.lower())
    if (found := _OF_ITS.search(folded)) and not _named(asked[: found.start()]):
        return f"{asked[: found.start()]}the {found['n']} of {topic}{asked[found.end() :]}"
    if (found := _PRONOUN.search(folded)) and not _named(asked[: found.start()]):
        return asked[: found.start()] + topic + asked[found.end() :]
    return None


def _named(text: str) -> bool:
    """Whether a noun stands in `text`, for which a pronoun after it can stand."""
    left = re.sub(
        r"\b(?:which|what|how many|how much) [\w-]+|\b(?:possible|take|exactly)\b",
        " ",
        text,
        flags=re.I,
    )
    return bool(phrases(left, "en"))
