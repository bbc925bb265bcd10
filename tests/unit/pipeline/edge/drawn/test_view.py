"""The demo's estate of drawn shops has the places of the drawn shop."""

from pathlib import Path

from pipeline.edge.drawn import camera
from schemas.estate import load_estate

ESTATE = Path("pipeline/local/estates/drawn.toml")


def test_every_camera_of_the_drawn_estate_has_the_lines_and_zones_of_the_drawing() -> None:
    drawn = camera()
    for store in load_estate(ESTATE).stores:
        for each in store.cameras:
            assert (each.lines, each.zones, each.width) == (drawn.lines, drawn.zones, drawn.width)
