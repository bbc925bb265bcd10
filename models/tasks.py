"""What networks may be used for: the whole list. What is not on it cannot be loaded."""

from enum import StrEnum

from models.errors import NotAllowed


class Task(StrEnum):
    """Nothing here reads emotion, ethnicity, age or gender, and nothing that does may be added."""

    PEOPLE = "people"
    FACES = "faces"
    FACE_EMBEDDING = "face_embedding"


class Mode(StrEnum):
    """What a camera may do: watch like any security camera, or also compare faces with registered images."""

    CONVENTIONAL = "conventional"
    FACE_RECOGNITION = "face_recognition"


_ALLOWED = {
    Mode.CONVENTIONAL: frozenset({Task.PEOPLE, Task.FACES}),
    Mode.FACE_RECOGNITION: frozenset(Task),
}


def allow(task: str, mode: Mode) -> Task:
    """Give the task back where a camera in this mode may do it; raises NotAllowed otherwise (R12)."""
    known = next((each for each in Task if each == task), None)
    if known is None:
        raise NotAllowed(f"no network may be used for {task!r}, only for {', '.join(Task)}")
    if known not in _ALLOWED[mode]:
        raise NotAllowed(f"a camera in mode {mode} must not load a network for {known}")
    return known
