"""From the bytes of a text file to its text.

UTF-8 is taken as it is, line ends included. Otherwise a byte order mark says the encoding,
or the file itself does (HTML), or chardet guesses: on French notes it is right far more
often than charset-normalizer, and it knows UTF-16 without a mark. Bytes that are no text
are named as what they are, so that a wrong suffix is seen.
"""

from __future__ import annotations

import codecs

from assistant.reading.extracted import UnreadableNoteError

LARGEST_TEXT = 20_000_000  # bytes; a course of 10,000 pages has fewer
_SURE_ENOUGH = 0.15  # below, chardet only guesses: a French file is then Windows-1252
_SAMPLE = 200_000  # bytes that chardet looks at
_CONTROL = bytes(set(range(32)) - set(b"\t\n\v\f\r\x1b"))
_MARKS = (  # UTF-32 first: its mark begins like that of UTF-16
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
    (codecs.BOM_UTF8, "utf-8-sig"),
)
_SIGNATURES = (
    (b"%PDF-", "un document PDF : donnez-lui le suffixe .pdf"),
    (b"PK\x03\x04", "une archive ou un document bureautique : rendez-lui son suffixe (.docx…)"),
    (b"\xd0\xcf\x11\xe0", "un ancien document Office : enregistrez-le en .docx, .pptx ou .xlsx"),
    (b"{\\rtf", "un document RTF : enregistrez-le en .docx"),
    (b"\x89PNG", "une image PNG"),
    (b"\xff\xd8\xff", "une image JPEG"),
    (b"GIF8", "une image GIF"),
    (b"\x1f\x8b", "une archive compressée"),
    (b"7z\xbc\xaf", "une archive compressée"),
    (b"SQLite format 3\0", "une base SQLite"),
    (b"\x7fELF", "un programme"),
)


def decode(data: bytes, declared: str | None = None) -> str:
    """Return the text of a file; `declared` is the encoding it says it has.

    Raises UnreadableNoteError with the reason when it is too large or no text.
    """
    if len(data) > LARGEST_TEXT:
        raise UnreadableNoteError(
            f"dépasse {LARGEST_TEXT // 1_000_000} Mo de texte : découpez-la en plusieurs notes"
        )
    for signature, kind in _SIGNATURES:
        if data.startswith(signature):
            raise UnreadableNoteError(f"n'est pas du texte mais {kind}")
    for mark, encoding in _MARKS:
        if data.startswith(mark):
            try:
                return _without_nul(data.decode(encoding))
            except UnicodeDecodeError as error:
                raise UnreadableNoteError(
                    f"est abîmée (octet {error.start}, {encoding.upper()}) : réenregistrez-la"
                ) from error
    try:
        return _without_nul(data.decode("utf-8")) if b"\0" not in data else _guessed(data, None)
    except UnicodeDecodeError:
        return _guessed(data, declared)


def _guessed(data: bytes, declared: str | None) -> str:
    import chardet

    controls = len(data) - len(data.translate(None, _CONTROL))
    found = chardet.detect(data[: _SAMPLE - _SAMPLE % 4])
    guess, sureness = found["encoding"], found["confidence"] or 0.0
    is_wide = guess is not None and guess.lower().startswith(("utf-16", "utf-32", "utf_16"))
    if not is_wide and (guess is None or controls > len(data) // 200):
        raise UnreadableNoteError(
            "n'est pas du texte (octets nuls ou binaires) : réenregistrez-la en UTF-8"
        )
    likely = guess if guess and sureness >= _SURE_ENOUGH else None
    for encoding in (declared, likely, "cp1252", guess, "latin-1"):
        try:
            text = data.decode(encoding) if encoding else None
        except (UnicodeDecodeError, LookupError):  # unknown or not a text encoding
            continue
        if isinstance(text, str):
            return _without_nul(text.removeprefix("\ufeff"))
    raise AssertionError("Latin-1 reads any byte")


def _without_nul(text: str) -> str:
    if "\0" in text:
        raise UnreadableNoteError("contient des octets nuls : réenregistrez-la en UTF-8")
    try:
        text.encode("utf-8")
    except UnicodeEncodeError as error:  # halves of surrogate pairs, from UTF-7 and the like
        raise UnreadableNoteError("est abîmée : réenregistrez-la en UTF-8") from error
    return text
