#!/usr/bin/env python3
"""Trains the dense heads of the cards rooms-fast and rooms on cached features (cache_rooms.py), and exports them.

    python3 scripts/models/train_rooms.py CACHE --out models/rooms-fast/head.onnx            # classifier's stages
    python3 scripts/models/train_rooms.py CACHE --out models/rooms/head.onnx --with-sam      # and SAM's

The head: every stage, normalised, becomes a lateral map of one width; maps are added from coarse to fine, with two
small convolutions at each stride, and the finest gives a score a class at a quarter of the picture's resolution.
`--fold K` leaves every fourth training room (those with number % 4 == K) out, for heads that are to be honest about
training rooms. What it printed for the shipped heads lies beside them in training.log.
"""
import argparse
import pathlib
import time

import numpy as np
import onnx
import torch
from common import shorten_weights
from torch import nn
from torch.nn import functional as F

CLASSES = 20
WIDTH = 64
STRIDES = (4, 8, 16, 32)
CHANNELS = {"stage4": 24, "stage8": 48, "stage16": 120, "stage32": 352, "logits": 1000,
            "sam8": 128, "sam16": 160, "sam16b": 320, "neck16": 256}
STRIDE_OF = {"stage4": 4, "stage8": 8, "stage16": 16, "stage32": 32, "logits": 32,
             "sam8": 8, "sam16": 16, "sam16b": 16, "neck16": 16}  # SAM's in strides of a 1024 wide picture
FAST = ["stage4", "stage8", "stage16", "stage32", "logits"]
SAM = ["sam8", "sam16", "sam16b", "neck16"]


def convolution(depthwise):
    if depthwise:
        return nn.Sequential(nn.Conv2d(WIDTH, WIDTH, 3, padding=1, groups=WIDTH, bias=False),
                             nn.Conv2d(WIDTH, WIDTH, 1, bias=False), nn.BatchNorm2d(WIDTH))
    return nn.Sequential(nn.Conv2d(WIDTH, WIDTH, 3, padding=1, bias=False), nn.BatchNorm2d(WIDTH))


class Block(nn.Module):
    def __init__(self, depthwise):
        super().__init__()
        self.first, self.second = convolution(depthwise), convolution(depthwise)

    def forward(self, x):
        return F.relu(x + self.second(F.relu(self.first(x))))


class Head(nn.Module):
    def __init__(self, feeds, statistics):
        super().__init__()
        self.feeds = feeds
        self.drop = nn.Dropout2d(0.1)
        self.lateral = nn.ModuleDict({name: nn.Conv2d(CHANNELS[name], WIDTH, 1) for name in feeds})
        for name in feeds:
            mean, std = statistics[name]
            self.register_buffer("mean_" + name, torch.tensor(mean)[None, :, None, None])
            self.register_buffer("scale_" + name, torch.tensor(1 / std)[None, :, None, None])
        self.context = nn.Linear(WIDTH, WIDTH)
        self.blocks = nn.ModuleList([Block(depthwise=stride == 4) for stride in STRIDES])
        self.classify = nn.Conv2d(WIDTH, CLASSES, 1)

    def laterals(self, inputs):
        """One map a stride, all of one width."""
        maps = {}
        for name, value in zip(self.feeds, inputs):
            value = (value - getattr(self, "mean_" + name)) * getattr(self, "scale_" + name)
            value = self.lateral[name](self.drop(value))
            stride = STRIDE_OF[name]
            if stride in maps:
                if value.shape[2:] != maps[stride].shape[2:] or torch.onnx.is_in_onnx_export():
                    value = F.interpolate(value, size=maps[stride].shape[2:], mode="bilinear", align_corners=False)
                value = maps[stride] + value
            maps[stride] = value
        return [maps[stride] for stride in STRIDES]

    def decode(self, maps):
        x = F.relu(maps[-1])
        x = x + self.context(x.mean(dim=(2, 3)))[:, :, None, None]
        x = self.blocks[-1](x)
        for index in (2, 1, 0):
            x = F.interpolate(x, size=maps[index].shape[2:], mode="bilinear", align_corners=False)
            x = self.blocks[index](x + maps[index])
        return self.classify(self.drop(x))

    def forward(self, *inputs):
        return self.decode(self.laterals(inputs))


class Export(nn.Module):
    """With the lateral maps as outputs, for fields that imitate them."""

    def __init__(self, head):
        super().__init__()
        self.head = head

    def forward(self, *inputs):
        maps = self.head.laterals(inputs)
        return (self.head.decode(maps), *maps)


class Decoder(nn.Module):
    def __init__(self, head):
        super().__init__()
        self.head = head

    def forward(self, *maps):
        return self.head.decode(list(maps))


class Rooms:
    """Cached features of rooms, in memory."""

    def __init__(self, cache, rooms, feeds, with_sam, every_version=True):
        self.maps, self.labels = {name: [] for name in feeds}, []
        for room in rooms:
            labels = np.load(cache / "classifier" / room / "labels.npy")
            rows = np.arange(len(labels))
            if with_sam:  # only views that SAM saw, as they are
                seen = np.load(cache / "sam" / room / "labels.npy")
                rows, theirs = match(labels, seen)
            elif not every_version:
                rows = rows[:: max(1, len(rows) // 8)]
            for name in feeds:
                kind = "sam" if name in SAM else "classifier"
                values = np.load(cache / kind / room / f"{name}.npy", mmap_mode="r")
                self.maps[name].append(values[theirs if name in SAM else rows])
            self.labels.append(labels[rows])
        self.maps = {name: np.concatenate(values) for name, values in self.maps.items()}
        self.labels = np.concatenate(self.labels)

    def __len__(self):
        return len(self.labels)

    def batch(self, rows, flip=False, window=None):
        """Inputs and labels; window: (y, x, height, width) of what is cut out, in cells of stride 32 of 640 x 480."""
        inputs, labels = [], self.labels[rows]
        y, x, height, width = window or (0, 0, 15, 20)
        for name, maps in self.maps.items():
            v, u = maps.shape[2] / 15, maps.shape[3] / 20
            part = maps[rows][:, :, int(y * v) : int((y + height) * v), int(x * u) : int((x + width) * u)]
            inputs.append(torch.from_numpy(part.astype(np.float32)))
        labels = labels[:, y * 16 : (y + height) * 16, x * 16 : (x + width) * 16]
        labels = torch.from_numpy(labels.astype(np.int64))
        if flip:
            inputs, labels = [x.flip(3) for x in inputs], labels.flip(2)
        return inputs, labels

    def statistics(self):
        found = {}
        for name, values in self.maps.items():
            some = values[:: max(1, len(values) // 100)].astype(np.float32)
            found[name] = (some.mean(axis=(0, 2, 3)), some.std(axis=(0, 2, 3)) + 1e-3)
        return found


def match(labels, others):
    """Rows of both that show the same view, by their labels."""
    known = {value.tobytes(): row for row, value in enumerate(labels)}
    pairs = [(known[value.tobytes()], row) for row, value in enumerate(others) if value.tobytes() in known]
    return np.array([p[0] for p in pairs]), np.array([p[1] for p in pairs])


def score(head, rooms):
    """Mean IoU and accuracy over one confusion matrix."""
    head.eval()
    confusion = np.zeros((CLASSES, CLASSES), np.int64)
    with torch.no_grad():
        for row in range(len(rooms)):
            inputs, labels = rooms.batch([row])
            scores = F.interpolate(head(*inputs), size=labels.shape[1:], mode="bilinear", align_corners=False)
            found, truth = scores.argmax(1).numpy().ravel(), labels.numpy().ravel()
            confusion += np.bincount(truth * CLASSES + found, minlength=CLASSES**2).reshape(CLASSES, CLASSES)
    inside = np.diag(confusion)
    union = confusion.sum(0) + confusion.sum(1) - inside
    iou = inside / np.maximum(union, 1)
    return iou[union > 0].mean(), inside.sum() / confusion.sum(), iou


def train(head, rooms, tests, arguments):
    counts = np.bincount(rooms.labels.ravel(), minlength=CLASSES).astype(np.float64)
    weight = torch.tensor((counts.sum() / np.maximum(counts, 1)) ** 0.25, dtype=torch.float32)
    weight = weight / weight.mean()
    optimizer = torch.optim.AdamW(head.parameters(), lr=arguments.rate, weight_decay=0.02)
    random = np.random.default_rng(arguments.seed)
    steps = arguments.epochs * (len(rooms) // arguments.batch)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, arguments.rate, total_steps=steps, pct_start=0.1)
    begin, step = time.process_time(), 0
    for epoch in range(arguments.epochs):
        head.train()
        order, total = random.permutation(len(rooms)), 0
        for first in range(0, len(rooms) - arguments.batch + 1, arguments.batch):
            if step >= steps:
                break
            window = (random.integers(0, 6), random.integers(0, 9), 10, 12)
            chosen = np.sort(order[first : first + arguments.batch])
            inputs, labels = rooms.batch(chosen, random.random() < 0.5, window)
            dy, dx = random.integers(0, 2, 2)  # scores are at half the labels' resolution
            loss = F.cross_entropy(head(*inputs), labels[:, dy::2, dx::2], weight, label_smoothing=0.05)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()
            total += float(loss.detach())
            step += 1
            if step % 50 == 0:
                print(f"step {step} of {steps}, {time.process_time() - begin:.0f} s of processor time", flush=True)
        line = f"epoch {epoch + 1}: loss {total / (len(rooms) // arguments.batch):.3f}"
        if tests and (epoch % 3 == 2 or epoch + 1 == arguments.epochs):
            miou, accuracy, _ = score(head, tests)
            line += f", test rooms: mIoU {miou:.3f}, accuracy {accuracy:.3f}"
        print(f"{line}, {time.process_time() - begin:.0f} s of processor time", flush=True)


def export(head, feeds, example, out):
    head.eval()
    out.parent.mkdir(parents=True, exist_ok=True)
    names = ["logits"] + [f"lateral{stride}" for stride in STRIDES]
    free = {name: {2: f"{name}_h", 3: f"{name}_w"} for name in [*feeds, *names] if name != "logits"}
    inputs = [f"in_{name}" for name in feeds]
    free = {name: {2: f"{name}_h", 3: f"{name}_w"} for name in [*inputs, *names]}
    torch.onnx.export(Export(head), tuple(example), out, opset_version=13, input_names=inputs, output_names=names,
                      dynamic_axes=free)
    decoder = out.with_name("decoder.onnx")
    with torch.no_grad():
        maps = head.laterals(example)
    inputs = [f"lateral{stride}" for stride in STRIDES]
    torch.onnx.export(Decoder(head), tuple(maps), decoder, opset_version=13, input_names=inputs,
                      output_names=["logits"],
                      dynamic_axes={name: {2: f"{name}_h", 3: f"{name}_w"} for name in [*inputs, "logits"]})
    for path in (out, decoder):
        model = onnx.load(str(path))
        shorten_weights(model)
        onnx.save(model, str(path))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("cache", type=pathlib.Path)
    parser.add_argument("--out", type=pathlib.Path, required=True)
    parser.add_argument("--with-sam", action="store_true")
    parser.add_argument("--fold", type=int)
    parser.add_argument("--epochs", type=int, default=15)
    # With one thread and fewer than 16 pictures, PyTorch 1.13 takes its slow convolutions.
    parser.add_argument("--batch", type=int, default=16)
    parser.add_argument("--rate", type=float, default=2e-3)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--threads", type=int, default=2)
    arguments = parser.parse_args()
    torch.manual_seed(arguments.seed)
    torch.set_num_threads(arguments.threads)
    feeds = FAST + (SAM if arguments.with_sam else [])
    names = sorted(path.name for path in (arguments.cache / "classifier").iterdir())
    kept = [n for n in names if n.startswith("train") and
            (arguments.fold is None or int(n.split("_")[1]) % 4 != arguments.fold)]
    rooms = Rooms(arguments.cache, kept, feeds, arguments.with_sam)
    tests = Rooms(arguments.cache, [n for n in names if n.startswith("test")], feeds, arguments.with_sam)
    print(f"{len(kept)} rooms, {len(rooms)} training views, {len(tests)} test views", flush=True)
    head = Head(feeds, rooms.statistics())
    print(f"{sum(p.numel() for p in head.parameters()) / 1e6:.2f} M parameters", flush=True)
    train(head, rooms, tests, arguments)
    miou, accuracy, iou = score(head, tests)
    print(f"test rooms: mIoU {miou:.4f}, accuracy {accuracy:.4f}; by class: " + " ".join(f"{v:.2f}" for v in iou))
    torch.save(head.state_dict(), arguments.out.with_suffix(".pt")) if arguments.out.parent.exists() else None
    export(head, feeds, rooms.batch([0])[0], arguments.out)


if __name__ == "__main__":
    main()
