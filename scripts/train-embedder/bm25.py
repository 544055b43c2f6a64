"""BM25 (Robertson and Zaragoza 2009) for the fused figures, over Snowball stems without function words."""

import functools

import numpy as np
import scipy.sparse as sparse
import snowballstemmer

from tokenizer import WORD, fold, parts

K1, B = 1.2, 0.75
FUNCTION_WORDS = frozenset(
    """a an and are as at be been being but by can could did do does for from had has have he her his how i if in into is
    it its me my no not of on or our she should so such than that the their them then there these they this to was we
    were what when where which who why will with would you your about""".split()
)


@functools.cache
def terms_of(word, stem=snowballstemmer.stemmer("english").stemWord):
    """Returns the terms of a word: its stem and, for an identifier, those of its parts."""
    if fold(word) in FUNCTION_WORDS:
        return []
    whole = stem(fold(word))
    pieces = [stem(fold(p)) for p in parts(word)]
    return [whole] + pieces if len(pieces) > 1 else [whole]


class BM25:
    def __init__(self, texts):
        self.columns = {}
        indices, ends = [], [0]
        for text in texts:
            for word in WORD.findall(text):
                indices += [self.columns.setdefault(t, len(self.columns)) for t in terms_of(word)]
            ends.append(len(indices))
        ones = np.ones(len(indices), np.float32)
        counts = sparse.csr_matrix((ones, indices, ends), shape=(len(texts), len(self.columns)))
        counts.sum_duplicates()
        lengths = np.diff(ends)
        holding = np.bincount(counts.indices, minlength=len(self.columns))
        idf = np.log(1 + (len(texts) - holding + 0.5) / (holding + 0.5))
        norm = np.repeat(K1 * (1 - B + B * lengths / max(lengths.mean(), 1)), np.diff(counts.indptr))
        counts.data = (idf[counts.indices] * counts.data * (K1 + 1) / (counts.data + norm)).astype(np.float32)
        self.by_term = counts.T.tocsr()

    def scores(self, queries):
        """Returns queries × texts, sparse; a term counts as often as the query has it."""
        rows, columns = [], []
        for i, query in enumerate(queries):
            for word in WORD.findall(query):
                for term in terms_of(word):
                    if term in self.columns:
                        rows.append(i)
                        columns.append(self.columns[term])
        ones = np.ones(len(rows), np.float32)
        weights = sparse.csr_matrix((ones, (rows, columns)), shape=(len(queries), len(self.columns)))
        return (weights @ self.by_term).tocsr()
