"""Labels beside points, placed so that none covers another or a point at any width of a plot."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

Point = tuple[float, float]
CHARACTER, LINE = 6.6, 13
"""Width of a character and height of a line, in pixels."""
RADIUS = 6
"""Of a point, in pixels."""
OFFSETS = (
    *((7, -9), (9, 0), (0, -16), (-9, 0), (9, 12), (-9, 12), (-7, -9), (0, 16)),
    *((16, -26), (-16, -26), (16, 26), (-16, 26)),
)
"""Where a label is tried: pixels to the right, where it begins, or to the left, where it ends, and
downwards to its middle.
"""


@dataclass(frozen=True)
class Plane:
    """The area in which points are drawn.

    Args:
        x, y: lowest and highest value of each axis.
        widths: least and greatest width that it is shown at, in pixels.
        height: in pixels.
    """

    x: tuple[float, float]
    y: tuple[float, float]
    widths: tuple[float, float]
    height: float

    def across(self, point: Point) -> tuple[float, float]:
        """Pixels from the left at the least and the greatest width."""
        share = (point[0] - self.x[0]) / (self.x[1] - self.x[0])
        return share * self.widths[0], share * self.widths[1]

    def down(self, point: Point) -> float:
        """Pixels from the top."""
        return (self.y[1] - point[1]) / (self.y[1] - self.y[0]) * self.height


@dataclass(frozen=True)
class Box:
    """A box that moves sideways as the plot gets wider.

    Args:
        lefts: its left edge at the least and the greatest width, in pixels.
        width: in pixels.
        top, bottom: in pixels from the top of the plot.
    """

    lefts: tuple[float, float]
    width: float
    top: float
    bottom: float

    def meets(self, other: "Box") -> bool:
        """Whether the boxes overlap at any width."""
        if self.bottom <= other.top or other.bottom <= self.top:
            return False
        # distances of the left edges change linearly with the width of the plot
        distances = [a - b for a, b in zip(self.lefts, other.lefts, strict=True)]
        return min(distances) < other.width and max(distances) > -self.width

    def is_within(self, plane: Plane) -> bool:
        """Whether it lies within a plot at any width."""
        if self.top < 0 or self.bottom > plane.height:
            return False
        edges = zip(self.lefts, plane.widths, strict=True)
        return all(left >= 0 and left + self.width <= width for left, width in edges)


def place_labels(
    labels: Mapping[Point, str], points: Sequence[Point], plane: Plane
) -> dict[Point, tuple[float, float]]:
    """Offsets of labels from their points, at which none covers another or a point.

    Args:
        labels: point → its label, the most important first.
        points: all that are drawn.
        plane: that they are drawn in.

    Returns:
        Point → pixels to the right and down, one of :data:`OFFSETS`. A label for which there is no
        room is left out.
    """
    taken = [_point_box(point, plane) for point in points]
    offsets: dict[Point, tuple[float, float]] = {}
    for point, label in labels.items():
        for offset in OFFSETS:
            box = label_box(point, label, offset, plane)
            if box.is_within(plane) and not any(box.meets(other) for other in taken):
                taken.append(box)
                offsets[point] = offset
                break
    return offsets


def _point_box(point: Point, plane: Plane) -> Box:
    left, right = plane.across(point)
    y = plane.down(point)
    return Box((left - RADIUS, right - RADIUS), 2 * RADIUS, y - RADIUS, y + RADIUS)


def label_box(point: Point, label: str, offset: tuple[float, float], plane: Plane) -> Box:
    """The box of a label at an offset from its point."""
    width = CHARACTER * len(label)
    start = offset[0]
    if offset[0] < 0:
        start -= width
    elif offset[0] == 0:
        start -= width / 2
    narrow, wide = plane.across(point)
    middle = plane.down(point) + offset[1]
    return Box((narrow + start, wide + start), width, middle - LINE / 2, middle + LINE / 2)
