"""Tests of the tokenizer, the files, the gradients and the figures. Not run by CI:

    python -m unittest discover -s scripts/train-embedder
"""

import json
import tempfile
import unittest
from pathlib import Path

import numpy as np

import contrastive
import distill
import evaluate
import model
from tokenizer import Tokenizer

BUILTIN = Path(__file__).resolve().parents[2] / "retrieval/llm/builtin"


class AsInTheBinary(unittest.TestCase):
    """The committed model read and used here gives what builtin's own test expects of Go."""

    @classmethod
    def setUpClass(cls):
        cls.model = model.read(BUILTIN / "model")
        cls.tokenizer = Tokenizer(cls.model.vocabulary)
        cls.checks = [json.loads(line) for line in (BUILTIN / "testdata/check.jsonl").read_text().splitlines()]

    def test_tokens(self):
        for check in self.checks:
            self.assertEqual(self.tokenizer.ids(check["text"])[:12], check["tokens"], check["text"])

    def test_vectors(self):
        for check in self.checks:
            vector = model.embed(self.model, self.tokenizer, [check["text"]])[0]
            np.testing.assert_allclose(vector[:8], check["first8"], atol=1e-4)
            self.assertAlmostEqual(float(np.linalg.norm(vector)), check["norm"], places=4)

    def test_files_written_again_are_the_same(self):
        with tempfile.TemporaryDirectory() as folder:
            model.write(folder, self.model)
            for name in ("vocab.txt", "query_weights.f16"):
                self.assertEqual((Path(folder) / name).read_bytes(), (BUILTIN / "model" / name).read_bytes())
            again = model.read(folder)
            self.assertLess(np.abs(again.vectors - self.model.vectors).max(), 0.02 * np.abs(self.model.vectors).max())


class Tokens(unittest.TestCase):
    def test_rules(self):
        words = ["a", "b", "ab", "##c", "##cd", "x", "http", "get", "σας"]
        tokenizer = Tokenizer(words)
        cases = {"AB": "ab", "abcd": "ab ##cd", "abc": "ab ##c", "abz": "", "a_b-a": "a b a", "getHTTP": "get http", "HTTPGet": "http get", "x²": "x", "ΣΑΣ": "σας", "ÀB": "ab", "ab" * 40: ""}
        for text, want in cases.items():
            self.assertEqual(" ".join(words[i] for i in tokenizer.ids(text)), want, text)

    def test_weights(self):
        matrix = Tokenizer(["a", "b"]).matrix(["a b a", ""]).toarray()
        np.testing.assert_allclose(matrix, [[1 + np.log(2), 1], [0, 0]], rtol=1e-6)


class Files(unittest.TestCase):
    def test_packing(self):
        nibbles = np.random.default_rng(0).integers(-8, 8, (50, 6)).astype(np.int8)
        np.testing.assert_array_equal(model.unpack(model.pack(nibbles)), nibbles)
        self.assertEqual(model.pack(np.array([[-8, 7]], np.int8)).tolist(), [[0xF0]])  # low nibble first

    def test_quantization(self):
        vectors = np.random.default_rng(0).standard_normal((200, 384)).astype(np.float32)
        vectors[3] = 0
        restored = model.dequantize(*model.quantize(vectors))
        np.testing.assert_array_equal(restored[3], 0)
        cosines = (model.normalize(vectors) * model.normalize(restored)).sum(axis=1)[np.arange(200) != 3]
        self.assertGreater(cosines.min(), 0.98)

    def test_quantization_is_exact_for_what_it_wrote(self):
        nibbles = np.random.default_rng(0).integers(-7, 8, (20, 384)).astype(np.int8)
        nibbles[:, 0] = 7
        vectors = model.dequantize(nibbles, np.full(20, 0.25, np.float16))
        np.testing.assert_array_equal(model.dequantize(*model.quantize(vectors)), vectors)


class Training(unittest.TestCase):
    def test_gradients(self):
        random = np.random.default_rng(0)
        q, d = model.normalize(random.standard_normal((4, 5))), model.normalize(random.standard_normal((4, 5)))
        same = np.zeros((4, 4), bool)
        same[0, 2] = same[2, 0] = True
        arguments = (same, 0.3)
        _, dq, dd = contrastive.loss_and_gradients(q, d, *arguments)
        for rows, gradient in ((q, dq), (d, dd)):
            for index in np.ndindex(rows.shape):
                kept, values = rows[index], []
                for change in (1e-5, -1e-5):
                    rows[index] = kept + change
                    values.append(contrastive.loss_and_gradients(q, d, *arguments)[0])
                rows[index] = kept
                self.assertAlmostEqual((values[0] - values[1]) / 2e-5, gradient[index], places=6)

    def test_learns(self):
        tokenizer = Tokenizer([f"w{i}" for i in range(40)])
        queries, texts = [f"w{i}" for i in range(20)], [f"w{i + 20}" for i in range(20)]
        vectors = np.random.default_rng(0).standard_normal((40, 8)).astype(np.float32)
        group = contrastive.Group(contrastive.Tokens(tokenizer, queries, 9), contrastive.Tokens(tokenizer, texts, 9), np.arange(20), np.ones(40, np.float32))
        settings = contrastive.Settings(batch=20, rate=0.05, steps=300, share={"x": 1})
        tuned = contrastive.Trainer(vectors, settings).train({"x": group}, lambda *_: None)
        scores = model.normalize(tuned[:20]) @ model.normalize(tuned[20:]).T
        self.assertEqual(scores.argmax(axis=1).tolist(), list(range(20)))

    def test_least_squares(self):
        random = np.random.default_rng(0)
        tokenizer = Tokenizer([f"w{i}" for i in range(10)])
        texts = [" ".join(f"w{j}" for j in random.choice(10, 3, replace=False)) for _ in range(200)]
        true = random.standard_normal((10, 4)).astype(np.float32)
        pooled = tokenizer.matrix(texts)
        targets = pooled @ true / np.sqrt(3)
        found = distill.fit(pooled, targets, np.zeros_like(true), ridge=1e-6)
        np.testing.assert_allclose(found, true, atol=1e-3)


class Figures(unittest.TestCase):
    def test_ndcg(self):
        self.assertEqual(evaluate.ndcg(["a", "b"], {"a": 1}), 1)
        self.assertAlmostEqual(evaluate.ndcg(["b", "a"], {"a": 1}), 1 / np.log2(3))
        self.assertEqual(evaluate.ndcg(["b"], {"a": 1}), 0)

    def test_min_max(self):
        np.testing.assert_allclose(evaluate.min_max(np.array([1.0, 3.0, 2.0])), [0, 1, 0.5])


if __name__ == "__main__":
    unittest.main()
