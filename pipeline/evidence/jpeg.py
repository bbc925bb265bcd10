"""Pictures of evidence as JPEGs."""

from typing import Final

import cv2

from pipeline.evidence.hide import Picture

QUALITY: Final = 85


def encoded(picture: Picture) -> bytes:
    """Encode a picture as a JPEG, of its pixels alone: no thumbnail and nothing else of the camera's comes along."""
    return bytes(cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, QUALITY])[1])
