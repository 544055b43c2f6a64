"""The vocabulary: the teacher's tokens, then the most frequent words of the training text."""

import re
from collections import Counter

import numpy as np

from tokenizer import WORD, fold, parts

SPECIAL = re.compile(r"^\[.*\]$")
LONGEST_WORD = 24


def build(teacher_tokens, texts, size):
    """Returns size tokens: what the teacher has and words in at least as many texts as any left out.

    Of identifiers both the whole and the parts count. Punctuation is left out, since the
    tokenizer drops it.
    """
    tokens = [t for t in teacher_tokens if not SPECIAL.match(t) and WORD.fullmatch(t.removeprefix("##"))]
    tokens = list(dict.fromkeys(tokens))[:size]
    known, holding = set(tokens), Counter()
    for text in texts:
        found = set()
        for word in set(WORD.findall(text)):
            found.add(fold(word))
            found.update(fold(p) for p in parts(word))
        holding.update(found)
    usable = (w for w, _ in sorted(holding.items(), key=lambda x: (-x[1], x[0])))
    usable = (w for w in usable if w not in known and 2 < len(w) <= LONGEST_WORD and not w[0].isdigit())
    for word in usable:
        if len(tokens) == size:
            break
        tokens.append(word)
    while len(tokens) < size:  # of little text: the format has a fixed number of rows
        tokens.append(f"[unused{len(tokens)}]")
    return tokens


def idf_weights(tokenizer, texts):
    """Returns (idf / idf_max)^0.5 of the tokens over texts, the weights of a query."""
    holding = np.zeros(len(tokenizer))
    for text in texts:
        holding[list(set(tokenizer.ids(text)))] += 1
    return root_of_idf(holding, len(texts))


def root_of_idf(holding, of):
    """Returns (idf / idf_max)^0.5 of tokens that so many texts of all hold."""
    idf = np.log(1 + (of - holding + 0.5) / (holding + 0.5))
    return np.sqrt(idf / idf.max()).astype(np.float32)
