"""Pairs of comments and the functions that they describe."""

import ast
import re
import textwrap
import warnings
import zipfile
from pathlib import Path

from pairs import Pair, fraction, section_pairs, words
from prose import clean, markdown_sections, sentences

FUNCTIONS_OF_A_PACKAGE = 800
PERMISSIVE = re.compile(r"\b(MIT|BSD|Apache|PSF|Python Software Foundation|ISC|Unlicense|Zlib|HPND|CC0|Historical Permission)\b", re.I)
COPYLEFT = re.compile(r"GPL|General Public|MPL|Mozilla|EUPL|CeCILL|Proprietary|Business Source|SSPL|Elastic", re.I)
LONGEST_FUNCTION = 2500  # characters


def licence(wheel):
    """Returns the licence that a wheel states, or nothing if it is not known to be permissive."""
    with zipfile.ZipFile(wheel) as archive:
        metadata = next(n for n in archive.namelist() if n.endswith(".dist-info/METADATA"))
        header = archive.read(metadata).decode(errors="ignore").split("\n\n")[0]
    stated = re.findall(r"^License-Expression: (.*)|^Classifier: License :: (.*)|^License: (.{1,80})$", header, re.M)
    text = "; ".join(part for parts in stated for part in parts if part)
    return text if PERMISSIVE.search(text) and not COPYLEFT.search(text) else ""


def wheels(folder):
    """Yields (unit, function that reads a file) for the Python files of permissively licensed wheels."""
    for path in sorted(Path(folder).glob("*.whl")):
        if not licence(path):
            continue
        unit = "python " + path.name.split("-")[0].lower()
        with zipfile.ZipFile(path) as archive:
            names = [n for n in archive.namelist() if n.endswith(".py") and not re.search(r"(^|/)(tests?|testing|_vendor|examples)/|/test_|_test\.py$", n)]
            for name in sorted(names, key=lambda n: fraction(unit, n)):
                yield unit, lambda: archive.read(name).decode(errors="ignore")  # noqa: B023 (called before the next)


def standard_library(folder):
    """Yields the same of Python's own library; a top-level package or file is a unit."""
    for path in sorted(Path(folder).rglob("*.py")):
        name = path.relative_to(folder)
        if not {"site-packages", "test", "tests", "idlelib", "lib2to3"} & set(name.parts):
            yield "python std " + name.parts[0].removesuffix(".py"), lambda: path.read_text(errors="ignore")  # noqa: B023


def python(files):
    """Yields pairs of the first sentence of a docstring and its function."""
    taken = {}
    for unit, read in files:
        if taken.get(unit, 0) >= FUNCTIONS_OF_A_PACKAGE:
            continue
        for pair in _functions(unit, read()):
            taken[unit] = taken.get(unit, 0) + 1
            yield pair


def _functions(unit, source):
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            tree = ast.parse(source)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return
    lines = source.splitlines()
    for node in ast.walk(tree):
        if not isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)) or node.name.startswith("__") or len(node.body) < 2:
            continue
        docstring = ast.get_docstring(node)
        if not docstring or not docstring.isascii():
            continue
        query = clean(sentences(docstring.split("\n\n")[0])[0]) if docstring.strip() else ""
        if not 3 <= words(query) <= 30 or ">>>" in query:
            continue
        body = lines[node.lineno - 1 : node.body[0].lineno - 1] + lines[node.body[1].lineno - 1 : node.end_lineno]
        code = textwrap.dedent("\n".join(body))
        if len(code) > 60:
            yield Pair("python", query, code[:LONGEST_FUNCTION], unit)


GO_FUNCTION = re.compile(r"((?:^//.*\n)+)(^func [\s\S]*?^\}$)", re.M)


def go_folders(roots):
    """Yields (unit, folder) of Go's own library and of permissively licensed modules."""
    for root in map(Path, roots):
        if root.name == "src":
            yield from (("go std " + p.name, p) for p in sorted(root.iterdir()) if p.is_dir())
            continue
        for text in sorted(root.rglob("LICENSE*")):
            if "@" in text.parent.name and _is_permissive(text):
                yield "go " + str(text.parent.relative_to(root)).split("@")[0], text.parent


def _is_permissive(path):
    text = clean(path.read_text(errors="ignore"))[:4000] if path.is_file() else ""
    stated = re.search(r"MIT License|Permission is hereby granted|Permission to use, copy|Redistribution and use in source|Apache License", text)
    return bool(stated) and not re.search(r"Mozilla Public|GNU", text)


def go(folders):
    """Yields pairs of the first sentence of a doc comment and its function, and of READMEs' sections."""
    for unit, folder in folders:
        files = [p for p in sorted(folder.rglob("*.go")) if not p.name.endswith("_test.go") and not {"vendor", "testdata"} & set(p.parts) and p.is_file()]
        taken = 0
        for path in sorted(files, key=lambda p: fraction(unit, p.name)):
            if taken >= FUNCTIONS_OF_A_PACKAGE:
                break
            source = path.read_text(errors="ignore") if path.stat().st_size < 500_000 else ""
            if "Code generated" in source[:2000]:
                continue
            for comment, function in GO_FUNCTION.findall(source):
                query = _comment_sentence(comment, function)
                if 3 <= words(query) <= 30 and len(function) > 80:
                    taken += 1
                    yield Pair("go", query, function[:LONGEST_FUNCTION], unit)
        for path in sorted(folder.rglob("*.md"))[:100]:
            if "vendor" not in path.parts and path.is_file() and "CHANGELOG" not in path.name.upper():
                yield from section_pairs("section", unit, markdown_sections(path.read_text(errors="ignore")[:200_000]))


def _comment_sentence(comment, function):
    """Returns the first sentence of a comment, without the function's name that it begins with."""
    text = clean(re.sub(r"^//", "", comment, flags=re.M))
    found = sentences(text)
    first = found[0] if found else ""
    name = re.search(r"^func (?:\([^)]*\) )?(\w+)", function)
    return first.removeprefix(name.group(1)).strip() if name else first
