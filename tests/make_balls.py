"""Writes renders of coloured balls as pixelNeRF takes objects: make_balls.py FOLDER COUNT. Needs nothing beside Python."""
import math
import pathlib
import struct
import sys
import zlib

SIDE, FOCAL, DISTANCE = 32, 36.0, 1.3


def write_png(path, rows):
    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    raw = b"".join(b"\0" + bytes(row) for row in rows)
    head = struct.pack(">IIBBBBB", SIDE, SIDE, 8, 6, 0, 0, 0)
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(raw)) + chunk(b"IEND", b""))


def unit(v):
    length = math.sqrt(sum(x * x for x in v))
    return [x / length for x in v]


def cross(a, b):
    return [a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0]]


def view(angle, radius):
    """Camera axes (x right, y down, z forward), eye, and rows of RGBA."""
    eye = [DISTANCE * x for x in unit([math.cos(angle), math.sin(angle), 0.4])]
    z = unit([-x for x in eye])
    x = unit(cross(z, [0, 0, 1]))
    y = cross(z, x)
    rows = []
    for j in range(SIDE):
        row = []
        for i in range(SIDE):
            u, v = (i + 0.5 - SIDE / 2) / FOCAL, (j + 0.5 - SIDE / 2) / FOCAL
            d = unit([u * x[k] + v * y[k] + z[k] for k in range(3)])
            along = -sum(eye[k] * d[k] for k in range(3))
            apart = sum(e * e for e in eye) - along * along
            if apart > radius * radius:
                row += [0, 0, 0, 0]
                continue
            t = along - math.sqrt(radius * radius - apart)
            row += [int(127 + 120 * (eye[k] + t * d[k]) / radius) for k in range(3)] + [255]
        rows.append(row)
    return (x, y, z), eye, rows


folder, count = pathlib.Path(sys.argv[1]), int(sys.argv[2])
for n in range(count):
    for name in ("rgb", "pose"):
        (folder / f"ball_{n}" / name).mkdir(parents=True, exist_ok=True)
    (folder / f"ball_{n}" / "intrinsics.txt").write_text(f"{FOCAL} {SIDE / 2} {SIDE / 2} 0.\n0. 0. 0.\n1.\n{SIDE} {SIDE}\n")
    for k in range(4):
        (x, y, z), eye, rows = view(0.3 * n + math.pi * k / 2, 0.3 + 0.02 * n)
        write_png(folder / f"ball_{n}" / "rgb" / f"{k:06d}.png", rows)
        pose = [[x[i], y[i], z[i], eye[i]] for i in range(3)] + [[0, 0, 0, 1]]
        (folder / f"ball_{n}" / "pose" / f"{k:06d}.txt").write_text(" ".join(repr(float(v)) for row in pose for v in row))
