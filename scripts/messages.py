"""The words of the interface: one catalogue a language, in templates/messages/."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path

from settings import ROOT

FOLDER = ROOT / "templates" / "messages"


@dataclass(frozen=True, slots=True)
class Messages:
    """The catalogue of one locale; call it with a key to get the words.

    A key asked for that no catalogue has raises KeyError: a missing text is a bug, not a blank.
    """

    locale: str
    texts: dict[str, str] = field(repr=False)

    def __call__(self, key: str, **values: object) -> str:
        """Return the text for `key` with `{name}` replaced by `values`."""
        return self.texts[key].format(**values) if values else self.texts[key]

    def count(self, key: str, number: int) -> str:
        """Return `key.one` or `key.other` for `number`, as English, Spanish and Danish need it."""
        return self(f"{key}.one" if number == 1 else f"{key}.other", count=number)

    @property
    def language(self) -> str:
        """The locale as a BCP 47 tag, for `lang` attributes: `en-US`."""
        return self.locale.replace("_", "-")


def load(locale: str, folder: Path = FOLDER) -> Messages:
    """Load English, then the language's own texts, then those of the territory (`en`, `da`, `en_GB`)."""
    texts: dict[str, str] = {}
    language = locale.partition("_")[0]
    for name in dict.fromkeys(("en", language, locale)):
        path = folder / f"{name}.json"
        if path.exists():
            texts.update(json.loads(path.read_text(encoding="utf-8")))
    return Messages(locale, texts)


def available(locale: str, folder: Path = FOLDER) -> bool:
    """Whether the language of `locale` has a catalogue."""
    return (folder / f"{locale.partition('_')[0]}.json").exists()
