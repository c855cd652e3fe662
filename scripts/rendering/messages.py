"""The texts of the site: one catalog for each language, in templates/messages/."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path

from settings import ROOT, SettingError

FOLDER = ROOT / "templates" / "messages"


@dataclass(frozen=True, slots=True)
class Messages:
    """The catalog of one locale; call it with a key to get the text.

    Raises KeyError for an unknown key: a missing text is a bug.
    """

    locale: str
    texts: dict[str, str] = field(repr=False)

    def __call__(self, key: str, **values: object) -> str:
        """Return the text for `key` with `{name}` replaced by `values`."""
        return self.texts[key].format(**values) if values else self.texts[key]

    def count(self, key: str, number: int) -> str:
        """Return `key.one` or `key.other` for `number`: the plurals of English, Spanish and Danish."""
        return self(f"{key}.one" if number == 1 else f"{key}.other", count=number)

    def subset(self, *keys: str) -> dict[str, str]:
        """Return the texts of `keys` with their `{name}` placeholders, which a script fills in."""
        return {key: self.texts[key] for key in keys}

    @property
    def language(self) -> str:
        """The locale as a BCP 47 tag, for `lang` attributes: `en-US`."""
        return self.locale.replace("_", "-")


def load(locale: str, folder: Path = FOLDER) -> Messages:
    """Load the catalog of the language, then the differences of its territory (`en`, then `en_GB`).

    Raises SettingError if the language has no catalog.
    """
    language = locale.partition("_")[0]
    texts: dict[str, str] = {}
    for name in dict.fromkeys((language, locale)):
        path = folder / f"{name}.json"
        if path.exists():
            texts.update(json.loads(path.read_text(encoding="utf-8")))
        elif name == language:
            # synonyms.en.json is no catalog.
            known = ", ".join(sorted(path.stem for path in folder.glob("*.json") if "." not in path.stem))
            raise SettingError("LOCALE", f"is a language without texts: add {path}, or choose one of {known}")
    return Messages(locale, texts)
