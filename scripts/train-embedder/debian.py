"""Pairs from Debian: package descriptions, manual pages, documentation, dictionaries.

All of it is in Debian's main archive, whose texts are free by Debian's guidelines.
"""

import gzip
import re
import subprocess
from pathlib import Path

from pairs import Pair, context_pair, fraction, section_pairs, words
from prose import clean, html_sections, is_english, man_sections

PAGES_OF_A_PACKAGE = 250
LARGEST_PAGE = 400_000  # bytes
NOT_A_NAME = re.compile(r"^lib|^(python3?|ruby|golang|node|php|r-cran|r-bioc|haskell)-|-(dev|doc|docs|common|data|dbg|tools|utils|perl|java|ruby|bin)\b|[-.0-9]+$")
OTHER_LANGUAGE = re.compile(r"/(?!en)[a-z]{2}([-_][A-Z]{2})?/|\.(?!en)[a-z]{2}([-_][A-Za-z]{2})?\.html|html\.[a-z]{2}")


def descriptions(lists):
    """Yields pairs of the short and the long description of packages, a source package once."""
    seen = set()
    for path in sorted(Path(lists).glob("*_main_i18n_Translation-en*")):
        for entry in _decompress(path).split("\n\n"):
            match = re.match(r"Package: (\S+)\nDescription-md5: \S+\nDescription-en: (.*)\n([\s\S]*)", entry)
            if not match or match.group(3) in seen:
                continue
            seen.add(match.group(3))
            text = clean(match.group(3).replace("\n .", "\n"))
            if words(text) < 15 or "transitional" in entry or not is_english(text):
                continue
            unit = "package " + NOT_A_NAME.sub("", match.group(1))
            yield Pair("package", match.group(2), text[:2000], unit)
            if fraction(text) < 0.5:
                yield from context_pair(unit, text)


def _decompress(path):
    if path.suffix == ".lz4":
        return subprocess.run(["/usr/lib/apt/apt-helper", "cat-file", path], check=True, capture_output=True).stdout.decode()
    return path.read_text()


def manual(root):
    """Yields pairs of what a page says that it is for, and of headings, with the page's text."""
    for path in sorted(Path(root).glob("usr/share/man/man*/*.gz")):
        try:
            source = gzip.decompress(path.read_bytes()).decode(errors="ignore")
        except (OSError, EOFError):
            continue
        unit = "manual " + re.split(r"[-_.:]", path.name)[0].lower()
        name = path.name.split(".")[0]
        purpose, found = "", []
        for heading, text in man_sections(source):
            if heading.upper() == "NAME":
                purpose = clean(re.split(r"\s-+\s", text, maxsplit=1)[-1])
            elif heading.upper() == "DESCRIPTION" and words(text) >= 20 and is_english(text):
                if 2 <= words(purpose) <= 20:
                    yield Pair("manual", purpose, f"{name} {text}"[:2000], unit)
                yield from context_pair(unit, text[:2000])
            elif heading.upper() not in ("SYNOPSIS", "SEE ALSO", "AUTHOR", "AUTHORS", "COPYRIGHT", ""):
                found.append((name, heading, text[:2000]))
        yield from section_pairs("section", unit, found)


def documentation(root):
    """Yields pairs of headings, questions and sentences with their sections."""
    for package in sorted(Path(root).glob("usr/share/doc/*")) + sorted(Path(root).glob("usr/share/help/C/*")) + sorted(
        Path(root).glob("usr/share/libreoffice/help/en-US/*")
    ):
        pages = [p for suffix in ("html", "htm", "page", "docbook") for p in package.rglob(f"*.{suffix}")]
        pages = [p for p in pages if p.is_file() and not OTHER_LANGUAGE.search("/" + str(p.relative_to(root))) and p.stat().st_size <= LARGEST_PAGE]
        pages.sort(key=lambda p: fraction(str(p.relative_to(root))))
        for page in pages[:PAGES_OF_A_PACKAGE]:
            yield from section_pairs("section", "doc " + package.name, html_sections(page.read_bytes()))


def wordnet(root):
    """Yields words with their glosses, and examples with the gloss of the word used."""
    for path in sorted(Path(root).glob("usr/share/wordnet/data.*")):
        for line in path.read_text().splitlines():
            if line.startswith("  ") or " | " not in line:
                continue
            fields, gloss = line.split(" | ", 1)
            fields = fields.split(" ")
            synonyms = [fields[4 + 2 * i].replace("_", " ").split("(")[0] for i in range(int(fields[3], 16))]
            definition = clean(re.split(r'; "', gloss)[0])
            unit = "gloss " + synonyms[0]
            if words(definition) >= 3:
                yield Pair("gloss", ", ".join(synonyms[:3]), definition, unit)
                for example in re.findall(r'"([^"]+)"', gloss)[:1]:
                    if words(example) >= 4:
                        yield Pair("gloss", example, f"{synonyms[0]}: {definition}", unit)


DICTIONARY_DIGITS = {c: i for i, c in enumerate("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/")}


def _number(digits):
    value = 0
    for digit in digits:
        value = 64 * value + DICTIONARY_DIGITS[digit]
    return value


def dictionaries(root, names=("foldoc", "jargon", "gcide")):
    """Yields headwords with their definitions, of dictionaries in dictd's format."""
    for name in names:
        folder = Path(root) / "usr/share/dictd"
        if not (folder / f"{name}.index").exists():  # not fetched
            continue
        data = gzip.decompress((folder / f"{name}.dict.dz").read_bytes())
        for line in (folder / f"{name}.index").read_text(errors="ignore").splitlines():
            word, offset, length = line.split("\t")[:3]
            if word.startswith("00") or not word.isascii() or len(word) < 3:
                continue
            start = _number(offset)
            body = data[start : start + _number(length)].decode(errors="ignore")
            text = clean(re.sub(r"[{}]|^\s*<[^>]*>|\[[^\]]*\]|\\[^\\]*\\", "", body.split("\n", 1)[-1]))
            if words(text) < 8:
                continue
            if name == "gcide" and fraction(word) > 0.3:
                continue
            yield Pair("gloss", word, text[:1000], "gloss " + word)
            if name != "gcide":
                yield Pair("question", f"What is {word}?", text[:1000], "gloss " + word)
