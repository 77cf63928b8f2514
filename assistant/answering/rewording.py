"""Other words for the same: derived forms, synonyms, acronyms, words that only frame.

The encoder finds a noun near any other of its field, "les volumes" as near as "les cgroups",
so what may stand for a word is written down here: general words of lessons, and of everyday
nouns the adjective ("sang", "sanguin"); no terms of a field. French derivation is approached
by endings ("limitation", "limiter"); agents keep theirs, since who lends is not the loan.
English is left to its stems and to the glossary.

A synonym is looked for both ways, so a group holds only words of which each may stand for
any other in a lesson; opposites are in `assistant.answering.polarity`.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable
from functools import cache, lru_cache

from assistant.analysis import Term, analyse, fold
from assistant.glossary import translate

_FRAMING = {  # words about the reply or that only sort what is said; never a claim of their own
    "fr": """
        lieu partir cours note notes passage passages document texte exemple exemples notamment
        également ainsi afin grâce principalement environ appelé appelée appelés désigne signifie
        résumé conclusion général réalité effectivement donc simplement particulièrement surtout
        principaux principale principales principal essentiellement respectivement généralement
        type types sorte sortes forme formes catégorie catégories élément éléments composant
        composants mécanisme mécanismes moyen moyens fonctionnalité fonctionnalités rôle rôles
        fait faits cas manière façon façons ensemble phénomène phénomènes situation notion
        notions concept concepts principe principes terme termes mot mots sigle acronyme
        abréviation nom expression caractéristique caractéristiques raison issue délai
        plusieurs certain certains certaine certaines divers diverses différents
        différentes autre autres uns existe existent considéré considérée considérés agit dit
        consiste consistent savoir présent présente présents présentes présence dernier dernière
        date moment lien unité total totale fonction but étape étapes intérieur durant
        eut eurent fut furent aura auront sera seront
        assure assurent assurer assuré assurée assurés assurées effectue effectuent effectué
        effectuée effectuer réalise réalisent réalisé réalisée caractérise caractérisent
        caractérisé caractérisée établit établissent prononcé prononcée prononcés prononcées
        correspond correspondent représente représentent constitue constituent
        avantage avantages inconvénient inconvénients intérêt autant alors seul seule
    """,
    "en": """
        course notes according passage example also mainly called about means namely thus
        type types kind kinds form forms element elements component components mechanism
        mechanisms role several various different exists summary generally simply thanks
        drawback advantage date moment single either unlike makes
    """,
}
_SORTS = frozenset(  # nouns that say of what sort a thing is, before or beside its name
    fold(
        "ville pays région organe substance outil système logiciel langage maladie animal plante "
        "espèce processus personne personnes homme femme entreprise organisation institution "
        "objet technique méthode opération"
    ).split()
)
_SYNONYMS = """
    comporter comprendre comprend comprennent contenir contient contiennent contenant posséder
        avoir disposer dispose inclure composer composé constituer regrouper compter diviser doté
    utiliser utilisation employer recourir reposer appuyer baser usage
    permettre permet autoriser aider faciliter facile facilement
    expliquer explique dépendre dépend
        causer cause provoquer entraîner dû due dus dues lié liée venir vient viennent provenir
        provient proviennent résulter engendrer découler produire produit induire origine
        conséquence
    trouver situer situé localiser placer position emplacement
    dérouler produire produit effectuer passer intervenir survenir réaliser réalisation
    augmenter augmentation hausse élever élévation croître croît croissance accroître accroissement
        progresser progression montée
    diminuer diminution baisse baisser réduire réduit réduction ralentir ralentissement alléger
        allègement décroître décroît abaisser abaissement
    supérieur dépasser dépassement excéder
    appeler nommer désigner dénommer baptiser signifier
    exécuter exécution lancer lancement démarrer démarrage fonctionner
    créer crée créée créent création fabriquer fabrication construire construction
        constituer produire production générer génération élaborer
    gérer gestion gère administrer administration piloter
    nécessiter falloir besoin nécessaire exiger exigence requérir requis indispensable obligatoire
    nombreux nombreuses plusieurs multiples beaucoup quantité
    supprimer suppression enlever retirer effacer éliminer élimination
    ajouter ajout additionner addition somme
    milieu centre central
    idéal optimal optimum meilleur
    tuer tué victimes
    personnes individus gens humain humains homme hommes
    étape phase stade
    aboutir aboutit donner donne produire produit conduire mener
    tenter tentative essayer essai
    varier varie compris comprise
    brancher placer relier connecter
    ramener retour retourner revenir
    conduire conduit transporter transport amener acheminer mener diriger
    distribuer distribution répartir répartition partager partage
    conserver conservation stocker stockage garder sauvegarder sauvegarde enregistrer
    empêcher éviter opposer prévenir protéger protection
    séparer séparation isoler isolement isolation distinct distinguer distinction
    modèle schéma plan gabarit
    changer changement modifier modification transformer transformation évoluer évolution
    ouvrir ouverture commencer début débuter commencement démarrer
    finir fin terminer achever arrêter arrêt cesser
    toucher concerner affecter atteindre
    but objectif viser vise finalité visée
    mesurer mesure exprimer évaluer évaluation calculer calcul
    fournir donner donne procurer apporter offrir
    indiquer montrer signaler
    grand important considérable
    rechercher recherche chercher
    obtenir obtention obtient recevoir réception produire produit
    choisir choix sélectionner sélection
    perdre perte perd
    vendre vente
    acheter achat
    prendre prend prise prennent emparer
    apparaître apparition naître naissance surgir
    disparaître disparition
    maintenir maintien préserver
    soutenir soutien
    protéger défendre défense
    agir action
    accélérer accélération
    adapter adaptation ajuster ajustement
    apprendre apprentissage étudier étude
    associer association relier lier lien
    avantager favoriser bénéficier profiter favorable bénéfique
    chauffer chaleur chaud
    combiner combinaison associer
    complet entier intégral total
    complexe compliqué difficile
    connecter connexion relier raccorder
    continu continuel permanent constant
    contrôler contrôle vérifier vérification surveiller surveillance
    convertir conversion transformer
    couper coupure interrompre interruption
    déplacer déplacement bouger mouvement mobile migrer migration
    décider décision
    découvrir découverte
    décrire description
    détruire destruction détruit ravager anéantir
    diffuser diffusion propager propagation répandre
    écouler couler écoulement coulée
    élire élection élu
    émettre émission envoyer envoi expédier
    essentiel fondamental important principal primordial majeur
    exact précis exactitude précision
    faible bas petit
    fusion fondre fondu
    garantir garantie assurer
    habituel fréquent souvent fréquemment
    indépendant indépendance autonome autonomie
    influencer influence influer impact agir
    insérer insertion introduire introduction
    limiter limitation restreindre restriction borner limite
    majorité plupart
    nourrir nourriture alimenter alimentation aliment
    observer observation constater
    offrir fournir proposer
    projeter projection éjecter expulser rejeter évacuer
    rassembler réunir regrouper réunion
    recommander recommandation conseiller conseil
    relation rapport lien
    remplacer remplacement substituer
    rompre rupture
    sécuriser sécurité sûr sûreté
    semblable similaire analogue comparable pareil
    subir soumettre soumis
    succéder succession successif suivre suivant
    traverser traversée passer
    unique seul
    visible voir vue
    voter vote adopter
    arrêter arrestation
    lire lecture
    écrire écriture
    connaître connaissance
    mourir mort décès
    travail emploi travailler
    battre battement bat battements
    lumière lumineux lumineuse
    cœur cardiaque
    poumon pulmonaire
    sang sanguin
    mois mensuel mensuellement
    année annuel annuellement ans
    jour quotidien journalier
    semaine hebdomadaire
    mer maritime marin
    soleil solaire
    lune lunaire
    ville urbain
    roi royal
    loi légal
    eau hydrique aquatique
    enfant infantile
    lutter lutte combattre réduire
    développer écrire écrit programmer
    posséder propre
    successif succéder
    rapide vite vitesse
    égal égalité identique même
    sur-le-champ immédiat immédiatement
"""
_ENDINGS = re.compile(  # folded; the longest that leaves enough
    r"(?:issements?|isations?|ements?|ations?|itions?|utions?|ages?|ances?|ences?|ions?|ures?|"
    r"ables?|ibles?|ifs?|ives?|aires?|elles?|els?|ales?|als?|aux|eux|euses?|"
    r"issent|issant|aient|eront|erait|era|ees|ee|ent|ant|antes?|ants|ait|er|ir|re|ez|ons|"
    r"ies|ie|its|it|is|i|ues|ue|us|u|es|e|s)$"
)
_ENDING = re.compile(  # of a short stem, which the context must bear out
    rf"(?:{_ENDINGS.pattern[3:-2]}|osites?|ites?|atives?|tures?|c?tions?|tte|te|t|tent|ttent|r|)$"
)
_UNLIKE = frozenset("partie parties parti partis partir departs depart".split())  # of "partage"
_LEAST = 4  # letters that an ending leaves
_LEAST_SHORT = 3
_BESIDE = re.compile(r",\s*(?:(?:une?|des|les?|la)\s+|l['’])$", re.I)
_DEFINED_AS = re.compile(r"\b(?:est|sont)\s+(?:(?:une?|des|les?|la)\s+|l['’])$", re.I)
_GOES_ON = re.compile(r"\s+\w")
_NAMED = re.compile(r"\s+d(?:e|u|es)\b|\s+d['’]")


def is_framing(text: str, language: str) -> bool:
    """Whether a word only frames what is said: "types", "élément", "plusieurs"."""
    return fold(text) in _framing(language)


def is_sort(claim: str, start: int, end: int) -> bool:
    """Whether a noun only says of what sort a thing is: "la ville de …", "est un outil qui …".

    "Une image est un processus." says nothing else, and so is about the sort.
    """
    before = claim[:start]
    return fold(claim[start:end]) in _SORTS and bool(
        _BESIDE.search(before)
        or _NAMED.match(claim, end)
        or (_DEFINED_AS.search(before) and _GOES_ON.match(claim, end))
    )


@cache
def _framing(language: str) -> frozenset[str]:
    words = " ".join(_FRAMING.get(spoken, "") for spoken in {language, "fr", "en"})
    return frozenset(fold(words).split())


@lru_cache(maxsize=50_000)
def base(word: str) -> str:
    """Return what the forms of a French word and those derived from it begin with."""
    folded = fold(word)
    if folded in _UNLIKE:
        return folded
    for begin in range(_LEAST, len(folded)):
        if _ENDINGS.fullmatch(folded, begin):
            folded = folded[:begin]
            break
    if folded.endswith("qu"):
        folded = folded[:-2] + "c"
    return folded.rstrip("ui") if len(folded.rstrip("ui")) >= _LEAST else folded


def common_beginning(one: str, other: str) -> int:
    """Return how many letters two words begin with alike."""
    from rapidfuzz.distance import Prefix

    return int(Prefix.similarity(one, other))


def is_derived(one: str, other: str) -> bool:
    """Whether two folded words are a short stem with two endings: "fuite", "fuir".

    A weak sign: "fin" and "finition" pass as well.
    """
    one, other = one.replace("qu", "c"), other.replace("qu", "c")
    common = common_beginning(one, other)
    return any(
        _ENDING.fullmatch(one, stem) and _ENDING.fullmatch(other, stem)
        for stem in range(_LEAST_SHORT, common + 1)
    )


@cache
def _groups() -> dict[str, frozenset[str]]:
    found: defaultdict[str, set[str]] = defaultdict(set)
    for number, line in enumerate(re.split(r"\n {4}(?! )", _SYNONYMS.rstrip())):
        for word in line.split():
            found[base(word)].add(f"={number}")
    return {word: frozenset(groups) for word, groups in found.items()}


def senses(words: Iterable[str], language: str) -> frozenset[str]:
    """Return what words share with their derived forms and synonyms; French alone has any."""
    if language != "fr":
        return frozenset()
    found: set[str] = set()
    for word in words:
        root = base(word)
        found |= {f"-{root}"} | _groups().get(root, frozenset())
    return frozenset(found)


def is_general(found: frozenset[str]) -> bool:
    """Whether `senses` found a word to be one of any lesson, not of a field."""
    return any(sense.startswith("=") for sense in found)


def initials(text: str, language: str) -> frozenset[str]:
    """Return the acronyms that runs of the content words of a text would have: "BCE"."""
    letters = "".join(term.word[0] for term in _apart(analyse(text, language)))
    return frozenset(
        letters[i:j]
        for i in range(len(letters))
        for j in range(i + 3, min(i + 7, len(letters) + 1))
    )


def _apart(terms: list[Term]) -> list[Term]:
    """Return one term for each place."""
    return list({(t.start, t.end): t for t in terms}.values())


def translated(claim: str, source: str, target: str) -> dict[tuple[int, int], frozenset[str]]:
    """Return the index terms that words of a sentence may have in another language."""
    found = translate(analyse(claim, source), source, target)
    return {
        place: frozenset(term for terms in ways for term in terms) for place, ways in found.items()
    }
