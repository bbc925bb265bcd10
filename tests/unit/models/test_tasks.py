"""Which networks may be loaded for which cameras."""

import pytest

from models.errors import NotAllowed
from models.tasks import Mode, Task, allow


@pytest.mark.parametrize("task", [Task.PEOPLE, Task.FACES])
@pytest.mark.parametrize("mode", Mode)
def test_every_camera_may_find_people_and_faces(task: Task, mode: Mode) -> None:
    assert allow(task, mode) is task


def test_r12_a_conventional_camera_must_not_load_a_face_embedding() -> None:
    with pytest.raises(NotAllowed, match="conventional must not load a network for face_embedding"):
        allow(Task.FACE_EMBEDDING, Mode.CONVENTIONAL)


def test_r12_a_camera_for_face_recognition_may_load_one() -> None:
    assert allow("face_embedding", Mode.FACE_RECOGNITION) is Task.FACE_EMBEDDING


@pytest.mark.parametrize("task", ["emotion", "ethnicity", "age", "gender", "", "People"])
@pytest.mark.parametrize("mode", Mode)
def test_no_camera_may_read_what_people_are_like(task: str, mode: Mode) -> None:
    with pytest.raises(NotAllowed):
        allow(task, mode)


def test_the_list_of_tasks_is_this_one() -> None:
    assert set(Task) == {"people", "faces", "face_embedding"}
