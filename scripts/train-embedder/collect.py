"""Collects pairs from all sources, drops what the evaluation sets hold, sets some aside.

Writes pairs.jsonl for training, and a folder in BEIR layout for each kind of pair
under held-out/, whose packages, pages and words are not in pairs.jsonl.
"""

import functools
import json
import sysconfig
import zlib
from collections import Counter
from dataclasses import asdict
from pathlib import Path

import debian
import functions as code
from pairs import Pair, fraction, section_pairs
from prose import markdown_sections
from tokenizer import WORD, fold

HELD_OUT = 0.05  # of the units
HELD_OUT_QUERIES = 400
SHINGLE = 12  # words


@functools.lru_cache(1 << 20)
def word_number(word):
    return zlib.crc32(fold(word).encode())


def shingles(text):
    """Returns numbers of the runs of SHINGLE words of a text; of all of it if it is shorter."""
    found = tuple(map(word_number, WORD.findall(text)))
    runs = max(1, len(found) - SHINGLE + 1)
    return {hash(found[i : i + SHINGLE]) for i in range(runs)}


class Excluded:
    """Knows the texts and the queries of the evaluation sets."""

    def __init__(self, folders):
        self.known = set()
        for folder in folders:
            for name in ("corpus.jsonl", "queries.jsonl"):
                for line in (Path(folder) / name).read_text().splitlines():
                    self.known |= shingles(json.loads(line)["text"])

    def holds(self, pair):
        """Reports whether a query, or over a third of a text, is part of an evaluation set."""
        own = shingles(pair.text)
        return 3 * len(own & self.known) > len(own) or bool(shingles(pair.query) & self.known)


def handbook(folder):
    """Yields pairs of headings with the sections of a folder of Markdown pages."""
    for path in sorted(Path(folder).rglob("*.md")):
        unit = "handbook " + str(path.relative_to(folder))
        yield from section_pairs("section", unit, markdown_sections(path.read_text()))


def sources(work, options):
    """Returns what yields the pairs of each source, by name."""
    root = work / "debian"
    own_library = lambda: code.standard_library(sysconfig.get_path("stdlib"))
    found = {
        "descriptions": lambda: debian.descriptions(work / "lists"),
        "manual": lambda: debian.manual(root),
        "wordnet": lambda: debian.wordnet(root),
        "dictionaries": lambda: debian.dictionaries(root),
        "documentation": lambda: debian.documentation(root),
        "python-library": lambda: code.python(own_library()),
        "python": lambda: code.python(code.wheels(work / "wheels")),
        "go": lambda: code.go(code.go_folders([work / "go"] + options.go_source)),
    }
    if options.handbook:
        found["handbook"] = lambda: handbook(options.handbook)
    return found


def collected(work, name, pairs):
    """Yields the pairs of a source, from its file if an earlier run wrote it to the end."""
    path = work / "collected" / f"{name}.jsonl"
    if not path.exists():
        path.parent.mkdir(exist_ok=True)
        partial = path.with_suffix(".partial")
        with open(partial, "w") as out:
            for pair in pairs():
                out.write(json.dumps(asdict(pair)) + "\n")
        partial.rename(path)
    with open(path) as lines:
        for line in lines:
            yield Pair(**json.loads(line))


def collect(work, options):
    """Writes the pairs and the held-out folders, and returns their counts."""
    excluded = Excluded(options.exclude)
    seen, held_out = set(), {}
    counts = {"pairs": Counter(), "held out": Counter(), "excluded": Counter(), "units": {}, "sources": {}}
    with open(work / "pairs.jsonl", "w") as out:
        for name, pairs in sources(work, options).items():
            for pair in collected(work, name, pairs):
                key = hash_of(pair)
                if key in seen or (options.quick and fraction(pair.text) > 0.05):
                    continue
                seen.add(key)
                counts["sources"][name] = counts["sources"].get(name, 0) + 1
                if excluded.holds(pair):
                    counts["excluded"][pair.kind] += 1
                elif fraction("held out", pair.unit) < HELD_OUT:
                    held_out.setdefault(pair.kind, []).append(pair)
                else:
                    counts["pairs"][pair.kind] += 1
                    counts["units"].setdefault(pair.kind, set()).add(pair.unit)
                    out.write(json.dumps(asdict(pair)) + "\n")
    counts["units"] = {kind: len(units) for kind, units in counts["units"].items()}
    for kind, pairs in held_out.items():
        counts["held out"][kind] = write_folder(work / "held-out" / kind, pairs)
    return counts


def hash_of(pair):
    return zlib.crc32(f"{pair.query.lower()}\0{pair.text[:200]}".encode())


def write_folder(folder, pairs):
    """Writes pairs in BEIR layout, of a text only the first, and returns how many texts there are."""
    folder.mkdir(parents=True, exist_ok=True)
    pairs = sorted({p.text: p for p in reversed(pairs)}.values(), key=lambda p: fraction(p.query, p.text))[:5000]
    with open(folder / "corpus.jsonl", "w") as corpus, open(folder / "queries.jsonl", "w") as queries, open(folder / "qrels.tsv", "w") as judged:
        judged.write("query-id\tcorpus-id\tscore\n")
        for i, pair in enumerate(pairs):
            corpus.write(json.dumps({"_id": str(i), "title": "", "text": pair.text}) + "\n")
            if i < HELD_OUT_QUERIES:
                queries.write(json.dumps({"_id": str(i), "text": pair.query}) + "\n")
                judged.write(f"{i}\t{i}\t1\n")
    return len(pairs)


def read_pairs(work):
    """Returns the pairs for training."""
    with open(work / "pairs.jsonl") as lines:
        return [Pair(**json.loads(line)) for line in lines]
