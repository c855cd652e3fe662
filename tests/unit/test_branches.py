"""branches.toml: the facts about each branch, and every fault with its line."""

from __future__ import annotations

from pathlib import Path

import pytest

import branches
import check
from branches import Branch
from settings import ROOT, SettingError
from support.page_samples import settings

FULL = """
[[branch]]
name = "Kilton"
street = "80 Main Street"
city = "West Lebanon"
region = "NH"
postcode = "03784"
country = "US"
phone = "+1 603-555-0144 x5"
email = "kilton@example.org"
position = [43.6426, -72]
access = "Step-free entrance"
parking = "Behind the library"
hours = 1234
photo = "https://example.org/kilton.jpg"

[[branch]]
name = "Lebanon"
"""


def test_the_branches_are_read_in_the_order_of_the_file() -> None:
    found, faults = branches.parse(FULL.encode())
    assert not faults
    assert found == (
        Branch(
            name="Kilton",
            street="80 Main Street",
            city="West Lebanon",
            region="NH",
            postcode="03784",
            country="US",
            phone="+1 603-555-0144 x5",
            email="kilton@example.org",
            position=(43.6426, -72.0),
            access="Step-free entrance",
            parking="Behind the library",
            hours="1234",
            photo="https://example.org/kilton.jpg",
        ),
        Branch(name="Lebanon"),
    )
    assert found[0].address == "80 Main Street, West Lebanon, NH 03784"
    assert found[0].dialed == "+16035550144,5"
    assert found[1].address == ""


@pytest.mark.parametrize(
    ("values", "address"),
    [
        ({"street": "Ålandsgade 49", "city": "København N", "postcode": "2200"}, "Ålandsgade 49, 2200 København N"),
        ({"street": "1 High Street", "city": "Leeds", "postcode": "LS1 1AA", "country": "GB"},
         "1 High Street, Leeds LS1 1AA"),
        ({"street": "1 Elm Street", "city": "Lyme", "region": "NH"}, "1 Elm Street, Lyme, NH"),
        ({"city": "Lyme"}, ""),
    ],
)  # fmt: skip
def test_an_address_is_written_as_in_its_country(values: dict[str, str], address: str) -> None:
    assert Branch(name="X", **values).address == address  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("text", "faults"),
    [
        ('[[branch]]\nname = "A"\npostkode = "1 Elm"\n', ["3: postkode is not a key of a branch; did you mean"]),
        ('[[branch]]\nphone = "+1 603-555-0100"\n', ["1: the branch has no name"]),
        ('[[branch]]\nname = Kilton\n', ["2: is not TOML: "]),
        ('[[branch]]\nname = "A"\nname = "B"\n', ["3: is not TOML: "]),
        ('[[branch]]\nname = "A', ["2: is not TOML: "]),
        ('name = "A"\n', ["1: name is not in a table"]),
        ('[branch]\nname = "A"\n', ["1: write [[branch]], with two brackets"]),
        ('# nothing\n', [" has no [[branch]]"]),
        ('[[branch]]\nname = "A"\n\n[[branch]]\nname = "a"\n', ["5: name is that of an earlier branch"]),
        ('[[branch]]\nname = "A"\nposition = "43, -72"\n', ["3: position must be latitude and longitude"]),
        ('[[branch]]\nname = "A"\nposition = [-72.2, 143.6]\nhours = "9 to 5"\n',
         ["4: hours must be LibCal's id"]),
        ('[[branch]]\nname = "A"\nposition = [143.6, -72.2]\n', ["3: position must be"]),
        ('[[branch]]\nname = "A"\nphone = "call us"\nemail = "desk"\ncountry = "USA"\n',
         ["3: phone must be", "4: email must be", "5: country must be"]),
        ('[[branch]]\nname = "A"\nphoto = "http://example.org/a.jpg"\n', ["3: photo must be an address"]),
        ('[[branch]]\nname = "A"\nphoto = "https://[x/a.jpg"\n', ["3: photo must be an address"]),
        ('[[branch]]\nname = 5\n', ["2: name must be a text"]),
        ('[[branch]]\nname = " "\n', ["2: name must have 1 to 1000 characters"]),
        ('[[branch]]\nname = "A"\nparking = "a\\u0007"\n', ["3: parking contains a control character"]),
        ('[[branch]]\r\nname = "A"\r\nhours = true\r\n', ["3: hours must be LibCal's id"]),
    ],
)  # fmt: skip
def test_a_wrong_file_is_reported_line_by_line(text: str, faults: list[str]) -> None:
    found = [fault.text("b.toml") for fault in branches.parse(text.encode())[1]]
    assert len(found) == len(faults)
    for fault, expected in zip(found, faults, strict=True):
        assert fault.startswith(f"b.toml:{expected}")


def test_a_file_that_is_not_text_is_reported_with_its_line() -> None:
    found = branches.parse(b'[[branch]]\nname = "K\xf8benhavn"\n')[1]
    assert [fault.text("b") for fault in found] == ["b:2: is not UTF-8: save the file as UTF-8"]
    assert branches.parse(b"#" * (branches.MAX_BYTES + 1))[1]
    assert branches.parse(b"x = " + b"[" * 10_000)[1]
    assert not branches.parse("\ufeff".encode() + FULL.encode())[1]


def test_a_missing_file_is_reported() -> None:
    assert "No such file" in branches.read(Path("/nowhere.toml"))[1][0].why


def test_the_sample_file_is_right() -> None:
    found, faults = branches.read(ROOT / "standins" / "branches.toml")
    assert not faults
    assert all(branch.address and branch.hours for branch in found)


def test_the_steps_refuse_a_wrong_file_with_all_its_faults(tmp_path: Path) -> None:
    file = tmp_path / "branches.toml"
    file.write_text('[[branch]]\nnames = "A"\n')
    with pytest.raises(SettingError) as raised:
        settings(BRANCHES=str(file))
    assert raised.value.key == "BRANCHES"
    assert f"{file}:1: the branch has no name" in raised.value.why
    assert f"{file}:2: names is not a key of a branch; did you mean name?" in raised.value.why
    file.write_text(FULL)
    assert [branch.name for branch in settings(BRANCHES=str(file)).branches] == ["Kilton", "Lebanon"]


def test_the_check_lists_each_fault(tmp_path: Path) -> None:
    file, env = tmp_path / "branches.toml", tmp_path / "env"
    file.write_text('[[branch]]\nname = "A"\nphone = "x"\nemail = "x"\n')
    env.write_text(f"BRANCHES={file}\n")
    found = [problem.why for problem in check.find(env, "env", {})[1] if problem.key == "BRANCHES"]
    assert [why.partition(" must")[0] for why in found] == [f"{file}:3: phone", f"{file}:4: email"]
