"""README, docs and .env.example match the code: links, settings, commands, exit codes, paths, messages."""

from __future__ import annotations

import json
import os
import re
import subprocess
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest

import check
import env_file
import exit_codes
import generate
from settings import PublishSettings, Settings
from settings_table import COMPOSE, KNOWN, TABLE
from support.page_samples import NOW, SITE, event, snapshot

ROOT = Path(__file__).resolve().parents[2]
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/*.md")])
NAMES = [str(page.relative_to(ROOT)) for page in PAGES]
EXAMPLE = (ROOT / ".env.example").read_text()
MAKEFILE = (ROOT / "Makefile").read_text()

_FENCE = re.compile(r"^```.*?^```$|^(?: {4}[^\n]*\n)+", re.MULTILINE | re.DOTALL)
_CODE = re.compile(r"`([^`\n]+)`")
_MAKE = re.compile(r"(?:^|&& |sudo |[A-Z_]=\S+ )make (?:-C \S+ )?([a-z][a-z0-9-]*)", re.MULTILINE)
_LINK = re.compile(r"!?\[[^\]]*\]\(([^()\s]+)\)")
_PATH = re.compile(
    r"(?:bench|bin|docker|docs|lint|schema|scripts|standins|systemd|templates|tests)/[A-Za-z0-9_./-]*"
)


def text_of(name: str) -> str:
    return (ROOT / name).read_text()


def all_docs() -> str:
    return "\n".join(page.read_text() for page in PAGES if page.name != "CHANGELOG.md")


def prose(text: str) -> str:
    """Return a page without its code blocks."""
    return _FENCE.sub("", text)


def anchors(text: str) -> set[str]:
    """Return the anchors of a page's headings, by the rules of the forges."""
    found: set[str] = set()
    seen: Counter[str] = Counter()
    for heading in re.findall(r"^#+ (.+)$", _FENCE.sub("", text), re.MULTILINE):
        shown = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading).lower()
        slug = re.sub(r"[^\w\- ]", "", shown).strip().replace(" ", "-")
        found.add(f"{slug}-{seen[slug]}" if seen[slug] else slug)
        seen[slug] += 1
    return found


def problem_with(link: str, page: Path) -> str:
    """Return why `link` on `page` is dead; empty if it is good. Web addresses are not fetched."""
    parts = urlsplit(link)
    if parts.scheme:
        good = parts.scheme in ("http", "https", "mailto") and (parts.netloc or parts.scheme == "mailto")
        return "" if good else "not an address"
    target = (page.parent / parts.path).resolve() if parts.path else page
    if not target.exists() or ROOT not in target.parents:
        return "no such file"
    if parts.fragment and parts.fragment not in anchors(target.read_text()):
        return "no such heading"
    return ""


def first_cells(table: str) -> Iterator[str]:
    """Yield the first cell of each row of the tables in `table`."""
    for line in table.splitlines():
        if line.startswith("| ") and not line.startswith("| -"):
            yield line.split("|")[1].strip()


def section(text: str, heading: str) -> str:
    """Return the part of a page below `heading`, up to the next heading of its level or above."""
    level = heading.partition(" ")[0]
    rest = text.partition(f"\n{heading}\n")[2]
    assert rest, f"no heading {heading}"
    return re.split(rf"^#{{1,{len(level)}}} ", rest, maxsplit=1, flags=re.MULTILINE)[0]


def test_the_readme_is_short() -> None:
    text = text_of("README.md")
    assert 120 <= len(text.splitlines()) <= 150
    assert len(text.split()) <= 1100


@pytest.mark.parametrize("name", NAMES)
def test_no_link_is_dead(name: str) -> None:
    links = _LINK.findall(prose(text_of(name)))
    problems = {link: problem_with(link, ROOT / name) for link in links}
    assert {link: why for link, why in problems.items() if why} == {}


def test_a_dead_link_is_found() -> None:
    page = ROOT / "README.md"
    assert problem_with("docs/no-such-page.md", page) == "no such file"
    assert problem_with("docs/install.md#no-such-heading", page) == "no such heading"
    assert problem_with("#no-such-heading", page) == "no such heading"
    assert problem_with("https:docs/install.md", page) == "not an address"
    assert problem_with("docs/install.md#by-hand", page) == ""


def test_every_page_is_linked_from_the_readme() -> None:
    linked = {link.partition("#")[0] for link in _LINK.findall(prose(text_of("README.md")))}
    assert {name for name in NAMES if name != "README.md"} - linked == set()


def test_every_setting_is_documented_and_no_other() -> None:
    text = text_of("docs/configuration.md")
    tables = section(text, "## Settings")
    named = set(_CODE.findall("\n".join(first_cells(tables))))
    files = set(_CODE.findall(section(text, "### Secrets as files")))
    assert KNOWN - named - files == set()
    assert {name for name in named if not check.is_known(name)} == {"ENV_FILE"}


def test_the_documented_defaults_are_those_of_the_code() -> None:
    rows = [
        line.split("|") for line in text_of("docs/configuration.md").splitlines() if line.startswith("| `")
    ]
    stated = {
        name: row[4].strip().strip("`")
        for row in rows
        if len(row) == 6
        for name in _CODE.findall(row[1])
        if re.fullmatch(r"`[^`]+`|\d+", row[4].strip())
    }
    plain = [name for name in stated if name not in ("SMTP_SERVER", "ENV_FILE", "BUILD_DIR")]
    assert len(plain) >= 10
    for kind in (Settings, PublishSettings):
        fixed = {"EVENTS_NOW": NOW.isoformat()}
        with_defaults = {name: stated[name] for name in plain}
        assert kind.from_env({**with_defaults, **fixed}) == kind.from_env(fixed)


def example_values() -> dict[str, str]:
    commented = re.sub(r"^#(?=[A-Z0-9_]+=)", "", EXAMPLE, flags=re.MULTILINE)
    entries, faults = env_file.parse(commented.encode())
    assert faults == []
    return {entry.key: entry.value for entry in entries}


def test_the_documented_and_the_example_defaults_are_those_of_the_table() -> None:
    rows = re.findall(
        r"^\| ([^|]+) \|[^|]*\|[^|]*\| ([^|]+) \|$", text_of("docs/configuration.md"), re.MULTILINE
    )
    documented = {name: default for names, default in rows for name in _CODE.findall(names)}
    for row in TABLE.values():
        if row.required:
            assert documented[row.name].startswith("required"), row.name
        elif row.default and row.default != "localhost:25":
            assert documented[row.name].strip("`") == row.default, row.name
    for name, value in example_values().items():
        row = TABLE[name]
        assert value == row.default or row.required or COMPOSE in row.readers or not row.default, name


def test_the_example_file_can_be_filled_in() -> None:
    values = example_values()
    assert {name for name in values if not check.is_known(name)} == set()
    documented = set(_CODE.findall(text_of("docs/configuration.md")))
    assert set(values) - documented == set()


def test_the_example_file_shows_the_defaults() -> None:
    fixed = {"EVENTS_NOW": NOW.isoformat()}
    values = {**example_values(), **fixed}
    assert Settings.from_env(values) == Settings.from_env(fixed)
    assert PublishSettings.from_env(values) == PublishSettings.from_env(fixed)


def test_every_setting_of_the_example_file_has_an_explanation() -> None:
    lines = EXAMPLE.splitlines()
    for number, line in enumerate(lines):
        if re.match(r"#?[A-Z0-9_]+=", line):
            above = lines[number - 1]
            assert above.startswith("# ") or re.match(r"#?[A-Z0-9_]+=", above), line


def make_targets() -> set[str]:
    return set(re.findall(r"^([a-z][a-z0-9-]*):.*## ", MAKEFILE, re.MULTILINE))


def test_every_make_target_is_documented() -> None:
    named = set(_MAKE.findall("\n".join(commands(all_docs()))))
    assert make_targets() - named == set()


def commands(text: str) -> Iterator[str]:
    """Yield the code of a page: its blocks, and the code in its sentences."""
    yield from _FENCE.findall(text)
    yield from _CODE.findall(prose(text))


@pytest.mark.parametrize("name", [name for name in NAMES if name != "CHANGELOG.md"])
def test_every_command_in_the_docs_exists(name: str) -> None:
    code = "\n".join(commands(text_of(name)))
    targets = set(_MAKE.findall(code))
    assert targets - make_targets() == set()
    programs = set(re.findall(r"(?<!/usr/)\bbin/([a-z]+)\b", code))
    missing = {f"bin/{name}" for name in programs if not os.access(ROOT / "bin" / name, os.X_OK)}
    assert missing == set()


@pytest.mark.parametrize("name", [name for name in NAMES if name != "CHANGELOG.md"])
def test_every_file_named_in_the_docs_exists(name: str) -> None:
    code = [word for found in commands(text_of(name)) for word in found.split()]
    paths = {word for word in code if _PATH.fullmatch(word)}
    made = {path for path in paths if "kilton" in path}  # an overlay that the reader makes
    assert {path for path in paths - made if not (ROOT / path).exists()} == set()
    modules = {word for word in code if re.fullmatch(r"[a-z_]+\.(py|sh|bats)", word)}
    assert {name for name in modules if not any(ROOT.glob(f"[!.]*/**/{name}"))} == set()


def test_every_exit_code_is_documented_and_no_other() -> None:
    defined = {value for name, value in vars(exit_codes).items() if name.isupper()}
    table = section(text_of("docs/configuration.md"), "## Exit codes")
    assert {int(cell) for cell in first_cells(table) if cell.isdecimal()} == defined


def kind_of(path: str) -> str:
    """Return the path as docs/pages.md writes it: `branch/<slug>.html`."""
    path = re.sub(r"^static/.+", "static/<name>.<hash>.<ext>", path)
    path = re.sub(r"^event/\d+\.", "event/<id>.", path)
    path = re.sub(r"^month/.+\.", "month/<yyyy-mm>.", path)
    path = re.sub(r"^e/.+", "e/<short>", path)
    return re.sub(r"^(branch|audience|category|series|screen)/[^/]+\.", r"\1/<slug>.", path)


@pytest.fixture(scope="module", params=["list", "screen"])
def published(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> set[str]:
    """The kinds of paths of a small site, with the list or the screen at /."""
    build = tmp_path_factory.mktemp("build")
    weekly = [
        event(f"2026-03-{day:02} 09:00", id=str(day), audiences=("Teens",), categories=("Music",))
        for day in (3, 10, 17)
    ]
    snapshot(*weekly).save(build / "events.json")
    env = {
        **{name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ},
        "ENV_FILE": os.devnull,
        "BUILD_DIR": str(build),
        "EVENTS_NOW": NOW.isoformat(),
        "SITE_URL": SITE,
        "HOME_PAGE": request.param,
    }
    command = ["python3", generate.__file__]
    subprocess.run(command, env=env, check=True, capture_output=True, timeout=60)
    site = build / "site"
    return {kind_of(path.relative_to(site).as_posix()) for path in site.rglob("*") if path.is_file()}


def documented_paths() -> set[str]:
    return set(_CODE.findall("\n".join(first_cells(text_of("docs/pages.md")))))


def test_every_published_path_is_documented(published: set[str]) -> None:
    assert {"index.html", "branch/<slug>.ics", "static/<name>.<hash>.<ext>"} <= published
    assert published - documented_paths() == set()


def test_every_documented_path_is_published(published: set[str]) -> None:
    paths = {name for name in documented_paths() if re.search(r"\.\w+$|<ext>$", name)}
    assert {name for name in paths if "[]" not in name} - published - {"list.html"} == set()


def test_every_field_of_the_public_data_is_documented() -> None:
    schema = json.loads((ROOT / "schema" / "events.schema.json").read_text())
    fields = {*schema["properties"], *schema["$defs"]["event"]["properties"]} - {"events"}
    cells = "\n".join(first_cells(section(text_of("docs/pages.md"), "## events.json")))
    assert {name.removeprefix("events[].") for name in _CODE.findall(cells)} == fields


def test_the_messages_in_troubleshooting_are_those_of_the_programs() -> None:
    table = section(text_of("docs/troubleshooting.md"), "## Messages")
    messages = [cell.strip("`") for cell in first_cells(table) if re.fullmatch(r"`[^`]+`", cell)]
    folders = ("bin", "scripts", "docker")
    sources = "\n".join(
        path.read_text(errors="replace")
        for folder in folders
        for path in sorted((ROOT / folder).rglob("*"))
        if path.is_file() and path.suffix in ("", ".py", ".sh")
    )
    assert len(messages) >= 8
    assert [message for message in messages if message not in sources] == []
