"""Drawn scenes: a shop and people that Mimamori draws itself, with exact truth beside them. Nobody real is in them."""

from pipeline.edge.drawn.name import UnknownScene
from pipeline.edge.drawn.render import Renderer
from pipeline.edge.drawn.scene import ROUND, Scene, scene
from pipeline.edge.drawn.story import named
from pipeline.edge.drawn.truth import Truth, truth
from pipeline.edge.drawn.view import ENTRANCE, FLOOR, STAFF, camera, toml

__all__ = [
    "ENTRANCE",
    "FLOOR",
    "ROUND",
    "STAFF",
    "Renderer",
    "Scene",
    "Truth",
    "UnknownScene",
    "camera",
    "named",
    "scene",
    "toml",
    "truth",
]
