# Whether Blender opens a GLB as semfield extract --json says it is: size, place and faces of each thing.
#   blender --background --python-exit-code 1 --python tests/blender_sizes.py -- FILE.glb FILE.json
import json
import sys

import bpy
import numpy

numpy.bool = bool  # Debian 12 has a numpy that the importer of its Blender 3.4 does not know yet
glb, answer = sys.argv[sys.argv.index("--") + 1:]
bpy.ops.wm.read_factory_settings(use_empty=True)
bpy.ops.import_scene.gltf(filepath=glb)


def near(a, b):
    return all(abs(x - y) < 1e-3 for x, y in zip(a, b))


for thing in json.load(open(answer))["things"]:
    found = bpy.data.objects[thing["name"]]
    print(f"{thing['name']}: size {near(found.dimensions, thing['size'])}, place {near(found.location, thing['pivot'])}, "
          f"faces {len(found.data.polygons) == thing['faces']}")
