"""Points, boxes and polygons, normalised to the picture: 0–1 from left and from top."""

from typing import Annotated

from pydantic import Field, model_validator

from schemas.frozen import Frozen

Coordinate = Annotated[float, Field(ge=-0.5, le=1.5)]
"""May stick out of the picture a little: a box cut by its edge keeps its size."""


class Point(Frozen):
    """A place in the picture."""

    x: Coordinate
    y: Coordinate


class Box(Frozen):
    """ONVIF bounding box: left, top, right, bottom."""

    left: Coordinate
    top: Coordinate
    right: Coordinate
    bottom: Coordinate

    @model_validator(mode="after")
    def _has_an_inside(self) -> "Box":
        if self.right <= self.left or self.bottom <= self.top:
            raise ValueError("a box ends right of where it begins, and below")
        return self

    @property
    def width(self) -> float:
        return self.right - self.left

    @property
    def height(self) -> float:
        return self.bottom - self.top

    def overlap(self, other: "Box") -> float:
        """Intersection over union with another box."""
        wide = min(self.right, other.right) - max(self.left, other.left)
        high = min(self.bottom, other.bottom) - max(self.top, other.top)
        common = max(0.0, wide) * max(0.0, high)
        return common / (self.width * self.height + other.width * other.height - common)

    @property
    def foot(self) -> Point:
        """Bottom centre, where a person stands. Not the centre: a shelf hides the legs less often than the middle."""
        return Point(x=(self.left + self.right) / 2, y=self.bottom)

    @property
    def centre(self) -> Point:
        return Point(x=(self.left + self.right) / 2, y=(self.top + self.bottom) / 2)


Polygon = Annotated[tuple[Point, ...], Field(min_length=3, max_length=64)]
