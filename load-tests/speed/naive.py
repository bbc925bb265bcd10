"""The naive pipeline: every frame decoded whole, YuNet at 640×384 and NanoDet fp32 at 416×416 on it, one thread each.

A process of its own, without gate, sealing or Kafka. It reads JPEGs from its standard input, each behind its length
(u32, big-endian), and prints one JSON object: CPU time by stage, and with `--boxes` the people found. It shares no code
with what it is compared with: what is made cheaper there must not make this cheaper.
"""

import argparse
import json
import os
import struct
import sys
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, BinaryIO, Final

import cv2
import numpy as np
import numpy.typing as npt
import onnx
import onnxruntime

STAGES: Final = ("decode", "yunet_640x384", "nanodet_fp32_416")
WARM: Final = 3
"""So many frames come first and are not counted."""

_YUNET: Final = (640, 384)
_SIDE: Final = 416
_MEAN: Final = np.array([103.53, 116.28, 123.675], np.float32)
_DEVIATION: Final = np.array([57.375, 57.12, 58.395], np.float32)
_NANODET: Final = ((8, "Identity", "Identity_3"), (16, "Identity_1", "Identity_4"), (32, "Identity_2", "Identity_5"))
_BINS: Final = 11
_PEOPLE_FROM: Final = 0.1
_FACES_FROM: Final = 0.6

Floats = npt.NDArray[np.float32]
Picture = npt.NDArray[np.uint8]
ort: Any = onnxruntime


class Session:
    """A network on one thread."""

    def __init__(self, path: Path, *, any_size: bool = False) -> None:
        options = ort.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        options.log_severity_level = 3
        model = _freed(path) if any_size else path.read_bytes()
        self._session = ort.InferenceSession(model, options, providers=["CPUExecutionProvider"])
        self._input = self._session.get_inputs()[0].name
        self._outputs = [each.name for each in self._session.get_outputs()]

    def run(self, tensor: Floats) -> dict[str, Floats]:
        return dict(zip(self._outputs, self._session.run(self._outputs, {self._input: tensor}), strict=True))


def main() -> int:
    """Read frames to the end, and say what they cost."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--models", type=Path, required=True, help="the folder with the weights")
    parser.add_argument("--boxes", action="store_true", help="print the people found in each frame")
    options = parser.parse_args()
    cv2.setNumThreads(1)
    print(json.dumps(_run(sys.stdin.buffer, options.models, boxes=options.boxes)))
    return 0


def _run(stream: BinaryIO, folder: Path, *, boxes: bool) -> dict[str, Any]:
    faces = Session(folder / "yunet-2023mar.onnx", any_size=True)
    people = Session(folder / "nanodet-g-416.onnx")
    spent = dict.fromkeys(STAGES, 0.0)
    found: list[list[list[float]]] = []
    frames, began = 0, 0.0
    for number, jpeg in enumerate(_frames(stream)):
        if number == WARM:
            spent, frames, began = dict.fromkeys(STAGES, 0.0), 0, time.process_time()
        each = _one(jpeg, faces, people, spent)
        found.append(each)
        frames += 1
    whole = time.process_time() - began
    told: dict[str, Any] = {
        "frames": frames,
        "ms": {stage: spent[stage] / frames * 1e3 for stage in STAGES},
        "ms_a_frame": sum(spent.values()) / frames * 1e3,
        "process_ms_a_frame": whole / frames * 1e3,
        "pid": os.getpid(),
    }
    return told | ({"boxes": found} if boxes else {})


def _frames(stream: BinaryIO) -> Iterator[bytes]:
    while head := stream.read(4):
        yield stream.read(struct.unpack(">I", head)[0])


def _one(jpeg: bytes, faces: Session, people: Session, spent: dict[str, float]) -> list[list[float]]:
    times = [time.thread_time()]
    picture = np.asarray(cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_COLOR), np.uint8)
    times.append(time.thread_time())
    find_faces(faces, picture)
    times.append(time.thread_time())
    boxes = find_people(people, picture)
    times.append(time.thread_time())
    for stage, after, before in zip(STAGES, times[1:], times[:-1], strict=True):
        spent[stage] += after - before
    return boxes


def find_faces(network: Session, picture: Picture) -> list[list[float]]:
    """Shrink the whole picture to 640×384, and look for faces in it."""
    canvas, scale = _letterbox(picture, *_YUNET)
    tensor = np.ascontiguousarray(canvas.transpose(2, 0, 1)[None], np.float32)
    outputs = network.run(tensor)
    parts = [_faces_of(outputs, stride) for stride in (8, 16, 32)]
    boxes, scores = (np.concatenate(each) for each in zip(*parts, strict=True))
    return _kept((boxes / scale).astype(np.float32), scores, _FACES_FROM, 0.3)


def _faces_of(outputs: Mapping[str, Floats], stride: int) -> tuple[Floats, Floats]:
    scores = np.sqrt(outputs[f"cls_{stride}"][0, :, 0].clip(0, 1) * outputs[f"obj_{stride}"][0, :, 0].clip(0, 1))
    cells = np.flatnonzero(scores >= _FACES_FROM)
    rows, columns = np.divmod(cells, _YUNET[0] // stride)
    raw = outputs[f"bbox_{stride}"][0, cells]
    middles, sizes = (np.stack([columns, rows], axis=1) + raw[:, :2]) * stride, np.exp(raw[:, 2:]) * stride
    return np.concatenate([middles - sizes / 2, middles + sizes / 2], axis=1).astype(np.float32), scores[cells]


def find_people(network: Session, picture: Picture) -> list[list[float]]:
    """Shrink the whole picture to a square, and look for people in it: left, top, right, bottom, likelihood."""
    canvas, scale = _letterbox(picture, _SIDE, _SIDE)
    tensor = np.ascontiguousarray(((canvas.astype(np.float32) - _MEAN) / _DEVIATION).transpose(2, 0, 1)[None])
    outputs = network.run(tensor)
    parts = [_people_of(outputs[likely][0], outputs[sides][0], stride) for stride, likely, sides in _NANODET]
    boxes, scores = (np.concatenate(each) for each in zip(*parts, strict=True))
    return _kept((boxes / scale).astype(np.float32), scores, _PEOPLE_FROM, 0.5)


def _people_of(classes: Floats, sides: Floats, stride: int) -> tuple[Floats, Floats]:
    scores = classes[:, 0]
    cells = np.flatnonzero(scores >= _PEOPLE_FROM)
    rows, columns = np.divmod(cells, _SIDE // stride)
    centres = (np.stack([columns, rows], axis=1) + 0.5) * stride
    logits = sides[cells].reshape(len(cells), 4, _BINS)
    weights = np.exp(logits - logits.max(axis=-1, keepdims=True))
    far = (weights @ np.arange(logits.shape[-1], dtype=np.float32)) / weights.sum(axis=-1) * stride
    boxes = np.concatenate([centres - far[:, :2], centres + far[:, 2:]], axis=1).astype(np.float32)
    return boxes, scores[cells]


def _letterbox(picture: Picture, width: int, height: int) -> tuple[Picture, float]:
    scale = min(width / picture.shape[1], height / picture.shape[0])
    size = round(picture.shape[1] * scale), round(picture.shape[0] * scale)
    canvas = np.zeros((height, width, 3), np.uint8)
    canvas[: size[1], : size[0]] = cv2.resize(picture, size, interpolation=cv2.INTER_LINEAR)
    return canvas, scale


def _kept(boxes: Floats, scores: Floats, at_least: float, at_most: float) -> list[list[float]]:
    likely = scores >= at_least
    boxes, scores = boxes[likely], scores[likely]
    if not len(boxes):
        return []
    flat = np.concatenate([boxes[:, :2], boxes[:, 2:] - boxes[:, :2]], axis=1)
    kept = np.asarray(cv2.dnn.NMSBoxes(flat.tolist(), scores.tolist(), at_least, at_most)).reshape(-1)
    return [[*map(float, boxes[each]), float(scores[each])] for each in kept]


def _freed(path: Path) -> bytes:
    """Let YuNet take pictures of any size: its file says 640×640."""
    model = onnx.load(str(path))
    for place, value in enumerate([*model.graph.input, *model.graph.output]):
        for axis, dim in enumerate(value.type.tensor_type.shape.dim):
            rank = len(value.type.tensor_type.shape.dim)
            if axis != (1 if rank == 4 else rank - 1):
                dim.dim_param = f"any_{place}_{axis}"
    return bytes(model.SerializeToString())


if __name__ == "__main__":
    sys.exit(main())
