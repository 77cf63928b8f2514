"""The texts on which the 8-bit encoder's activations are measured when it is converted.

Notes and questions as they are met: French before English, prose, code, tables, formulas,
and each with its prompt, since activations depend on it. Their subjects hardly matter;
what matters is that there are a thousand tokens, from which the correlations of channels
can be told. No text of a public question set is among them.
"""

CALIBRATION = (
    "passage: Un conteneur partage le noyau de la machine hôte ; une machine virtuelle, elle, "
    "emporte un système d'exploitation entier. C'est pourquoi un conteneur démarre en une "
    "seconde et n'occupe que quelques mégaoctets de mémoire.",
    "query: À quoi servent les groupes de contrôle (cgroups) ?",
    "query: How do I remove a volume that is no longer used?",
    "passage: ## Installation\n\n```bash\nsudo apt-get update && sudo apt-get install -y curl\n"
    "docker run --rm -it -p 8080:80 -v $(pwd):/app nginx:1.27 /bin/sh\n```\n\n- `--rm` supprime "
    "le conteneur à la fin ;\n- `-p` publie un port ;\n- `-v` monte un dossier.",
    "passage: La Révolution française commence en 1789 avec l'ouverture des États généraux, le "
    "5 mai, et la prise de la Bastille, le 14 juillet. Elle prend fin avec le coup d'État du 18 "
    "brumaire an VIII (9 novembre 1799) de Napoléon Bonaparte.",
    "passage: | Commande | Effet |\n|---|---|\n| ls -l | liste détaillée |\n| chmod 755 f | droits "
    "rwxr-xr-x |\n\nSoit f(x) = 3x² + 2x − 1, alors f'(x) = 6x + 2 ; on trouve x = −1/3.",
    "passage: The list of modules is computed when the interpreter starts. Functions defined "
    "with def are objects: they can be passed as arguments, returned and stored in a dict.",
    "query: mémoire",
    "passage: La photosynthèse transforme l'énergie lumineuse en énergie chimique. Dans les "
    "chloroplastes, l'eau est oxydée, du dioxygène est libéré, et le dioxyde de carbone est "
    "réduit en glucides au cours du cycle de Calvin, qui n'a pas besoin de lumière.",
    "passage: Une suite est dite convergente si elle admet une limite finie. Toute suite "
    "croissante et majorée converge ; une suite bornée n'est pas forcément convergente, comme "
    "le montre u(n) = (−1)^n, mais on peut toujours en extraire une suite qui converge.",
    "passage: Le droit du travail distingue le contrat à durée déterminée, qui ne peut avoir "
    "pour objet de pourvoir durablement un emploi permanent, du contrat à durée indéterminée. "
    "La période d'essai, si elle existe, doit être prévue par écrit et peut être renouvelée.",
    "passage: def moyenne(notes: list[float]) -> float:\n    if not notes:\n        raise "
    "ValueError('aucune note')\n    return sum(notes) / len(notes)\n\nPython lève une exception "
    "dès qu'une liste vide est donnée ; `try` et `except` permettent de l'intercepter.",
    "passage: In a relational database, a foreign key refers to the primary key of another "
    "table. SELECT name, COUNT(*) FROM orders JOIN customers USING (customer_id) GROUP BY name "
    "HAVING COUNT(*) > 3; returns the customers who ordered more than three times.",
    "passage: Née à Varsovie en 1867, Marie Curie étudie à la Sorbonne, découvre le polonium et "
    "le radium avec son mari Pierre, et reçoit deux prix Nobel, de physique en 1903 et de "
    "chimie en 1911. Elle meurt en 1934 à Passy, en Haute-Savoie.",
    "passage: Pour mettre à jour le système, éditez le fichier /etc/apt/sources.list, lancez "
    "« apt update » puis « apt full-upgrade ». En cas de conflit entre paquets, la commande "
    "« apt -f install » répare les dépendances manquantes ; redémarrez ensuite la machine.",
    "passage: Le chapitre 3 traite de l'offre et de la demande : quand le prix d'un bien "
    "augmente de 10 % et que la quantité demandée baisse de 5 %, l'élasticité vaut −0,5. "
    "L'inflation, mesurée par l'indice des prix, était de 2,1 % en 2018 et de 5,2 % en 2022.",
    "passage: # TP 4 : réseaux\n\n1. Relevez l'adresse IP (`ip addr`).\n2. Testez la passerelle : "
    "`ping 192.168.1.1`.\n3. Un paquet TCP porte un port source et un port de destination ; UDP "
    "n'établit pas de connexion.\n\n> À rendre avant vendredi, en PDF, sur la plateforme.",
    "passage: The club was founded in 1902 and has won the national championship six times. Its "
    "stadium, rebuilt after the war, holds 45,000 spectators; the record attendance was set in "
    "a cup final against Liverpool. The team plays in white shirts and black shorts.",
    "passage: Victor Hugo publie Les Misérables en 1862. Le roman suit Jean Valjean, ancien "
    "forçat, de sa sortie du bagne à sa mort, et peint la misère du peuple de Paris jusqu'à "
    "l'insurrection de juin 1832. Zola, plus tard, se réclamera du naturalisme.",
    "passage: Le cœur droit envoie le sang vers les poumons, le cœur gauche vers le reste du "
    "corps. La tension artérielle s'exprime en millimètres de mercure : 120/80 est une valeur "
    "normale chez l'adulte. Les artères coronaires irriguent le muscle lui-même.",
    "query: Comment copier une liste sans modifier l'originale ?",
    "query: En quelle année le traité a-t-il été signé, et par qui ?",
    "query: Quelle est la différence entre une pile et une file ?",
    "query: Qui dirige l'association depuis 2010 ?",
    "query: Pourquoi ma machine ne démarre-t-elle plus après la mise à jour du noyau ?",
    'query: what does "permission denied (publickey)" mean',
    "query: Combien d'habitants compte la ville ?",
    "query: où se trouve le fichier de configuration",
)
