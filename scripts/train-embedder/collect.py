"""Collects pairs from all sources, drops what the evaluation sets hold, sets some aside.

Writes pairs.jsonl for training, and a folder in BEIR layout for each kind of pair
under held-out/, whose packages, pages and words are not in pairs.jsonl.
"""

import json
import sysconfig
import zlib
from collections import Counter
from dataclasses import asdict
from pathlib import Path

import debian
import functions
from pairs import Pair, fraction, section_pairs
from prose import markdown_sections
from tokenizer import WORD, fold

HELD_OUT = 0.05  # of the units
HELD_OUT_QUERIES = 400
SHINGLE = 12  # words


def shingles(text):
    """Returns hashes of the runs of SHINGLE words of a text; of all of it if it is shorter."""
    found = [fold(w) for w in WORD.findall(text)]
    runs = max(1, len(found) - SHINGLE + 1)
    return {zlib.crc32(" ".join(found[i : i + SHINGLE]).encode()) for i in range(runs)}


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


def all_pairs(work, options):
    """Yields the pairs of all sources."""
    root = work / "debian"
    yield from debian.descriptions(work / "lists")
    yield from debian.manual(root)
    yield from debian.wordnet(root)
    yield from debian.dictionaries(root)
    yield from functions.python(functions.standard_library(sysconfig.get_path("stdlib")))
    yield from functions.python(functions.wheels(work / "wheels"))
    yield from functions.go(functions.go_folders([work / "go"] + options.go_source))
    yield from debian.documentation(root)
    if options.handbook:
        yield from handbook(options.handbook)


def collect(work, options):
    """Writes the pairs and the held-out folders, and returns their counts."""
    excluded = Excluded(options.exclude)
    seen, held_out = set(), {}
    counts = {"pairs": Counter(), "held out": Counter(), "excluded": Counter(), "units": {}}
    with open(work / "pairs.jsonl", "w") as out:
        for pair in all_pairs(work, options):
            key = zlib.crc32(f"{pair.query.lower()}\0{pair.text[:200]}".encode())
            if key in seen:
                continue
            seen.add(key)
            if options.quick and fraction(pair.text) > 0.05:
                continue
            if excluded.holds(pair):
                counts["excluded"][pair.kind] += 1
            elif fraction("unit", pair.unit) < HELD_OUT:
                held_out.setdefault(pair.kind, []).append(pair)
            else:
                counts["pairs"][pair.kind] += 1
                counts["units"].setdefault(pair.kind, set()).add(pair.unit)
                out.write(json.dumps(asdict(pair)) + "\n")
    counts["units"] = {kind: len(units) for kind, units in counts["units"].items()}
    for kind, pairs in held_out.items():
        counts["held out"][kind] = write_folder(work / "held-out" / kind, pairs)
    return counts


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
