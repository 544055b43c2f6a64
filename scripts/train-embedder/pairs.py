"""Pairs for training: a short text and the longer one that it should find."""

import hashlib
import random
from dataclasses import dataclass

from prose import clean, is_english, sentences


@dataclass(frozen=True)
class Pair:
    kind: str  # of the pair: package, manual, section, question, gloss, python, go, sentence
    query: str
    text: str
    unit: str  # what it comes from: a package, a page; units are held out as a whole


def fraction(*parts):
    """Returns a number in [0, 1) that depends on nothing but the parts."""
    digest = hashlib.sha256("\0".join(parts).encode()).digest()
    return int.from_bytes(digest[:8], "big") / 2**64


def as_asked(pair):
    """Returns the query as a person would type it: of code without full stop, some with the language."""
    if pair.kind not in ("python", "go"):
        return pair.query
    query = pair.query.rstrip(".")
    query = query[:1].lower() + query[1:]
    chance, language = fraction("asked", query), {"python": "python", "go": "golang"}[pair.kind]
    for limit, form in ((0.2, "{0} {1}"), (0.27, "{1} in {0}"), (0.35, "how to {1} in {0}"), (0.4, "{0} how to {1}")):
        if chance < limit:
            return form.format(language, query)
    return query


def words(text):
    return text.count(" ") + 1


def section_pairs(kind, unit, sections):
    """Yields heading → text, question → answer and sentence → context of headed sections."""
    for title, heading, text in sections:
        if words(text) < 25 or not is_english(text):
            continue
        query = heading if heading and heading != title else title
        if 2 <= words(query) <= 20 or (query and title and words(query) == 1):
            question = query.endswith("?")
            if words(query) < 4 and title and title != query and not question:
                query = clean(f"{title} {query}")
            if words(query) <= 25:
                yield Pair("question" if question else kind, query, text, unit)
        yield from context_pair(unit, text)


def context_pair(unit, text):
    """Yields a sentence with the rest of its text (the inverse cloze task, Lee et al. 2019)."""
    found = sentences(text)
    usable = [i for i, s in enumerate(found) if 6 <= words(s) <= 40]
    if len(found) < 4 or not usable:
        return
    i = random.Random(text).choice(usable)
    yield Pair("sentence", found[i], " ".join(found[:i] + found[i + 1 :]), unit)
