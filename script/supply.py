"""What Rollcall consists of that others have made: `python -m script.supply licences|sbom|advisories`.

Everything is told by what is in this folder and in `.venv`; only `advisories` asks anybody, and that is the package
index from which pip installs here.
"""

import argparse
import json
import re
import subprocess
import sys
from base64 import b64decode
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from importlib import metadata
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit, urlunsplit

import requests

ROOT = Path(__file__).resolve().parent.parent

ACCEPTED = {
    "0BSD", "Apache-2.0", "BSD-2-Clause", "BSD-3-Clause", "ISC", "LGPL-3.0-only", "MIT", "MIT-0", "MPL-2.0", "OFL-1.1",
    "PSF-2.0", "TCL", "ZPL-2.1",
}  # fmt: skip
"""What may go out with Rollcall, or be installed beside it, by its SPDX name."""

ACCEPTED_IN_TESTS = ACCEPTED | {"Artistic-1.0-Perl"}
"""Of what only tests and developers use, and nobody gets from us."""

SPELLINGS = {
    "MIT License": "MIT",
    "BSD": "BSD-3-Clause",
    "BSD License": "BSD-3-Clause",
    "Apache 2.0": "Apache-2.0",
    "Apache License": "Apache-2.0",
    "Apache License, Version 2.0": "Apache-2.0",
    "Apache Software License": "Apache-2.0",
    "Mozilla Public License 2.0 (MPL 2.0)": "MPL-2.0",
    "Python Software Foundation License": "PSF-2.0",
    "Artistic License": "Artistic-1.0-Perl",
}
"""How metadata older than SPDX say it. A bare "BSD" was read in each package's own file: three clauses."""

BY_HAND = {
    "axe-playwright-python": "MIT",  # says nothing in its metadata; its file LICENSE does
    "async-timeout": "Apache-2.0",  # these are for other platforms than the one where this runs
    "colorama": "BSD-3-Clause",
    "tzdata": "Apache-2.0",
    "u-msgpack-python": "MIT",
}

PINNED = re.compile(r"^([A-Za-z0-9._-]+)(?:\[[^\]]*\])?==(\S+)", re.MULTILINE)
VENDORED = re.compile(
    r"^\| (\S+) \| \[([^\]]+)\]\(\S+\)[^|]*\| (\S+) \| (\S+?),? .*`([A-Za-z0-9+/=]{64})` \|$", re.MULTILINE
)


Pin = tuple[str, str]
"""A package's name, as indexes spell it, and its version."""


class Unknown(Exception):
    """Something whose licence nobody has said, or that we do not accept."""


@dataclass(frozen=True, slots=True, order=True)
class Component:
    """One thing that others have made. `use` is run, tests or browser.

    Of what browsers load we keep a copy: `file` is its name, `sha384` is in hex.
    """

    use: str
    name: str
    version: str
    licence: str
    file: str = ""
    sha384: str = ""

    @property
    def purl(self) -> str:
        """Its package URL; no two of ours have the same."""
        if self.use == "browser":
            return f"pkg:npm/{quote(self.name, safe='/')}@{self.version}#{self.file}"
        return f"pkg:pypi/{self.name}@{self.version}"


def normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


# What there is


def pinned(file: str) -> list[Pin]:
    """Names and versions in a file of requirements; some names twice, for other kinds of Python."""
    text = (ROOT / file).read_text(encoding="utf-8")
    return [(normal(name), version) for name, version in PINNED.findall(text)]


def packages() -> Iterator[Component]:
    run, everything = pinned("requirements.txt"), pinned("requirements-dev.txt")
    for name, version in everything:
        yield Component("run" if (name, version) in run else "tests", name, version, licence_of(name))


def licence_of(name: str) -> str:
    """As SPDX writes it. Raises Unknown."""
    if name in BY_HAND:
        return BY_HAND[name]
    try:
        said: Any = metadata.metadata(name)
    except metadata.PackageNotFoundError:
        raise Unknown(f"{name} is not installed here: say its licence in BY_HAND") from None
    if expression := said.get("License-Expression"):
        return str(expression)
    marks = [one for one in said.get_all("Classifier", []) if one.startswith("License")]
    classifiers = [one.rpartition("::")[2].strip() for one in marks]
    for found in ((said.get("License") or "").split("\n")[0].strip(), *classifiers):
        if found in SPELLINGS or found in ACCEPTED:
            return SPELLINGS.get(found, str(found))
    raise Unknown(f"{name} says no licence that we know: {said.get('License')!r:.60}, {classifiers}")


def vendored() -> Iterator[Component]:
    """Files that browsers load, by the list beside them."""
    text = (ROOT / "static" / "vendor" / "VENDORED.md").read_text(encoding="utf-8")
    for path, name, version, licence, digest in VENDORED.findall(text):
        yield Component("browser", name, version, licence, Path(path).name, b64decode(digest).hex())


def components() -> list[Component]:
    """All of them. Raises Unknown when there is one whose licence we do not accept."""
    found = sorted({*packages(), *vendored()})
    if refused := [one for one in found if not is_accepted(one)]:
        raise Unknown("; ".join(f"{one.name} {one.version}: {one.licence} is not accepted" for one in refused))
    return found


def is_accepted(one: Component) -> bool:
    accepted = ACCEPTED_IN_TESTS if one.use == "tests" else ACCEPTED
    names = re.split(r"\s+(?:AND|OR|WITH)\s+", one.licence.replace("(", "").replace(")", ""))
    either = " OR " in one.licence and " AND " not in one.licence
    return any(name in accepted for name in names) if either else all(name in accepted for name in names)


# Licences

USES = {"run": "Rollcall runs on it", "browser": "browsers load it, from us", "tests": "for tests and developers only"}


def licences(found: Iterable[Component]) -> str:
    """The page of the docs."""
    lines = [
        "# Licences",
        "",
        "Made by `script/licences`, which fails when a licence is unknown or not accepted. Rollcall itself is MIT.",
        "Licences are written as SPDX does. Wheels of `psycopg-binary` hold libraries, such as libpq and OpenSSL, with",
        "licences of their own.",
        "",
        "| name | version | licence | what for |",
        "| --- | --- | --- | --- |",
        *dict.fromkeys(f"| {one.name} | {one.version} | {one.licence} | {USES[one.use]} |" for one in found),
    ]
    return "\n".join(lines) + "\n"


# A list of components, as CycloneDX writes it


def sbom(found: Iterable[Component], version: str) -> str:
    """What a release consists of. The same release gives the same text: no time and no number of chance."""
    shipped = [one for one in found if one.use != "tests"]
    root = {"type": "application", "bom-ref": "rollcall", "name": "rollcall", "version": version}
    return json.dumps(
        {
            "bomFormat": "CycloneDX",
            "specVersion": "1.6",
            "version": 1,
            "metadata": {"component": root | {"licenses": [{"license": {"id": "MIT"}}]}},
            "components": [_described(one) for one in shipped],
            "dependencies": [{"ref": "rollcall", "dependsOn": [one.purl for one in shipped]}],
        },
        indent=2,
    )


def _described(one: Component) -> dict[str, object]:
    is_single = " " not in one.licence
    licence = {"license": {"id": one.licence}} if is_single else {"expression": one.licence}
    described: dict[str, object] = {
        "type": "library",
        "bom-ref": one.purl,
        "name": one.name,
        "version": one.version,
        "purl": one.purl,
        "licenses": [licence],
    }
    return described | ({"hashes": [{"alg": "SHA-384", "content": one.sha384}]} if one.sha384 else {})


# Known advisories

NOT_CHECKED = 0
"""The exit code where nobody could be asked: that is said, and is no fault of the change that is looked at."""
TIMEOUT_S = 20


class Silent(Exception):
    """The index tells nothing of advisories, or cannot be reached."""


def index_url() -> str:
    """The index from which pip installs here, as pip is configured."""
    said = subprocess.run(
        [sys.executable, "-m", "pip", "config", "list"], capture_output=True, text=True, check=False
    ).stdout
    configured = re.findall(r"index-url='([^']+)'", re.sub(r"^.*extra-index-url.*$", "", said, flags=re.MULTILINE))
    if configured:
        return str(configured[-1])
    from pip._internal.models.index import PyPI  # noqa: PLC0415 - the one place that knows pip's default

    return str(PyPI.simple_url)


def advisories_of(index: str, name: str, version: str) -> list[tuple[str, str]]:
    """Ids of what is known against one version, and where it is mended. Raises Silent."""
    parts = urlsplit(index)
    base = urlunsplit(parts._replace(path=parts.path.rstrip("/").removesuffix("/simple")))
    try:
        answer = requests.get(f"{base}/pypi/{name}/{version}/json", timeout=TIMEOUT_S)
        known = answer.json()["vulnerabilities"] if answer.ok else None
    except (requests.RequestException, ValueError, KeyError, TypeError) as error:
        raise Silent(type(error).__name__) from None
    if not isinstance(known, list):
        raise Silent(f"HTTP {answer.status_code}")
    standing = [one for one in known if not one.get("withdrawn")]
    return [(str(one["id"]), ", ".join(one.get("fixed_in") or ["nothing yet"])) for one in standing]


Ask = Callable[[str, str], list[tuple[str, str]]]


def check_advisories(of: list[Pin], ask: Ask, say: Callable[[str], object]) -> int:
    """Ask for every package; an index that tells nothing of the first one is asked for no other. The exit code."""
    first, *others = of
    answers = {first: _answer(ask, first)}
    if not isinstance(answers[first], Silent):
        with ThreadPoolExecutor(max_workers=8) as pool:
            answers |= zip(others, pool.map(partial(_answer, ask), others), strict=True)
    found = {pin: answer for pin, answer in answers.items() if not isinstance(answer, Silent)}
    for (name, version), known in found.items():
        for identity, mended in known:
            say(f"{name} {version}: {identity}, mended in {mended}")
    hits = sum(map(bool, found.values()))
    say(f"Advisories: {len(found)} of {len(of)} packages checked, {hits} with known ones.")
    if silent := [answer for answer in answers.values() if isinstance(answer, Silent)]:
        say(f"NOT CHECKED: {len(of) - len(found)} packages, of which the package index tells nothing ({silent[0]}).")
    return 1 if hits else NOT_CHECKED


def _answer(ask: Ask, pin: Pin) -> list[tuple[str, str]] | Silent:
    try:
        return ask(*pin)
    except Silent as error:
        return error


# Commands


def write_licences(check: bool) -> int:
    page, text = ROOT / "docs" / "licences.md", licences(components())
    if not check:
        page.write_text(text, encoding="utf-8")
    elif page.read_text(encoding="utf-8") != text:
        sys.stderr.write("docs/licences.md is out of date: run script/licences\n")
        return 1
    return 0


def write_sbom() -> int:
    heading = re.search(r"^## \[?([\w.+-]{1,40})", (ROOT / "CHANGELOG.md").read_text(encoding="utf-8"), re.MULTILINE)
    sys.stdout.write(sbom(components(), heading[1] if heading else "unknown") + "\n")
    return 0


def ask_index() -> int:
    index = index_url()
    return check_advisories(
        pinned("requirements-dev.txt"),
        lambda name, version: advisories_of(index, name, version),
        lambda line: sys.stdout.write(f"{line}\n"),
    )


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("what", choices=("licences", "sbom", "advisories"))
    parser.add_argument("--check", action="store_true", help="change nothing; fail when the docs are out of date")
    chosen = parser.parse_args()
    try:
        match chosen.what:
            case "licences":
                return write_licences(chosen.check)
            case "sbom":
                return write_sbom()
            case _:
                return ask_index()
    except Unknown as error:
        sys.stderr.write(f"{error}\n")
        return 1


if __name__ == "__main__":
    sys.exit(main())
