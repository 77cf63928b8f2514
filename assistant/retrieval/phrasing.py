"""What a question looks for, without the phrase around it, its words written out.

"Peux-tu m'expliquer ce qu'est une image, stp ?" looks for "une image": words that only ask
are in no note, and would count as words that the notes do not say. A question is never
emptied; one without such a phrase comes back as it was. What is asked (a definition, a
purpose) is read from the question itself, not from this.
"""

from __future__ import annotations

import re

from assistant.message_spelling import spelt

_GREETING = (
    r"(?:bonjour|bonsoir|salut|coucou|hello|hi|hey|bjr|slt|merci|svp|stp|please)\b[\s,!.;:]*"
)
_POLITE = r"(?:s['’ ]?il (?:te|vous) pla[iî]t|svp|stp|please|merci(?: d['’]avance)?|thanks?)"
_CAN = (
    r"(?:(?:est[- ]ce que )?(?:tu peux|vous pouvez|tu pourrais|vous pourriez)|peux[- ]tu|"
    r"pouvez[- ]vous|pourrais[- ]tu|pourriez[- ]vous|can you|could you|would you)"
)
_TELL = (
    r"(?:(?:ré)?expliqu(?:er|ez|e)|di(?:re|tes|s)|rappel(?:er|ez|le)|donn(?:er|ez|e)|"
    r"parl(?:er|ez|e)|défini(?:r|ssez|s)|definir|décri(?:re|vez|s)|présent(?:er|ez|e)|"
    r"explain|tell|describe|define|give)"
)
_WISH = (
    r"(?:j['’]?(?:ai|e n['’]ai)? ?(?:pas|rien|toujours pas) compris|"
    r"je (?:ne |n['’])?comprends? pas|(?:je )?(?:voudrais|veux|aimerais|souhaite)(?: bien)? "
    r"(?:savoir|comprendre|connaître)|j['’]aimerais (?:savoir|comprendre|connaître)|"
    r"je cherche(?: à (?:savoir|comprendre))?|"
    r"i (?:do not|don['’]t) understand|i (?:want|would like) to (?:know|understand))"
)
_MEANING = (
    r"(?:(?:la |une |the |a )?(?:définition|definition|signification|meaning)s?"
    r"(?: (?:de la |de l['’]|du |des |de |d['’]|of (?:the |an? )?)| (?=\w)))"
)
_WHAT_IT_IS = (
    r"(?:ce (?:qu['’ ]est|que (?:sont|c['’]est(?: que)?(?: qu['’])?))\s+|"
    rf"what (?:is|are) |(?:la notion|le concept) (?:de la |de l['’]|du |des |de |d['’])|{_MEANING}|"
    r"(?:de la |du |des |about )(?=\w)|(?:de |si |if )(?=\w))"
)
_OPENING = re.compile(
    rf"^\W*(?:{_GREETING})*(?:{_POLITE}[\s,]+)?"
    rf"(?:(?:(?:{_CAN}\s+)(?:(?:me|nous|le|la|les|please)\s+|m['’ ]\s*)*{_TELL}|{_TELL}|{_WISH})"
    rf"(?:[- ](?:moi|nous|me|us))?(?:[\s,:]+(?:{_WHAT_IT_IS})?|$)|{_MEANING})?",
    re.I,
)
_CLOSING = re.compile(rf"[\s,]*\b{_POLITE}\s*(?P<mark>[?!.]*)\s*$", re.I)
# Notes say what a thing is for, hardly ever why one uses it.
_WHY_USE = re.compile(
    r"^\W*pourquoi (?:(?:est-ce qu['’ ]?)?on |faut[- ]il |il (?:faut|faudrait) |"
    r"on (?:doit|devrait) |devrait[- ]on |doit[- ]on )?"
    r"(?:utilise[rz]?|employe[rz]?|emploie|se sert d['’e]\s?)\s+(\w)",
    re.I,
)


def core(question: str) -> str:
    """Return what `question` looks for; the question itself where that is all of it."""
    asked = _WHY_USE.sub(r"à quoi sert \1", spelt(question))
    inner = _CLOSING.sub(lambda end: f" {end['mark']}", _OPENING.sub("", asked, count=1)).strip()
    return inner if any(map(str.isalnum, inner)) else question
