"""Numbers of a text with their units, however they are written.

"17 000", "17.000", "17,000" and "dix-sept mille" are one value, as "0,5" and "0.5" are;
"90 %" and "quatre-vingt-dix pour cent" are one quantity. Articles ("un", "une", "one")
count for nothing; a minus counts, an option ("kill -9") is none. A value is kept as text in
canonical form: comparing is exact, also between units of one measure ("300 g", "0,3 kg").
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Decimal

from assistant.analysis import analyse, fold

_SPACES = " \u00a0\u202f"  # plain, no-break, narrow no-break: those that part thousands
_NUMBER = re.compile(
    rf"(?<![\w.,])(\d{{1,3}}(?:[{_SPACES}]\d{{3}})+(?!\d)|\d+(?:[.,’']\d+)*)([.,]\d+)?"
    r"(?:(?:ème|eme|er|ère|ere|re|e|nd|rd|st|th)s?\b)?"
)
_UNIT = re.compile(r"\s?(°\s?[CF]\b|[%€$£‰Ω\u2126⁶⁹]|[^\W\d_]++²?³?(?!['’]))")
_NO_UNITS = ("à", "a")  # "de 700 à 1 200 °C" is not about amperes
_PER = re.compile(r"(?:/|\s+(?:par|per|an?)\s+)([^\W\d_]+)")
_UNITS = {
    unit: name
    for name, units in {
        "%": "% pourcent percent", "€": "€ euro euros", "$": "$ dollar dollars",
        "°c": "°c celsius", "°f": "°f fahrenheit", "ω": "ω ohm ohms",
        "o": "octet octets byte bytes o", "ko": "ko kb kilooctets", "mo": "mo mb mégaoctets",
        "go": "go gb gigaoctets", "to": "to tb téraoctets", "bit": "bit bits",
        "mm": "mm millimètres", "cm": "cm centimètres", "m": "m mètre mètres metre metres meters",
        "km": "km kilomètre kilomètres kilometres kilometers", "nm": "nm nanomètres",
        "µm": "µm micromètres", "mg": "mg milligrammes", "g": "g gramme grammes grams",
        "kg": "kg kilogramme kilogrammes kilo kilos kilograms", "t": "t tonne tonnes tons",
        "ml": "ml millilitres", "cl": "cl centilitres", "l": "l litre litres liters",
        "ms": "ms milliseconde millisecondes milliseconds", "s": "s seconde secondes seconds",
        "min": "min minute minutes", "h": "h heure heures hour hours", "j": "jour jours day days",
        "semaine": "semaine semaines week weeks", "mois": "mois month months",
        "an": "an ans année années year years", "siècle": "siècle siècles century centuries",
        "v": "v volt volts", "a": "a ampère ampères amp amps", "w": "w watt watts",
        "kw": "kw kilowatt kilowatts", "hz": "hz hertz", "n": "n newton newtons",
        "j (énergie)": "joule joules", "pa": "pa pascal pascals", "bar": "bar bars",
        "mol": "mol mole moles",
    }.items()
    for unit in map(fold, units.split())
}  # fmt: skip
_MEASURES = {  # how many of the first unit of its measure a unit is
    unit: (first, Decimal(factor))
    for first, units in {
        "g": "mg:0.001 g:1 kg:1000 t:1000000",
        "m": "nm:1e-9 µm:1e-6 mm:0.001 cm:0.01 m:1 km:1000",
        "l": "ml:0.001 cl:0.01 l:1",
        "s": "ms:0.001 s:1 min:60 h:3600",
        "w": "w:1 kw:1000",
        "o": "o:1 ko:1e3 mo:1e6 go:1e9 to:1e12",
    }.items()
    for unit, factor in (pair.split(":") for pair in units.split())
}
_COUNTED = re.compile(r"[ \u00a0-]([^\W\d_]{4,})")
_COMPOUND = re.compile(r"\b([^\W\d_]+)-(?=(?:way|fold|bits?|phases?|steps?|tiers?|layers?)\b)")
_PERCENT = re.compile(r"\b(?:pour|per)[ -]?(?:cents?|100)\b", re.I)
_DEGREES = re.compile(r"\b(?:degrés?|degrees?)(?:\s+(celsius|fahrenheit|c|f)\b)?", re.I)
_MINUS = re.compile(r"(?<![^\s(=])(?<!\d\s)[-–−]$")  # not of a range, a word or a subtraction
_BELOW_ZERO = re.compile(  # but "au moins 5 °C" is no less than that
    r"(?<!\bau )(?<!\bdu )(?<!\bà )(?<!\ble )\b(?:moins|minus)\s+(?=\d+(?:[.,]\d+)?\s?°)", re.I
)
_SCALES = {"⁶": 6, "⁹": 9}  # powers of ten, by the mark put in place of their word
_MILLIONS = re.compile(r"(?<=\d)\s*millions?\b", re.I)
_BILLIONS = re.compile(r"(?<=\d)\s*(?:milliards?|billions?)\b", re.I)
_SPELLED = ("fr", "en", "es", "de", "it", "pt", "nl")  # that text_to_num reads


@dataclass(frozen=True, slots=True)
class Quantity:
    """A number in canonical form ("17000", "-0.5"), and its unit where one is known."""

    value: str
    unit: str | None
    noun: str | None = None  # index term of the word that is counted: "4 phases"
    per: str | None = None  # the unit that it is a rate of: "5 litres par minute"

    def agrees(self, other: Quantity) -> bool:
        """Whether another says as much, in the same unit or in another of the same measure.

        A unit is compared where both have one: "3" for "3 km" says less, and "de 2 à 3 km" is
        about kilometres twice.
        """
        if self.per and self.per != other.per:
            return False
        if self.value == other.value:
            return not self.unit or other.unit in (None, self.unit)
        mine, theirs = self._measured(), other._measured()
        return mine is not None and mine == theirs

    def _measured(self) -> tuple[str, Decimal] | None:
        """Return the value in the first unit of its measure."""
        first, factor = _MEASURES.get(self.unit or "", ("", Decimal(0)))
        if not first or self.value.count(".") > 1:
            return None
        return first, Decimal(self.value) * factor


def quantities(text: str, language: str) -> list[Quantity]:
    """Return the numbers of `text`, in order."""
    found = []
    text = _COMPOUND.sub(r"\1 ", text)  # three-way
    text = _BILLIONS.sub("⁹", _MILLIONS.sub("⁶", text))  # "2,5 millions" is one number
    text = _DEGREES.sub(_degrees, _PERCENT.sub("%", _in_digits(text, language)))
    text = _BELOW_ZERO.sub("−", text)
    for match in _NUMBER.finditer(text):
        value = _canonical(match[1], match[2] or "")
        unit = per = None
        if following := _UNIT.match(text, match.end()):
            written = "".join(following[1].split())
            unit = _UNITS.get(fold(written)) if written not in _NO_UNITS else None
            if unit and (rate := _PER.match(text, following.end())):
                per = _UNITS.get(fold(rate[1]))
            value = _scaled(value, _SCALES.get(written, 0))
        if value != "0" and _is_negative(text, match.start(), has_unit=unit is not None):
            value = f"-{value}"
        noun = None
        if counted := _COUNTED.match(text, match.end()):
            noun = next((t.term for t in analyse(counted[1], language)), None)
        found.append(Quantity(value, unit, noun, per))
    return found


def is_spelled_number(word: str, language: str) -> bool:
    """Whether a word is a number in letters, or part of one: six, dix-sept, mille, million."""
    folded = fold(word)
    if folded.startswith(("million", "milliard", "billion")):
        return True
    return any(c.isdigit() for c in _in_digits(word, language)) and not any(map(str.isdigit, word))


def is_unit(text: str, start: int, end: int) -> bool:
    """Whether text[start:end] is the unit of the number before it, or that of its rate."""
    number = re.search(r"\d\s?°?\s?(?:[^\W\d_]+(?:/|\s+(?:par|per)\s+))?$", text[:start])
    return number is not None and all(
        fold(part) in _UNITS or part in "CF" for part in re.split(r"/", text[start:end])
    )


def _is_negative(text: str, start: int, *, has_unit: bool) -> bool:
    """Whether a minus stands before a number; a hyphen after a word only where there is a unit."""
    sign = _MINUS.search(text, max(start - 1, 0), start)
    follows_word = text[max(start - 3, 0) : start - 1].rstrip()[-1:].isalpha()
    return sign is not None and (has_unit or sign[0] == "−" or not follows_word)


def _degrees(match: re.Match[str]) -> str:
    scale = (match[1] or "c")[0].upper()
    return f"°{scale}"


def _in_digits(text: str, language: str) -> str:
    """Write numbers that are spelled out in digits."""
    from text_to_num import alpha2digit

    if language not in _SPELLED:
        language = "fr"
    return str(alpha2digit(text, language, 2.0))  # from two on: one may be an article


def _canonical(digits: str, decimals: str) -> str:
    """Return "17000" for "17 000" and "17.000", "0.5" for "0,5", "1.13.1" as it is."""
    digits = re.sub(rf"[{_SPACES}’']", "", digits)
    parts = re.split(r"[.,]", digits + decimals)
    if len(parts) == 1:
        return parts[0].lstrip("0") or "0"
    grouped = all(len(part) == 3 for part in parts[1:]) and parts[0] != "0" and len(parts[0]) <= 3
    if grouped:
        return "".join(parts)
    if len(parts) > 2:
        return ".".join(parts)  # a version, an address, a date
    whole = parts[0].lstrip("0") or "0"
    fraction = parts[1].rstrip("0")
    return f"{whole}.{fraction}" if fraction else whole


def _scaled(value: str, power: int) -> str:
    """Return a value times a power of ten, in canonical form."""
    if not power:
        return value
    whole, _, fraction = value.partition(".")
    digits = fraction[:power].ljust(power, "0")
    rest = fraction[power:]
    scaled = (whole + digits).lstrip("0") or "0"
    return f"{scaled}.{rest}" if rest else scaled
