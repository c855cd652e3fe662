"""Tell the language of a paragraph by its most frequent words or its script, where they make it plain."""

from __future__ import annotations

import re

# Words without meaning of their own, which every text has.
_WORDS = {
    "en": "the and of to in is for with you your are this that will be on at our from have or we can as by an it",
    "es": "el la los las de del y en que para por con una un su sus es se al más o como nuestro nuestra este esta"
    " será son sobre usted ustedes niños biblioteca",
    "da": "og i at det er en et til på for med af der den de som vi du kan ikke har om fra eller vil jer os hvor"
    " også børn bliver biblioteket",
    "fr": "le la les des du de et en un une pour que qui dans est au aux avec sur vous votre nos notre ce cette sont"
    " par ou plus",
    "de": "der die das und in den von zu mit ist für im auf ein eine nicht sie wir ihr sich des dem es auch wird oder"
    " bei nach",
    "pt": "o a os as de do da dos das e em um uma para que com por não na no nas nos se é ao seu sua mais ou você são",
    "ht": "ak nan yo pou ki se li nou ou pa sa yon la an ap te gen tout men lè timoun bibliyotèk",
}
_FREQUENT = {language: frozenset(words.split()) for language, words in _WORDS.items()}
# Scripts of one language. Arabic, Cyrillic and Chinese characters are those of several.
_SCRIPTS = (
    ("ko", re.compile("[\uac00-\ud7a3]")),
    ("ja", re.compile("[\u3041-\u30ff]")),
    ("th", re.compile("[\u0e01-\u0e5b]")),
    ("he", re.compile("[\u05d0-\u05ea]")),
    ("el", re.compile("[\u03b1-\u03ce]")),
    ("vi", re.compile("[\u1ea0-\u1ef9\u01a1\u01b0]")),
)
_WORD = re.compile(r"[^\W\d_]+")

MIN_WORDS = 6
# The share of words, in percent, that the lists must know, and how far the language must lead the next.
MIN_SHARE = 30
LEAD = 2


def language_of(text: str, usual: str) -> str:
    """Return the language of `text` if it is plainly another than `usual`; else an empty string."""
    words = _WORD.findall(text)
    if len(words) < MIN_WORDS:
        return ""
    for language, letters in _SCRIPTS:
        if 3 * sum(bool(letters.search(word)) for word in words) >= len(words) and language != usual:
            return language
    # Not the words of names: El Camino Real, La Jolla.
    words[0] = words[0].lower()
    hits = {language: sum(word in known for word in words) for language, known in _FREQUENT.items()}
    best = max(hits, key=lambda language: hits[language])
    second = max(count for language, count in hits.items() if language != best)
    plain = 100 * hits[best] >= MIN_SHARE * len(words) and hits[best] >= LEAD * second and hits[best] > 2
    return best if plain and best != usual else ""
