"""Reads the masks of `semfield extract --masks` with pycocotools: read_coco.py FOLDER"""
import contextlib
import io
import json
import sys

import numpy as np
from pycocotools import mask as rle
from pycocotools.coco import COCO

folder = sys.argv[1]
with contextlib.redirect_stdout(io.StringIO()):
    coco = COCO(folder + "/coco.json")
for entry in coco.loadImgs(coco.getImgIds()):
    for annotation in coco.loadAnns(coco.getAnnIds(imgIds=entry["id"])):
        shown = coco.annToMask(annotation)
        assert shown.shape == (entry["height"], entry["width"]), (shown.shape, entry)
        assert shown.sum() == annotation["area"], (shown.sum(), annotation["area"])
        ys, xs = np.nonzero(shown)
        box = [xs.min(), ys.min(), xs.max() - xs.min() + 1, ys.max() - ys.min() + 1]
        assert np.allclose(annotation["bbox"], box), (annotation["bbox"], box)
        again = coco.annToRLE(annotation)
        assert rle.iou([again], [rle.encode(np.asfortranarray(shown))], [0])[0, 0] == 1
        (category,) = coco.loadCats(annotation["category_id"])
        print(entry["file_name"], category["name"])
