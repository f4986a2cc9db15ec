# A picture of a GLB by Blender, for looking at what another program makes of it. The surfaces show their colours as they
# are, without light of Blender's own.
#   blender --background --python-exit-code 1 --python scripts/blender_picture.py -- FILE.glb PICTURE.png|jpg
#           [--from X,Y,Z] [--at X,Y,Z] [--fov DEGREES] [--size WxH]
# --from: where the camera stands, in the capture's axes if they have z up; default: before and above all of it.
# --at: what it looks at; default: the middle of all.
import argparse
import math
import sys

import bpy
import numpy
from mathutils import Vector

numpy.bool = bool  # Debian 12 has a numpy that the importer of its Blender 3.4 does not know yet


def vector(text):
    return Vector([float(number) for number in text.split(",")])


parser = argparse.ArgumentParser()
parser.add_argument("glb")
parser.add_argument("picture")
parser.add_argument("--from", dest="eye", type=vector)
parser.add_argument("--at", type=vector)
parser.add_argument("--fov", type=float, default=45)
parser.add_argument("--size", default="640x480")
words = parser.parse_args(sys.argv[sys.argv.index("--") + 1:])

bpy.ops.wm.read_factory_settings(use_empty=True)
bpy.ops.import_scene.gltf(filepath=words.glb)
corners = [thing.matrix_world @ Vector(corner) for thing in bpy.data.objects if thing.type == "MESH"
           for corner in thing.bound_box]
low = Vector([min(corner[k] for corner in corners) for k in range(3)])
high = Vector([max(corner[k] for corner in corners) for k in range(3)])
at = words.at or (low + high) / 2
eye = words.eye or at + Vector((1, -1, 0.6)).normalized() * 1.3 * (high - low).length

scene = bpy.context.scene
camera = bpy.data.objects.new("camera", bpy.data.cameras.new("camera"))
scene.collection.objects.link(camera)
scene.camera = camera
camera.location = eye
camera.rotation_euler = (at - eye).to_track_quat("-Z", "Y").to_euler()
camera.data.angle = math.radians(words.fov)
camera.data.clip_start = 0.001 * (high - low).length

for material in bpy.data.materials:
    shader = next((node for node in material.node_tree.nodes if node.type == "BSDF_PRINCIPLED"), None)
    if shader is None or not shader.inputs["Base Color"].links:
        continue
    link = shader.inputs["Base Color"].links[0]
    material.node_tree.links.new(link.from_socket, shader.inputs["Emission"])
    material.node_tree.links.remove(shader.inputs["Base Color"].links[0])
    shader.inputs["Base Color"].default_value = (0, 0, 0, 1)
    shader.inputs["Specular"].default_value = 0

scene.world = bpy.data.worlds.new("world")
scene.world.use_nodes = True
scene.world.node_tree.nodes["Background"].inputs[0].default_value = (1, 1, 1, 1)
scene.render.engine = "CYCLES"
scene.cycles.samples = 8
scene.cycles.use_denoising = False
scene.view_settings.view_transform = "Standard"
scene.render.resolution_x, scene.render.resolution_y = (int(number) for number in words.size.split("x"))
scene.render.image_settings.file_format = "JPEG" if words.picture.endswith(".jpg") else "PNG"
scene.render.filepath = words.picture
bpy.ops.render.render(write_still=True)
