"""The tokenizer of the static model.

The same rules as retrieval/llm/builtin/tokenizer.go, which the tests compare on
check.jsonl: runs of letters and digits, in lower case, accents removed; a word
that the vocabulary lacks is cut at inner capitals and digits, its parts by greedy
longest match (WordPiece); a part that cannot be matched to its end is left out.
"""

import re
import unicodedata

import numpy as np
import scipy.sparse as sparse

WORD = re.compile(r"[^\W_]+")
PART = re.compile(r"[A-Z]+(?=[A-Z][a-z])|[A-Z]?[a-z]+|[A-Z]+|[0-9]+|[^A-Za-z0-9]+")
LONGEST_PART = 64


def fold(word):
    """Returns word in lower case without accents."""
    if word.isascii():
        return word.lower()
    decomposed = unicodedata.normalize("NFD", word.lower())
    return "".join(c for c in decomposed if unicodedata.category(c) != "Mn")


def parts(word):
    """Returns the parts that a word unknown as a whole is cut into."""
    one_case = word.islower() or word.isupper()
    if one_case and not any(c.isdigit() for c in word):
        return [word]
    return PART.findall(word)


class Tokenizer:
    def __init__(self, vocabulary):
        self.vocabulary = list(vocabulary)
        self.ids_by_token = {token: i for i, token in enumerate(self.vocabulary)}
        self.longest = max(map(len, self.vocabulary))
        self.cache = {}

    def __len__(self):
        return len(self.vocabulary)

    def ids(self, text):
        """Returns the numbers of the tokens of text, in order."""
        ids = []
        for word in WORD.findall(text):
            found = self.cache.get(word)
            if found is None:
                found = self.cache[word] = self._word(word)
            ids += found
        return ids

    def _word(self, word):
        whole = self.ids_by_token.get(fold(word))
        if whole is not None:
            return [whole]
        return [i for part in parts(word) for i in self._pieces(fold(part))]

    def _pieces(self, part):
        if len(part) > LONGEST_PART:
            return []
        found, start = [], 0
        while start < len(part):
            end = min(len(part), start + self.longest)
            while end > start:
                piece = part[start:end] if start == 0 else "##" + part[start:end]
                if piece in self.ids_by_token:
                    break
                end -= 1
            if end == start:
                return []
            found.append(self.ids_by_token[piece])
            start = end
        return found

    def matrix(self, texts, limit=None):
        """Returns texts × tokens: 1 + ln(frequency), of the first `limit` tokens."""
        indices, ends = [], [0]
        for text in texts:
            indices += self.ids(text)[:limit]
            ends.append(len(indices))
        return pool(np.array(indices, np.int32), np.array(ends, np.int64), len(self))


def pool(indices, ends, width):
    """Returns the weights of the tokens of texts: 1 + ln(frequency) for each distinct one."""
    counts = sparse.csr_matrix((np.ones(len(indices), np.float32), indices, ends), shape=(len(ends) - 1, width))
    counts.sum_duplicates()
    counts.data = 1 + np.log(counts.data)
    return counts
