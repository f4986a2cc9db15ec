#!/usr/bin/env python3
"""Writes the card of a dense encoder that train_rooms.py trained, with the sizes and hashes of its files.

    python3 scripts/models/make_card.py models/rooms-fast.json
    python3 scripts/models/make_card.py models/rooms.json --with-sam
    python3 scripts/models/make_card.py models/rooms-lseg.json --cut rooms-fast

The head, head.onnx, and training.log lie in the folder of the card's name; --cut NAME takes those of another card and
tells its graph in two halves, head.onnx to the lateral maps and decoder.onnx from there, for fields that imitate
what lies between; models/rooms/words.json says what the
classes are called.
"""
import hashlib
import json
import pathlib
import sys

from train_rooms import FAST, SAM, STRIDES, WIDTH

CLASSES = ["wall", "floor", "ceiling", "window", "door", "curtain", "rug", "picture", "bed", "sofa", "armchair",
           "chair", "table", "desk", "cabinet", "shelf", "lamp", "plant", "appliance", "object"]


# As models/sam.json calls them; the last map is no stage but the encoder's answer.
STAGE_OF_SAM = {"sam8": "stage2", "sam16": "stage3", "sam16b": "stage4", "neck16": ""}


def file_entry(models, path):
    content = (models / path).read_bytes()
    return {"path": path, "sha256": hashlib.sha256(content).hexdigest(), "bytes": len(content)}


def main():
    card = pathlib.Path(sys.argv[1])
    models, name = card.parent, card.stem
    with_sam = "--with-sam" in sys.argv
    cut = sys.argv[sys.argv.index("--cut") + 1] if "--cut" in sys.argv else None
    folder = cut or name
    feeds = [{"input": f"in_{stage}", "model": "classifier", "stage": stage} for stage in FAST]
    if with_sam:
        feeds += [{"input": f"in_{stage}", "model": "image", "stage": STAGE_OF_SAM[stage]} for stage in SAM]
    content = {
        "name": name,
        "kind": "dense",
        "title": "Rooms: 20 classes at every place, from the classifier's stages" + (" and SAM's" if with_sam else "")
        + (", in two halves" if cut else ""),
        "licence": "Apache-2.0",
        "source": "trained on rendered rooms by scripts/models/train_rooms.py",
        "dense": {
            "file": file_entry(models, f"{folder}/head.onnx"),
            "classifier": "imagenet",
            **({"image_encoder": "sam"} if with_sam else {}),
            "longest_side": 512 if cut else 640,
            "feeds": feeds,
            "output": "logits",
            "classes": CLASSES,
            "words": file_entry(models, "rooms/words.json"),
            **({"laterals": {
                "channels": WIDTH,
                "maps": [{"output": f"lateral{stride}", "stride": stride} for stride in STRIDES],
                "decoder": file_entry(models, f"{folder}/decoder.onnx"),
                "output": "logits"}} if cut else {}),
        },
    }
    card.write_text(json.dumps(content, indent=2) + "\n")


if __name__ == "__main__":
    main()
