"""How French questions lean on the one before: the words of each kind, without accents.

Only patterns; `french_follow_ups.py` says what each kind becomes.
"""

from __future__ import annotations

import re

from assistant.answering.noun_phrases import INFINITIVE

AND = (
    r"^(?:(?:et|mais|donc|sinon)\b,? )?"
    r"(?:(?:alors|du coup|sinon|maintenant|enfin|ensuite|apres|puis)\b,? )?"
)
ASK_FOR = (
    r"(?:(?:est-ce que )?(?:tu (?:peux|pourrais|saurais)|peux-tu|pourrais-tu|"
    r"vous pouvez|pouvez-vous) (?:m'|me |nous )?"
    r"(?:en )?(?:donner|montrer|citer|avoir|dire)|(?:donne|montre|"
    r"cite)[rz]?(?:[- ](?:moi|nous))?(?:[- ]en)?|"
    r"(?:est-ce que )?(?:t'as|t'aurais|tu as|tu aurais|as[- ]tu|vous avez|"
    r"avez[- ]vous|il y a|y a[- ]t[- ]il|y a|on a)|"
    r"je (?:veux|voudrais|veut|peux avoir)|j'(?:aimerais|ai besoin d'?)|il me faut) ?"
)


def _whole(pattern: str) -> re.Pattern[str]:
    return re.compile(rf"{AND}(?:{pattern})$")


WHY = _whole(
    r"(?:mais )?pourquoi(?: (?P<not>pas)|(?: (?:ca|cela|donc|faire|faire ca|(?:c'est|"
    r"est-ce) (?:le cas|comme ca|ainsi|utile|"
    r"important|necessaire|obligatoire)))?)|pour quelles? raisons?|c'est-a-dire pourquoi|"
    r"explique(?:z)?(?:[- ]moi)? pourquoi|(?:a|pour) cause de quoi|comment ca se fait"
)
HOW = _whole(
    r"comment(?: (?:ca|donc|faire|faire ca|on fait|on fait ca|fait-on|je fais|"
    r"je fais ca|fais-je|proceder|s'y prendre|"
    r"on s'y prend|ca se fait|(?:le |la |les )?faire|on peut faire|je peux faire|"
    r"puis-je faire|peut-on faire))?|"
    r"(?:on|je) fait? comment|de quelle (?:maniere|facon)|explique(?:[- ]moi)? comment(?: faire)?"
)
WORKS = _whole(
    r"comment (?:est-ce que )?(?:ca|cela|il|elle|ils|elles) (?:marche|fonctionne)(?:nt)?|"
    r"comment (?:fonctionne|marche)(?:nt)?(?:-t)?[- ](?:il|elle|ils|elles)|"
    r"(?:ca|il|elle|ils|elles) (?:marche|fonctionne)(?:nt)? comment"
)
PURPOSE = _whole(
    r"a quoi (?:est-ce que )?(?:ca|cela|il|elle|ils|elles) (?:sert|servent)|"
    r"a quoi (?:sert|servent)[- ](?:ils?|elles?)|a quoi ca (?:peut|va) servir|"
    r"(?:ca|cela|il|elle|ils|elles) (?:sert|servent) a quoi|"
    r"(?:c'est )?pour quoi faire|c'est pour quoi|"
    r"(?:quel|c'est quoi l') ?interet|a quoi bon|dans quel but|quel (?:en )?est le but"
)
DEFINITION = _whole(
    r"c'est quoi(?: (?:ca|ce truc|cette chose|comme truc))?|"
    r"qu'est-ce que c'est(?: que ca)?|(?:ca|c'est) veut dire quoi|"
    r"ca veut dire quoi|que veut dire ce mot|(?:la |une )?definition"
)
DETAILS = _whole(
    rf"(?:{ASK_FOR})?(?:un peu )?(?:plus|davantage)(?: en)? (?:de |d')?(?:details?|"
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
NEXT = _whole(
    r"(?:et )?(?:ensuite|apres|puis|apres ca|quelle est la suite|"
    r"on fait quoi (?:apres|ensuite)|que faire ensuite)"
)
EXAMPLE = _whole(
    rf"(?:{ASK_FOR})?(?:un autre |d'autres |un petit |un |une |des |quelques |l'|"
    rf"d')?(?:par )?exemples?"
    r"(?P<of> (?:concrets?|simples?|pratiques?|complets?|reels?|precis|de (?:code|"
    r"commandes?|fichier|configuration)|"
    r"d'(?:utilisation|usage)))?"
)
COMMAND = _whole(
    r"(?:(?:avec|par|via) )?(?:quell?e?s?(?: est| sont)?(?: la| les)?|la|les|une|"
    r"c'est quoi(?: la| les)?|(?:donne|montre)[rz]?(?:[- ]moi)? (?:la|les)) "
    r"(?P<n>commandes?|syntaxe|instructions?|options?|code)"
    r"(?: (?:exactes?|precises?|pour (?:ca|cela|faire ca|le faire|y arriver)|"
    r"a (?:taper|utiliser|lancer|faire)|(?:il )?faut(?:[- ]il)?(?: (?:taper|"
    r"utiliser|lancer))?|"
    r"(?:je|on) (?:tape|utilise|lance|dois taper)|dois-je (?:taper|utiliser)|correspondante))?"
)
INVERSE = _whole(
    r"(?:pour )?(?:faire )?(?:l'inverse|le contraire|l'oppose|l'operation inverse|"
    r"dans l'autre sens|dans le sens inverse|inversement)|"
    r"comment (?:on fait|faire|fait-on) (?:l'inverse|le contraire|l'operation inverse)"
)
SHORT = _whole(
    r"(?P<w>ou(?: ca)?|quand(?: ca)?|qui(?: ca)?|par qui|avec qui|avec quoi|"
    r"depuis quand|dans quel cas|dans quels cas|a quel moment|"
    r"en quelle annee|combien|combien de temps|(?:sur|dans|avec|pour|par|de|a|en|"
    r"depuis|contre|chez) (?:quoi|qui|quell?e?s? [\w-]+)|"
    r"\w+ par (?:quoi|qui))"
)
WHICH = _whole(
    r"(?:c'est )?(?P<w>lesquels|lesquelles|lequel|laquelle|les quels|quels|"
    r"quelles)(?: sont-(?:ils|elles)| par exemple)?"
)
DIFFERENCE = _whole(
    r"(?:(?:c'est quoi|quell?e?s?(?: est| sont)?|y a[- ]t[- ]il|est-ce qu'il y a|"
    r"il y a|en quoi|qu'est-ce qui fait) )?(?:la |les |une |quoi la )?"
    r"differences?(?: (?:entre (?:ca|lui|eux|elle|les deux)(?: et)?|avec|"
    r"par rapport|d'avec|vs|versus|et) ?(?P<p>a |aux? |la |le )?(?P<x>.+?))?|"
    r"(?:en quoi )?(?:c'est|est-ce|ca|il|elle|ils|elles) (?:est |"
    r"sont )?(?:different\w*|differe\w*) (?P<q>des |du |de |d')(?P<y>.+?)|"
    r"(?:par rapport|compare\w*) (?P<r>a |aux? )(?P<z>[^,]+?)(?:, (?:ca|il|"
    r"elle)\b.*)?|(?:vs|versus) (?P<v>.+?)"
)
COMPARED = re.compile(
    rf"{AND}(?P<x>[^,]+),? (?:c'est|est-ce) (?:different|pareil|la meme chose|le meme principe)$"
)
BOTH = re.compile(r"^(?:entre )?(?:les deux|eux|elles|ces deux.*)?$")
ATTRIBUTE = (
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
DONE = (
    r"installation|configuration|creation|suppression|mise a jour|desinstallation|"
    r"sauvegarde|restauration|construction|"
    r"publication|gestion|utilisation|modification|communication|"
    r"generation|securisation|demarrage|arret"
)
ATTRIBUTES = _whole(
    rf"(?:(?:pour )?(?:(?:quell?e?s? (?:en )?(?:est|sont)|c'est quoi|"
    rf"{ASK_FOR}) ?)?(?P<d>les |le |la |l'|des |un |une |quell?e?s? ))"
    rf"(?P<n>{ATTRIBUTE}|{DONE})(?P<adj> (?:principa\w+|possibles?|importante?s?|"
    rf"requis))?(?: y a-t-il| il y a)?"
)
POSSESSIVE = re.compile(
    r"\b(?P<d>ses|son|sa|leurs|leur) (?P<n>[\w-]+(?: d'usages?| pratiques|"
    r" d'utilisation| par defaut| forts| faibles)?)"
)
POSSESSED = _whole(
    r"(?:pour |sur )?(?:(?:c'est quoi|quell?e?s? (?:est|sont)|"
    r"qu'en est-il de) )?(?P<d>ses|son|sa|leurs|leur) (?P<n>.+)"
)
FEMININE = re.compile(
    r"^(?:limites?|etapes?|options?|commandes?|bonnes pratiques|couches?|causes?|"
    r"regles?|preuve|formules?|taille|date|"
    r"parties?|hypotheses?|missions?|caracteristiques?|contraintes?|composantes?|"
    r"sortes?|categories|mise|sauvegarde|origine|"
    r"histoire|syntaxe|valeurs?|alternatives?|structures?|architectures?|adresses?|"
    r"cle|cles|base|memoire|commande|url)\b"
    r"|^\w+(?:ions?|tes?|ures?|[ae]nces?|ettes?)\b(?<!composants)"
)
CALLING = (
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
ACTION = re.compile(
    rf"{AND}(?P<lead>{CALLING}|(?<=^et )(?=(?:les? |la |l'|"
    rf"en )))(?P<cl>ne pas )?(?P<pro>les |le |la |l'|en |y |s'y )?"
    rf"(?P<v>{INFINITIVE})(?P<rest>.*)$"
)
NO_OBJECT = frozenset("faire proceder continuer fonctionner marcher etre avoir commencer aller "
                       "savoir progresser apprendre reviser dormir".split())  # fmt: skip
NO_COMPLEMENT = re.compile(
    r"^(?:(?: (?:un|une|plusieurs|deux|trois|d'autres|aussi|ensuite|apres|soi-meme|"
    r"correctement|automatiquement|proprement|"
    r"facilement|davantage|mieux|comment|ou|quand|avec quoi|completement|"
    r"definitivement|manuellement|tous|toutes|tout|vite|rapidement|ca|cela|"
    r"en une fois|d'un coup|"
    r"par defaut|a jour|a distance|ici))*)(?P<adj>(?: |,)(?:sous|sur|dans|avec|en|"
    r"par|chez|avant|apres|depuis|sans|via|pour|vers|a partir|au|aux|a) .+)?$"
)
OPPOSITES = tuple(
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
SUBJECT = re.compile(
    r"(?:^|(?<= ))(?P<que>qu')?(?P<pro>ils|elles|il|elle)(?= )|"
    r"(?P<v>\b[\w']+)-(?:t-)?(?P<inv>ils|elles|il|elle)\b"
)
NAMED_AFTER = re.compile(
    r"\b(?:ou|quoi|combien|comment|quand|quell?e?s?)\b(?:[^,]*(?<! sur)(?<! dans)(?<! avec)(?<! de)"
    r"(?<! par)(?<! sous)(?<! a)(?<! pour)(?<! en)(?<! chez)(?<! sans)(?<! que)(?<! et))?,? "
    r"(?P<article>les? |la |l'|une? )[\w-]+(?: [\w-]+)?$"
)
COUNTED_SUBJECT = re.compile(
    r"^(?:et )?(?:quell?e?s?|combien de) .*\b(?:est|sont)-(?:ils?|elles?)$"
)
IMPERSONAL = re.compile(
    r"\bil f(?:ait|aisait|era|erait) (?:tres |trop |jamais |quel )?(?:temps|chaud|froid|beau|jour|"
    r"nuit|noir|sombre)\b|"
    r"\b(?:y[- ](?:a|aura|avait|aurait|eut)[- ]t[- ]il|il y (?:a|en a|avait)\b|"
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
THAT = re.compile(
    r"\b(?:tout ca|tout cela|ca|cela|ceci|c'(?:est|etait)|est-ce(?! qu)|celui-ci|celle-ci|ceux-ci|"
    r"celles-ci|celui-la|celle-la|"
    r"(?:celui|celle|ceux|celles) (?:la|ci)(?= (?:et|pas|ou|plutot)\b|$)|"
    r"ce dernier|"
    r"cette derniere|ces derni\w+|dessus|(?:la[- ])?dedans|"
    r"cet outil|cette commande|ce concept|cette technologie|cette technique|"
    r"cette notion|ce truc|ce machin|ce terme|ce mot|cette chose|"
    r"ce systeme|ce mecanisme|cette methode|ce fichier|cette option|cet objet|"
    r"ce type|cette approche|cette fonction|cette formule|ce service|"
    r"cette solution)\b(?! d(?:e|u|es|')\b)"
)
ALL_THAT = ("ca", "cela", "ceci", "tout ca", "tout cela")
WORKS_TOO = re.compile(rf"{AND}(?:est-ce que )?ca (?:marche|fonctionne|se fait)\b")  # what is done
THEN = re.compile(r"^(?:et |mais )?(?:ensuite|apres|après|puis|alors|du coup),? ", re.I)
NOT_THAT = re.compile(
    r"c'est quoi|qu'est-ce|est-ce qu|comme ca|c'est[- ]a[- ]dire|"
    r"c'est (?:qui|ou|quand|combien|comment|quel\w*)\b"
)
QUESTION_WORD = re.compile(
    r"\b(?:comment|pourquoi|quell?e?s?|quoi|ou|combien|quand|qui|est-ce|qu'\w+|que|"
    r"lequel|laquelle|what|why|how|"
    r"est|sont|peut|peuvent|sert|servent|permet|permettent|fait|font|a-t-\w+|faut|"
    r"doit|doivent|marche|fonctionne|existe|"
    r"utilise|utilisent|contient)\b|-(?:t-)?(?:il|elle|on|ils|elles|je|tu|nous|"
    r"vous)\b|(?<!\w)(?:c|s|j)'\w"
)
INSTEAD = re.compile(
    r"^(?:(?:et|mais|sinon|alors|donc)\b,? (?:alors |donc |du coup |"
    r"sinon )?(?P<pour>pour |concernant |quant aux? |(?:de |d')(?=ceux|celles))?"
    r"|(?:et )?(?:quid|qu'en est-il|meme (?:question|chose)(?: pour)?|"
    r"pareil(?: pour)?|idem(?: pour)?)(?P<quid> (?:du|des|de la|de l'|de|d'|"
    r"pour))? ?"
    r"|(?P<only>pour ))(?P<x>.+)$"
)
ADJUNCT = re.compile(
    r"^(?:(?:et|mais|sinon|alors|donc|pareil)\b,? )?(?P<adj>(?P<prep>sous|sur|dans|"
    r"avec|en|chez|via|sans|par|avant|apres|depuis|a partir de|pour la|pour les|"
    r"pour le) ?(?P<x>.+))$"
)
SAME_PLACE = {"sous": "sous|sur", "sur": "sous|sur"}
ONE_AND_OTHER = re.compile(r"\bl'une?\b(?P<between>.*)\bl'autre\b")
THOSE_THAT = re.compile(
    rf"{AND}(?P<that>(?:ceux|celles|celui|celle) (?P<rest>(?:qui|que|qu'|dont) ?.+))$"
)
OTHER_ONE = re.compile(
    r"^(?:l'|les |une? |d')autres?\b|^(?:le|la) (?:premiere?|deuxieme|troisieme|seconde?|"
    r"derniere?)(?: [a-z]+)?$"
)
MANNER = re.compile(
    r"^(?:et |mais )?(?P<manner>de (?:force|nouveau|loin|suite|l'exterieur|l'interieur|"
    r"(?:facon|maniere) \w+)|d'(?:un (?:seul )?coup|office|avance))$"
)
OWNER = re.compile(r" (?:d'une? |du |des |de la |de l').+$")
THOSE = re.compile(r"^(?:ceux|celles|celui|celle) (?P<p>de la |de l'|du |des |de |d')(?P<x>.+)$")
FRONTED = re.compile(r"^(?:et )?(?:sous|sur|avec|dans|en|pour|chez|sans) [^,]+, ")
EVERYDAY = re.compile(
    r"\b(?:quell?e?s? (?:est|sont) (?=l|s)|quell?e?s? [\w-]+(?: (?:de |d'|du )[\w-]+)?|"
    rf"(?:comment|pour|peut-on|faut-il|puis-je|doit-on|on peut|il faut|possible de) {INFINITIVE}|"
    r"combien (?:de |d')[\w-]+(?: de [\w-]+)?|est-ce qu\w*'?|"
    r"(?:possible|necessaire|obligatoire|utile|facile|vraiment|exactement|mieux|"
    r"toujours|aussi|encore|bien|exemple|moment|temps|cas|"
    r"alors|ensuite|concretement|precisement|sinon|maintenant|autrement dit|en fait|"
    r"en gros|donc)\b)"
)
WHERE = re.compile(r" (?:sous|dans|avec|via|chez) (?:les? |la |l'|une? )?[\w.-]+(?: [A-Z][\w.-]*)?")
EMBEDDED = re.compile(
    rf"{AND}(?:quell?e?s? (?:est|sont) (?:les? |la |l')[\w-]+|quell?e?s? [\w-]+(?: faut-il)?|"
    rf"(?:y a-t-il|il y a) (?:une? |des )[\w-]+|"
    rf"(?:(?:on a|on aura|il faut|ca prend) )?combien de temps(?: faut-il| a-t-on| on a)?) "
    rf"(?:pour|de|a) (?P<pro>les? |la |l')(?P<v>{INFINITIVE})(?P<rest>.*)$"
)
OBJECT = re.compile(
    rf"{AND}(?:(?:comment|pourquoi|quand|ou|avec quoi|est-ce) (?:qu'|est-ce qu'|"
    rf"que )?(?:on|je|tu|nous|vous) (?:(?:peut|peux|doit|dois|fait|fais|pourrait) )?(?:ne |n')?"
    r"(?P<pro>les? |la |l'|en |s'y |y )\w+"
    r"(?: (?:pas|plus|ou|quand|comment|davantage|mieux|ensuite|aussi|plus \w+|moins \w+|(?:avec|"
    r"sous|sur|dans|en|par|au|aux|a|de) .*))?"
    r"|(?:on|je) (?P<pro2>les? |la |l'|en |y )\w+ (?:comment|ou|quand|avec quoi|pourquoi)"
    r"|(?:par )?qui (?P<pro3>les? |la |l')(?:a |ont )?\w+)$"
)
WHICH_ONE = re.compile(
    rf"{AND}(?:lequel|laquelle|lesquels|lesquelles)(?: des deux)? (?!de|des|du)\w+.*$"
)
