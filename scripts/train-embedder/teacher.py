"""Vectors of the teacher, a sentence encoder as an ONNX file with its tokenizer.json.

It is given by a path: a folder with one .onnx file whose first output is the last
hidden state, tokenizer.json and vocab.txt. Nothing is fetched from a model hub.
"""

from pathlib import Path

import numpy as np
import onnxruntime
import tokenizers

from model import normalize


class Teacher:
    def __init__(self, folder, threads=1, longest=128):
        folder = Path(folder)
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads, options.inter_op_num_threads = threads, 1
        (path,) = folder.glob("*.onnx")
        self.session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
        self.inputs = {i.name for i in self.session.get_inputs()}
        self.tokenizer = tokenizers.Tokenizer.from_file(str(folder / "tokenizer.json"))
        self.tokenizer.enable_truncation(longest)
        self.tokenizer.enable_padding()
        self.vocabulary = (folder / "vocab.txt").read_text().split("\n")

    def embed(self, texts, batch=32, report=None):
        """Returns the mean of each text's token states, of length 1."""
        order = np.argsort([len(t) for t in texts], kind="stable")
        vectors = None
        for start in range(0, len(order), batch):
            which = order[start : start + batch]
            encoded = self.tokenizer.encode_batch([texts[i] for i in which])
            mask = np.array([e.attention_mask for e in encoded], np.int64)
            given = {"input_ids": np.array([e.ids for e in encoded], np.int64), "attention_mask": mask, "token_type_ids": np.zeros_like(mask)}
            states = self.session.run(None, {k: v for k, v in given.items() if k in self.inputs})[0]
            mean = (states * mask[..., None]).sum(axis=1) / mask.sum(axis=1, keepdims=True)
            if vectors is None:
                vectors = np.zeros((len(texts), mean.shape[1]), np.float32)
            vectors[which] = normalize(mean)
            if report:
                report(start + len(which), len(order))
        return vectors
