"""French follow-ups made standalone: "et ses limites ?", "pourquoi ?", "comment les supprimer ?".

Each rule knows one way of leaning on what was asked before and returns the whole question,
or None. A question that no rule knows is complete: it is better left alone than wrongly
completed. Rules read the words without accents, and write with those of the student.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

from assistant.analysis import analyse
from assistant.answering.question_topic import (
    ARTICLE,
    INFINITIVE,
    NOUNS_LIKE_INFINITIVES,
    Asked,
    Form,
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

_AND = r"^(?:(?:et|mais|donc|sinon)\b,? )?(?:(?:alors|du coup|sinon|maintenant|enfin)\b,? )?"
_ASK_FOR = (
    r"(?:(?:est-ce que )?(?:tu (?:peux|pourrais|saurais)|peux-tu|pourrais-tu|"
    r"vous pouvez|pouvez-vous) (?:m'|me |nous )?"
    r"(?:en )?(?:donner|montrer|citer|avoir|dire)|(?:donne|montre|"
    r"cite)[rz]?(?:[- ](?:moi|nous))?(?:[- ]en)?|"
    r"(?:est-ce que )?(?:t'as|t'aurais|tu as|tu aurais|as[- ]tu|vous avez|"
    r"avez[- ]vous|il y a|y a[- ]t[- ]il|y a|on a)|"
    r"je (?:veux|voudrais|veut|peux avoir)|j'(?:aimerais|ai besoin d'?)|il me faut) ?"
)


def _whole(pattern: str) -> re.Pattern[str]:
    return re.compile(rf"{_AND}(?:{pattern})$")


_WHY = _whole(
    r"(?:mais )?pourquoi(?: (?:ca|cela|donc|faire|faire ca|(?:c'est|"
    r"est-ce) (?:le cas|comme ca|ainsi|utile|"
    r"important|necessaire|obligatoire)))?|pour quelles? raisons?|c'est-a-dire pourquoi|"
    r"explique(?:z)?(?:[- ]moi)? pourquoi|(?:a|pour) cause de quoi|comment ca se fait"
)
_HOW = _whole(
    r"comment(?: (?:ca|donc|faire|faire ca|on fait|on fait ca|fait-on|je fais|"
    r"je fais ca|fais-je|proceder|s'y prendre|"
    r"on s'y prend|ca se fait|(?:le |la |les )?faire|on peut faire|je peux faire|"
    r"puis-je faire|peut-on faire))?|"
    r"(?:on|je) fait? comment|de quelle (?:maniere|facon)|explique(?:[- ]moi)? comment(?: faire)?"
)
_WORKS = _whole(
    r"comment (?:est-ce que )?(?:ca|cela|il|elle|ils|elles) (?:marche|fonctionne)(?:nt)?|"
    r"comment (?:fonctionne|marche)(?:nt)?(?:-t)?[- ](?:il|elle|ils|elles)|"
    r"(?:ca|il|elle|ils|elles) (?:marche|fonctionne)(?:nt)? comment"
)
_PURPOSE = _whole(
    r"a quoi (?:est-ce que )?(?:ca|cela|il|elle|ils|elles) (?:sert|servent)|"
    r"a quoi (?:sert|servent)[- ](?:ils?|elles?)|a quoi ca (?:peut|va) servir|"
    r"(?:ca|cela|il|elle|ils|elles) (?:sert|servent) a quoi|"
    r"(?:c'est )?pour quoi faire|c'est pour quoi|"
    r"(?:quel|c'est quoi l') ?interet|a quoi bon|dans quel but|quel (?:en )?est le but"
)
_DEFINITION = _whole(
    r"c'est quoi(?: (?:ca|ce truc|cette chose|comme truc))?|"
    r"qu'est-ce que c'est(?: que ca)?|(?:ca|c'est) veut dire quoi|"
    r"ca veut dire quoi|que veut dire ce mot|(?:la |une )?definition"
)
_DETAILS = _whole(
    rf"(?:{_ASK_FOR})?(?:un peu )?(?:plus|davantage)(?: en)? (?:de |d')?(?:details?|"
    rf"precisions?|infos?|informations?|explications?)|"
    r"(?:un peu )?plus(?: en)? details?|en details?|details?|"
    r"(?:des )?(?:precisions?|details?|explications?)|"
    r"plus precisement|c'est[- ]a[- ]dire|"
    r"developpe[rz]?|precise[rz]?|detaille[rz]?|"
    r"explique[rz]?(?:[- ]moi)?(?: (?:mieux|plus|ca|davantage))*|"
    r"(?:j'ai |j')?(?:pas|rien) (?:tout )?compris|je n'ai pas (?:tout |"
    r"bien )?compris|je (?:ne )?comprends? pas|"
    r"dis[- ]m'en (?:un peu )?plus|(?:tu peux|peux[- ]tu|"
    r"pourrais[- ]tu) (?:developper|preciser|detailler|expliquer|"
    r"m'expliquer|reexpliquer|m'en dire plus|en dire plus)(?: (?:mieux|plus|ca|"
    r"davantage))*|continue[rz]?|"
    r"la suite|quoi d'autre|c'est tout|autre chose|encore|"
    r"resume[rz]?(?:[- ]moi)?(?: ca)?|en resume|en bref"
)
_NEXT = _whole(
    r"(?:et )?(?:ensuite|apres|puis|apres ca|quelle est la suite|"
    r"on fait quoi (?:apres|ensuite)|que faire ensuite)"
)
_EXAMPLE = _whole(
    rf"(?:{_ASK_FOR})?(?:un autre |d'autres |un petit |un |une |des |quelques |l'|"
    rf"d')?(?:par )?exemples?"
    r"(?P<of> (?:concrets?|simples?|pratiques?|complets?|reels?|precis|de (?:code|"
    r"commandes?|fichier|configuration)|"
    r"d'(?:utilisation|usage)))?"
)
_COMMAND = _whole(
    r"(?:(?:avec|par|via) )?(?:quell?e?s?(?: est| sont)?(?: la| les)?|la|les|une|"
    r"c'est quoi(?: la| les)?|(?:donne|montre)[rz]?(?:[- ]moi)? (?:la|les)) "
    r"(?P<n>commandes?|syntaxe|instructions?|options?|code)"
    r"(?: (?:exactes?|precises?|pour (?:ca|cela|faire ca|le faire|y arriver)|"
    r"a (?:taper|utiliser|lancer|faire)|(?:il )?faut(?:[- ]il)?(?: (?:taper|"
    r"utiliser|lancer))?|"
    r"(?:je|on) (?:tape|utilise|lance|dois taper)|dois-je (?:taper|utiliser)|correspondante))?"
)
_INVERSE = _whole(
    r"(?:pour )?(?:faire )?(?:l'inverse|le contraire|l'oppose|l'operation inverse|"
    r"dans l'autre sens|dans le sens inverse|inversement)|"
    r"comment (?:on fait|faire|fait-on) (?:l'inverse|le contraire|l'operation inverse)"
)
_SHORT = _whole(
    r"(?P<w>ou(?: ca)?|quand(?: ca)?|qui(?: ca)?|par qui|avec qui|avec quoi|"
    r"depuis quand|dans quel cas|dans quels cas|a quel moment|"
    r"en quelle annee|combien|combien de temps|(?:sur|dans|avec|pour|par|de|a|en|"
    r"depuis|contre|chez) (?:quoi|qui|quell?e?s? [\w-]+)|"
    r"\w+ par (?:quoi|qui))"
)
_WHICH = _whole(
    r"(?:c'est )?(?P<w>lesquels|lesquelles|lequel|laquelle|les quels|quels|"
    r"quelles)(?: sont-(?:ils|elles)| par exemple)?"
)
_DIFFERENCE = _whole(
    r"(?:(?:c'est quoi|quell?e?s?(?: est| sont)?|y a[- ]t[- ]il|est-ce qu'il y a|"
    r"il y a|en quoi|qu'est-ce qui fait) )?(?:la |les |une |quoi la )?"
    r"differences?(?: (?:entre (?:ca|lui|eux|elle|les deux)(?: et)?|avec|"
    r"par rapport|d'avec|vs|versus|et) ?(?P<p>a |aux? |la |le )?(?P<x>.+?))?|"
    r"(?:en quoi )?(?:c'est|est-ce|ca|il|elle|ils|elles) (?:est |"
    r"sont )?(?:different\w*|differe\w*) (?P<q>des |du |de |d')(?P<y>.+?)|"
    r"(?:par rapport|compare\w*) (?P<r>a |aux? )(?P<z>[^,]+?)(?:, (?:ca|il|"
    r"elle)\b.*)?|(?:vs|versus) (?P<v>.+?)"
)
_COMPARED = re.compile(
    rf"{_AND}(?P<x>[^,]+),? (?:c'est|est-ce) (?:different|pareil|la meme chose|le meme principe)$"
)
_BOTH = re.compile(r"^(?:entre )?(?:les deux|eux|elles|ces deux.*)?$")

_ATTRIBUTE = (
    r"limit\w+|avantages?|inconvenients?|desavantages?|defauts?|risques?|dangers?|"
    r"role|but|objectifs?|utilite|interet|principes?|"
    r"fonctionnement|composants?|composantes?|elements?|constituants?|etapes?|"
    r"prerequis|pre-requis|outils?|types?|categories?|sortes?|"
    r"bonnes pratiques|proprietes?|caracteristiques?|particularites?|architecture|"
    r"structure|format|taille|version|auteur|date|prix|couts?|"
    r"causes?|consequences?|effets?|formules?|unites?|preuve|demonstration|"
    r"hypotheses?|conditions?|usages?|cas d'usages?|utilisations?|applications?|"
    r"alternatives?|origine|histoire|nom|emplacement|ports?|port par defaut|"
    r"performances?|securite|isolation|noyau|poids|"
    r"demarrage|inverse|points (?:forts|faibles|cles)|regles?|contraintes?|"
    r"missions?|fonctions?|responsabilites?|parties|couches|"
    r"modes?|options? (?:possibles|disponibles)|commandes? (?:utiles|de base|cles|"
    r"principales)|valeurs?|dependances|recommandations?"
)
_DONE = (
    r"installation|configuration|creation|suppression|mise a jour|desinstallation|"
    r"sauvegarde|restauration|construction|"
    r"publication|gestion|utilisation|restauration|modification|communication|"
    r"generation|securisation|demarrage|arret"
)
_ATTRIBUTES = _whole(
    rf"(?:(?:pour )?(?:(?:quell?e?s? (?:en )?(?:est|sont)|c'est quoi|"
    rf"{_ASK_FOR}) ?)?(?P<d>les |le |la |l'|des |un |une |quell?e?s? ))"
    rf"(?P<n>{_ATTRIBUTE}|{_DONE})(?P<adj> (?:principa\w+|possibles?|importante?s?|"
    rf"requis))?(?: y a-t-il| il y a)?"
)
_POSSESSIVE = re.compile(
    r"\b(?P<d>ses|son|sa|leurs|leur) (?P<n>[\w-]+(?: d'usages?| pratiques|"
    r" d'utilisation| par defaut| forts| faibles)?)"
)
_POSSESSED = _whole(
    r"(?:pour |sur )?(?:(?:c'est quoi|quell?e?s? (?:est|sont)|"
    r"qu'en est-il de) )?(?P<d>ses|son|sa|leurs|leur) (?P<n>.+)"
)
_FEMININE = re.compile(
    r"^(?:limites?|etapes?|options?|commandes?|bonnes pratiques|couches?|causes?|"
    r"regles?|preuve|formules?|taille|date|"
    r"parties?|hypotheses?|missions?|caracteristiques?|contraintes?|composantes?|"
    r"sortes?|categories|mise|sauvegarde|origine|"
    r"histoire|syntaxe|valeurs?|alternatives?|structures?|architectures?|adresses?|"
    r"cle|cles|base|memoire|commande|url)\b"
    r"|^\w+(?:ions?|tes?|ures?|[ae]nces?|ettes?)\b(?<!composants)"
)

_CALLING = (
    r"comment (?:est-ce qu'on |on |je |tu )?(?:fait |fais |peut |peux |doit |"
    r"dois )?(?:faire )?(?:pour )?|comment (?:peut-on|puis-je|doit-on|dois-je|"
    r"faut-il) (?:faire pour )?|"
    r"(?:peut-on|puis-je|doit-on|dois-je|faut-il|on peut|on doit|il faut|"
    r"est-ce qu'on peut|est-ce qu'il faut|je peux|pourquoi|quand|ou|"
    r"quand (?:faut-il|peut-on)|"
    r"ou (?:peut-on|puis-je|faut-il)|pourquoi (?:faut-il|faire|doit-on|peut-on)|"
    r"pour|c'est possible de|est-il possible de|"
    r"(?:avec )?quelle (?:est la )?(?:commande|option) (?:pour|permet de|"
    r"il faut pour)|on fait comment pour|je fais comment pour) "
)
_ACTION = re.compile(
    rf"{_AND}(?P<lead>{_CALLING}|(?<=^et )(?=(?:les? |la |l'|"
    rf"en )))(?P<cl>ne pas )?(?P<pro>les |le |la |l'|en |y |s'y )?"
    rf"(?P<v>{INFINITIVE})(?P<rest>.*)$"
)
_NO_OBJECT = frozenset("faire proceder continuer fonctionner marcher etre avoir commencer aller "
                       "savoir progresser apprendre reviser dormir".split())  # fmt: skip
_NO_COMPLEMENT = re.compile(
    r"^(?:(?: (?:un|une|plusieurs|deux|trois|d'autres|aussi|ensuite|apres|soi-meme|"
    r"correctement|automatiquement|proprement|"
    r"facilement|davantage|mieux|comment|ou|quand|avec quoi|completement|"
    r"definitivement|manuellement|tous|toutes|tout|vite|rapidement|ca|cela|"
    r"en une fois|d'un coup|"
    r"par defaut|a jour|a distance|ici))*)(?P<adj>(?: |,)(?:sous|sur|dans|avec|en|"
    r"par|chez|avant|apres|depuis|sans|via|pour|vers|a partir|au|aux|a) .+)?$"
)
_OPPOSITES = tuple(
    pair.split("/")
    for pair in (
        "créer/supprimer ajouter/supprimer démarrer/arrêter lancer/arrêter "
        "installer/désinstaller monter/démonter activer/désactiver ouvrir/fermer "
        "compresser/décompresser sauvegarder/restaurer autoriser/interdire "
        "chiffrer/déchiffrer connecter/déconnecter envoyer/récupérer télécharger/publier "
        "pousser/récupérer exporter/importer bloquer/autoriser allumer/éteindre "
        "coder/décoder monter/descendre augmenter/diminuer"
    ).split()
)
_SUBJECT = re.compile(
    r"(?:^|(?<= ))(?P<que>qu')?(?P<pro>ils|elles|il|elle)(?= )|"
    r"(?P<v>\b[\w']+)-(?:t-)?(?P<inv>ils|elles|il|elle)\b"
)
_COUNTED_SUBJECT = re.compile(
    r"^(?:et )?(?:quell?e?s?|combien de) .*\b(?:est|sont)-(?:ils?|elles?)$"
)
_IMPERSONAL = re.compile(
    r"\b(?:y[- ](?:a|aura|avait|aurait|eut)[- ]t[- ]il|il y (?:a|en a|avait)|"
    r"en est[- ]il|s'est[- ]il passe|a[- ]t[- ]il fallu|"
    r"(?:faut|faudra|fallait|existe|suffit|s'agit|vaut|passe|arrive|reste|convient|"
    r"manque|semble|importe|advient)(?:[- ]t)?[- ]?-?il\b|"
    r"il (?:me |te |nous |vous |s'|se |en |y )?(?:faut\w*|faudra|existe|suffit|agit|"
    r"vaut|passe|reste|convient|manque|semble|importe|arrive)\b|"
    r"(?:est|serait|etait)[- ]il (?=\w+ble\b|obligatoire|necessaire|conseille|"
    r"recommande|utile|interdit|important)|"
    r"il (?:est|serait) (?=\w+ble\b|obligatoire|necessaire|conseille|recommande|"
    r"utile|interdit|important|vrai))"
)
_THAT = re.compile(
    r"\b(?:ca|cela|ceci|c'(?:est|etait)|est-ce(?! qu)|celui-ci|celle-ci|ceux-ci|"
    r"celles-ci|celui-la|celle-la|ce dernier|"
    r"cette derniere|ces derni\w+|dedans|dessus|la-dedans|"
    r"cet outil|cette commande|ce concept|cette technologie|cette technique|"
    r"cette notion|ce truc|ce machin|ce terme|ce mot|cette chose|"
    r"ce systeme|ce mecanisme|cette methode|ce fichier|cette option|cet objet|"
    r"ce type|cette approche|cette fonction|cette formule|ce service|"
    r"cette solution)\b(?! d(?:e|u|es|')\b)"
)
_NOT_THAT = re.compile(
    r"c'est quoi|qu'est-ce|est-ce qu|c'est-a-dire|comme ca|c'est[- ]a[- ]dire|"
    r"c'est (?:qui|ou|quand|combien|comment|quel\w*)\b"
)
_QUESTION_WORD = re.compile(
    r"\b(?:comment|pourquoi|quell?e?s?|quoi|ou|combien|quand|qui|est-ce|qu'\w+|que|"
    r"lequel|laquelle|what|why|how|"
    r"est|sont|peut|peuvent|sert|servent|permet|permettent|fait|font|a-t-\w+|faut|"
    r"doit|doivent|marche|fonctionne|existe|"
    r"utilise|utilisent|contient)\b|-(?:t-)?(?:il|elle|on|ils|elles|je|tu|nous|"
    r"vous)\b|(?<!\w)(?:c|s|j)'\w"
)
_INSTEAD = re.compile(
    r"^(?:(?:et|mais|sinon|alors|donc)\b,? (?:alors |donc |du coup |"
    r"sinon )?(?P<pour>pour |concernant |quant aux? |(?:de |d')(?=ceux|celles))?"
    r"|(?:et )?(?:quid|qu'en est-il|meme (?:question|chose)(?: pour)?|"
    r"pareil(?: pour)?|idem(?: pour)?)(?P<quid> (?:du|des|de la|de l'|de|d'|"
    r"pour))? ?"
    r"|(?P<only>pour ))(?P<x>.+)$"
)
_ADJUNCT = re.compile(
    r"^(?:(?:et|mais|sinon|alors|donc|pareil)\b,? )?(?P<adj>(?P<prep>sous|sur|dans|"
    r"avec|en|chez|via|sans|par|avant|apres|depuis|a partir de|pour la|pour les|"
    r"pour le) ?(?P<x>.+))$"
)
_SAME_PLACE = {"sous": "sous|sur", "sur": "sous|sur"}
_OWNER = re.compile(r" (?:d'une? |du |des |de la |de l').+$")
_THOSE = re.compile(r"^(?:ceux|celles|celui|celle) (?P<p>de la |de l'|du |des |de |d')(?P<x>.+)$")
_FRONTED = re.compile(r"^(?:et )?(?:sous|sur|avec|dans|en|pour|chez|sans) [^,]+, ")
_EVERYDAY = re.compile(
    r"\b(?:quell?e?s? (?:est|sont) (?=l|s)|quell?e?s? [\w-]+(?: (?:de |d'|du )[\w-]+)?|"
    rf"(?:comment|pour|peut-on|faut-il|puis-je|doit-on|on peut|il faut|possible de) {INFINITIVE}|"
    r"combien (?:de |d')[\w-]+(?: de [\w-]+)?|est-ce qu\w*'?|"
    r"(?:possible|necessaire|obligatoire|utile|facile|vraiment|exactement|mieux|"
    r"toujours|aussi|encore|bien|exemple|moment|temps|cas|"
    r"alors|ensuite|concretement|precisement|sinon|maintenant|autrement dit|en fait|"
    r"en gros|donc)\b)"
)


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
        self.candidates = [with_article(name) for name in found if name]
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
        fronted = _FRONTED.match(self.folded[:end])
        start = fronted.end() if fronted else 0
        left = _EVERYDAY.sub(" ", self.folded[start:end])
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
    if not _WHY.match(f.folded):
        return None
    before = f.before
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
    if not _HOW.match(f.folded):
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
    return f"l'{noun}" if re.fullmatch(_DONE, unaccented(noun)) else None


def _works(f: _FollowUp) -> str | None:
    if not (found := _WORKS.match(f.folded)):
        return None
    pronoun = re.search(r"\b(ils?|elles?)\b", found[0])
    topic = f.referent(pronoun[0]) if pronoun else f.topic
    return f"Comment {'fonctionnent' if f.is_plural(topic) else 'fonctionne'} {topic}"


def _purpose(f: _FollowUp) -> str | None:
    if not (found := _PURPOSE.match(f.folded)):
        return None
    pronoun = re.search(r"\b(ils?|elles?)\b", found[0])
    topic = f.referent(pronoun[0]) if pronoun else f.topic
    return f"À quoi {'servent' if f.is_plural(topic) else 'sert'} {topic}"


def _definition(f: _FollowUp) -> str | None:
    return f"C'est quoi {f.topic}" if _DEFINITION.match(f.folded) else None


def _details(f: _FollowUp) -> str | None:
    if not _DETAILS.match(f.folded):
        return None
    before = f.before
    if before.form in (Form.DEFINITION, Form.PURPOSE, Form.WORKING):
        return f"Plus de détails sur {f.topic}"
    return f"Plus de détails : {_lowered(re.sub('^Plus de détails : ', '', before.text))}"


def _next(f: _FollowUp) -> str | None:
    if not _NEXT.match(f.folded):
        return None
    if f.before.form is Form.ACTION:
        return f"Quelle est l'étape suivante pour {f.before.action}"
    return f"Plus de détails sur {f.topic}"


def _example(f: _FollowUp) -> str | None:
    if not (found := _EXAMPLE.match(f.folded)):
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
    if not (found := _COMMAND.match(f.folded)):
        return None
    noun = f.part(found, "n")
    many = noun.endswith("s")
    which = ("Quelles" if many else "Quel") if noun == "code" else ("Quelles" if many else "Quelle")
    return f"{which} {noun} pour {f.before.action or f.topic}"


def _inverse(f: _FollowUp) -> str | None:
    if not _INVERSE.match(f.folded):
        return None
    before = f.before
    if before.second:
        return f"{before.before}{joined(before.preposition, before.second)} et {before.topic}"
    if swapped := re.search(r"\bde (.+?) (vers|à|en) (.+)$", before.text):
        one, way, two = swapped.groups()
        return f"{before.text[: swapped.start()]}de {two} {way} {one}"
    for one, other in _OPPOSITES:
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
    if not (found := _SHORT.match(f.folded)):
        return None
    return _same_with(f.before, f"et {re.sub(' ça$| ca$', '', f.part(found, 'w')).lower()}")


def _which(f: _FollowUp) -> str | None:
    if not (found := _WHICH.match(f.folded)):
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
    if found := _COMPARED.match(f.folded):
        return f"Quelle est la différence entre {f.topic} et {uncapitalised(f.part(found, 'x'))}"
    if not (found := _DIFFERENCE.match(f.folded)):
        return None
    other = ""
    for contraction, group in (("p", "x"), ("q", "y"), ("r", "z"), ("", "v")):
        if found[group]:
            article = f.part(found, contraction) if contraction else ""
            other = f.part(found, group)
            word = article.strip().lower()
            other = article + other if word in ("la", "le") else freed(article, other)[1]
            break
    if _QUESTION_WORD.search(unaccented(other)):
        return None
    topic = with_article(f.before.topic)
    if _BOTH.match(unaccented(other)):
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
    feminine = bool(_FEMININE.match(folded)) and not folded.startswith("composant")
    if re.fullmatch(_DONE, folded):
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
    if not (found := _ATTRIBUTES.match(f.folded)):
        return None
    noun = f.part(found, "n") + f.part(found, "adj")
    return _asking_for(noun, f.topic)


def _possessed(f: _FollowUp) -> str | None:
    """ "et ses limites ?", "quels sont ses avantages ?" """
    if not (found := _POSSESSED.match(f.folded)) or _QUESTION_WORD.search(found["n"]):
        return None
    topic = f.referent(found["d"]) if found["d"] in ("leur", "leurs") else f.topic
    noun, rest = f.part(found, "n"), ""
    if adjunct := re.search(r",? (?:sous|sur|dans|avec|en|par rapport|face) ", found["n"]):
        noun, rest = noun[: adjunct.start()], noun[adjunct.start() :]
    if found["d"] in ("ses", "leurs"):
        noun = plural_of(noun)[4:]
        feminine = _FEMININE.match(unaccented(noun))
        return f"{'Quelles' if feminine else 'Quels'} sont les {noun} {joined('de', topic)}{rest}"
    return _asking_for(noun, topic) + rest


def _possessive(f: _FollowUp) -> str | None:
    found = _POSSESSIVE.search(f.folded)
    if not found or f.named_before(found.start()) or _SUBJECT.search(f.folded[: found.start()]):
        return None
    if phrases(f.text[found.end() :], "fr"):
        return None  # "lors de son expédition, que mangeait Cézanne ?"
    topic = f.referent(found["d"]) if found["d"] in ("leur", "leurs") else f.topic
    noun = f.part(found, "n")
    feminine = found["d"] == "sa" or bool(_FEMININE.match(found["n"]))
    the = f"les {noun}" if found["d"] in ("ses", "leurs") else _the(noun, feminine=feminine)
    return f.text[: found.start()] + f"{the} {joined('de', topic)}" + f.text[found.end() :]


def _action(f: _FollowUp) -> str | None:
    """ "comment les supprimer ?", "et pour supprimer ?", "et pour arrêter un conteneur ?" """
    found = _ACTION.match(f.folded)
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
    place = _WHERE.search(f.before.after) if f.before.form is Form.ACTION else None
    if text is None or place is None or _WHERE.search(f.part(found, "rest")):
        return text
    return text + place[0]  # still "avec compose", "sous Linux"


_WHERE = re.compile(
    r" (?:sous|dans|avec|via|chez) (?:les? |la |l'|une? )?[\w.-]+(?: [A-Z][\w.-]*)?"
)


def _completed_action(
    f: _FollowUp, found: re.Match[str], lead: str, *, is_fragment: bool, starts_with_et: bool
) -> str | None:
    rest, verb, negated = f.part(found, "rest"), f.part(found, "v"), f.part(found, "cl")
    alone = _NO_COMPLEMENT.match(found["rest"])
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
    if alone and verb not in _NO_OBJECT and not verb.startswith(("se ", "s'")):
        place = alone.start("adj") if alone["adj"] else len(rest)
        if alone["adj"] and not is_fragment and not starts_with_et:
            return None  # "comment programmer avec des fils ?" may well be whole
        if re.search(r" (?:ca|cela)\b", found["rest"]):
            rest, place = re.sub(r" (?:ça|ca|cela)\b", "", rest, count=1), 0
        return f"{lead}{negated}{verb}{rest[:place]} {f.topic}{rest[place:]}"
    if is_fragment and not alone:
        return f"{lead}{negated}{verb}{rest}"
    return None


_EMBEDDED = re.compile(
    rf"{_AND}(?:quell?e?s? (?:est|sont) (?:les? |la |l')[\w-]+|quell?e?s? [\w-]+(?: faut-il)?|"
    rf"(?:y a-t-il|il y a) (?:une? |des )[\w-]+|combien de temps(?: faut-il)?) "
    rf"(?:pour|de|a) (?P<pro>les? |la |l')(?P<v>{INFINITIVE})(?P<rest>.*)$"
)


def _embedded(f: _FollowUp) -> str | None:
    """ "quels sont les prérequis pour l'apprendre ?" """
    found = _EMBEDDED.match(f.folded)
    if not found or not _NO_COMPLEMENT.match(found["rest"]):
        return None
    name = f.referent(found["pro"].strip())
    return f"{f.text[: found.start('pro')]}{f.part(found, 'v')} {name}{f.part(found, 'rest')}"


def _adjunct(f: _FollowUp) -> str | None:
    """ "et sous Windows ?": the same question there."""
    found = _ADJUNCT.match(f.folded)
    if not found or found["prep"].startswith("pour") or _QUESTION_WORD.search(found["x"]):
        return None
    if len(found["x"].split()) > 6 or not f.folded.startswith(
        ("et ", "mais ", "sinon", found["prep"])
    ):
        return None
    adjunct, before = f.part(found, "adj"), f.before
    if before.second and found["prep"] == "avec":
        return before.about(f.part(found, "x"))
    words = _SAME_PLACE.get(found["prep"], found["prep"])
    text = before.text
    said = re.search(
        rf"\b(?:{words}) (?:les? |la |l'|une? |des )?[\w.+-]+(?: [A-Z\d][\w.]*)*", text
    )
    if said:
        return text[: said.start()] + adjunct + text[said.end() :]
    return f"{text} {adjunct}"


def _instead(f: _FollowUp) -> str | None:
    """ "et les namespaces ?": the same question about something else."""
    found = _INSTEAD.match(f.folded)
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
        _QUESTION_WORD.search(unaccented(name))
        or len(name.split()) > 8
        or re.search(r"\b(?:je|tu|on|nous|vous|ils?|elles?)\b", name)
    ):
        return None
    if found["only"] and not phrases(name, "fr"):
        return None
    of = None
    if those := _THOSE.match(unaccented(name)):
        name = freed(those["p"], name[those.start("x") :])[1]
    elif (of := re.match(r"(?:de la |de l'|du |des |de |d'|aux? )", name, re.I)) and (
        of[0].lower() != "des " or f.before.preposition == "de"
    ):
        name = freed(of[0].lower(), name[of.end() :])[1]
    before = f.before
    head = unaccented(bare(name))
    attribute = re.match(rf"(?P<n>{_ATTRIBUTE}|{_DONE})(?: (?:de |d'|du |des ).+)", head)
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
    if before.form is Form.ACTION and (owner := _OWNER.search(before.topic)):
        if of:
            return before.about(f"{before.topic[: owner.start()]} {joined('de', name)}")
        owned = {t.term for t in analyse(owner[0], "fr")}
        if not _OWNER.search(name) and not owned & {t.term for t in analyse(name, "fr")}:
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
    folded = _IMPERSONAL.sub(lambda m: "#" * len(m[0]), f.folded)
    found = _SUBJECT.search(folded)
    if not found:
        return None
    if found["inv"]:
        if f.named_before(found.start()) or _COUNTED_SUBJECT.match(f.folded[: found.end()]):
            return None
        name = f.referent(found["inv"])
        at = found.start("v")
        if reflexive := re.search(r"\b(?:se |s'|ne |n'|l'|en |y )$", f.folded[:at]):
            at = reflexive.start()
        lead = f.text[:at]
        if re.fullmatch(r"(?:et )?(?:mais )?que ", lead, re.I):
            return f"{lead}{f.part(found, 'v')} {name}{f.text[found.end() :]}"
        if not lead:
            return f"{name[0].upper()}{name[1:]} {_lowered_first(f.text)}"
        return f"{lead}{name} {f.text[at:]}"
    if f.named_before(found.start()):
        return None
    name = f.referent(found["pro"])
    if found["que"]:
        name = joined("que", name)
    return f.text[: found.start()] + name + f.text[found.end() :]


def _lowered_first(text: str) -> str:
    return text[0].lower() + text[1:]


def _that(f: _FollowUp) -> str | None:
    """ "est-ce que ça marche sous Windows ?", "à quoi sert cette commande ?" """
    folded = _NOT_THAT.sub(lambda m: "#" * len(m[0]), f.folded)
    found = _THAT.search(folded)
    if not found or f.named_before(found.start()):
        return None
    word = found[0]
    if word in ("ca", "cela", "ceci") and re.match(
        r".*\b(?:a quoi ca (?:sert|servent)|comment ca (?:marche|fonctionne)|"
        r"ca sert a quoi|c'est quoi)\b,? (?!sous|sur|dans|avec|en|pour|quand|si)",
        f.folded,
    ):
        return None  # "à quoi ça sert, les cgroups ?" names it afterwards
    if word.startswith(("c'", "est-ce")):
        after = f.folded[found.end() :].strip()
        if re.match(r"(?:les? |la |l'|une? |des |a |pour|moi|toi|qui|quoi)", after) or not after:
            return None
        return f"{f.topic[0].upper()}{f.topic[1:]}, {_lowered_first(f.text)}"
    if word in ("ca", "cela", "ceci"):
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
        return f"{f.topic[0].upper()}{f.topic[1:]}, {_lowered_first(f.text)}"
    if word in ("dedans", "la-dedans", "dessus"):
        preposition = "sur" if word == "dessus" else "dans"
        return f.text[: found.start()] + f"{preposition} {f.topic}" + f.text[found.end() :]
    name = f.topic
    if word == "cette commande" and f.before.action:
        name = f"la commande pour {f.before.action}"
    plural = word.startswith(("ceux", "celles", "ces"))
    if word.startswith(("ce", "cette d")) and ("-ci" in word or "-la" in word or "derni" in word):
        feminine = word.startswith(("celle", "cette"))
        name = agreeing(f.candidates, plural=plural, feminine=feminine) or name
    left = f.text[: found.start()]
    if of := re.search(r"\b(de|à) $", left):
        return left[: of.start()] + joined(of[1], name) + f.text[found.end() :]
    return left + name + f.text[found.end() :]


_OBJECT = re.compile(
    rf"{_AND}(?:(?:comment|pourquoi|quand|ou|avec quoi|est-ce) (?:qu'|est-ce qu'|"
    rf"que )?(?:on|je|tu|nous|vous) (?:ne |n')?(?P<pro>les? |la |l'|en |y )\w+"
    r"(?: (?:pas|plus|ou|quand|comment|davantage|mieux|ensuite|aussi|(?:avec|sous|"
    r"sur|dans|en|par) .*))?"
    r"|(?:on|je) (?P<pro2>les? |la |l'|en |y )\w+ (?:comment|ou|quand|avec quoi|pourquoi)"
    r"|(?:par )?qui (?P<pro3>les? |la |l')(?:a |ont )?\w+)$"
)


def _object(f: _FollowUp) -> str | None:
    """ "comment on le supprime ?", "qui les gère ?" """
    found = _OBJECT.search(f.folded)
    if not found:
        return None
    pronoun = found["pro"] or found["pro2"] or found["pro3"]
    name = f.referent(pronoun.strip())
    return f"{name[0].upper()}{name[1:]}, {_lowered_first(f.text)}"


_WHICH_ONE = re.compile(
    rf"{_AND}(?:lequel|laquelle|lesquels|lesquelles)(?: des deux)? (?!de|des|du)\w+.*$"
)


def _which_one(f: _FollowUp) -> str | None:
    """ "lequel est le plus léger ?" """
    if not _WHICH_ONE.match(f.folded):
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
