import pytest

from pipeline.errors import Misconfigured
from pipeline.listening import bound


def test_a_free_port_is_taken() -> None:
    with bound("127.0.0.1", 0) as own:
        assert own.getsockname()[1] > 0


def test_a_port_that_is_taken_is_said_with_the_mend() -> None:
    with bound("127.0.0.1", 0) as other:
        other.listen()
        port = other.getsockname()[1]

        with pytest.raises(Misconfigured, match=rf"127\.0\.0\.1:{port}: Address already in use; say another --port"):
            bound("127.0.0.1", port)


def test_an_address_of_another_machine_is_refused() -> None:
    with pytest.raises(Misconfigured, match="cannot listen at 192"):
        bound("192.0.2.1", 0)
