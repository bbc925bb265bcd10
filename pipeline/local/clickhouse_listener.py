"""The process that ClickHouse runs in: the engine of the chdb-core wheel, as an HTTP listener.

    python -m pipeline.local.clickhouse_listener HOME PORT

HOME holds what `Clickhouse.write_config` wrote. It runs until SIGTERM, or until standard input closes where that is
a pipe. The way in is a private interface of the wheel, so the wheel's version is pinned.
"""

import contextlib
import ctypes
import importlib.util
import os
import signal
import stat
import sys
import threading
from collections.abc import Iterator
from http.client import HTTPException
from pathlib import Path
from types import ModuleType
from typing import Final

from pipeline.local.clickhouse import STOPPER, Clickhouse

# The engine ends with its last statement, so the last one waits. It needs no grant, unlike reading a pipe.
WAIT: Final = "SELECT sleepEachRow(3) FROM numbers(1000000000) SETTINGS max_block_size = 1 FORMAT Null"
STOP: Final = "KILL QUERY WHERE user = '' AND query LIKE 'SELECT sleepEachRow%' ASYNC"
PATIENCE: Final = 5.0


def main(home: Path, port: int) -> int:
    stopping = threading.Event()
    # Blocked before any other thread begins, so that only the thread below takes it: the engine never gives Python
    # the chance to run a handler.
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM, signal.SIGINT})
    watch(stopping, Clickhouse(home, port), piped=stat.S_ISFIFO(os.fstat(0).st_mode))
    os.chdir(home)  # The engine reads ./config.xml.
    answer = load_engine().query(f"SYSTEM START LISTEN HTTP; {WAIT}", "TabSeparated", path=str(home / "data"))
    if stopping.is_set():
        return 0
    sys.stderr.write(answer.error_message() if answer.has_error() else "ClickHouse ended by itself\n")
    return 1


def watch(stopping: threading.Event, clickhouse: Clickhouse, *, piped: bool) -> None:
    # Ctrl-C reaches every process of a terminal at once: a parent that holds our pipe decides when we go, after those
    # that still write to us.
    ends = {signal.SIGTERM} if piped else {signal.SIGTERM, signal.SIGINT}
    threading.Thread(target=stop_on_signal, args=(stopping, clickhouse, ends), daemon=True).start()
    if piped:
        threading.Thread(target=signal_on_close, daemon=True).start()


def signal_on_close() -> None:
    """Take the end of our parent, which holds the other end of the pipe, for SIGTERM."""
    while os.read(0, 65536):
        pass
    os.kill(os.getpid(), signal.SIGTERM)


def stop_on_signal(stopping: threading.Event, clickhouse: Clickhouse, ends: set[signal.Signals]) -> None:
    """Let the engine end in good order; if it does not, end it as SIGKILL would, which is safe too."""
    signal.sigwait(ends)
    stopping.set()
    with contextlib.suppress(OSError, HTTPException):
        clickhouse.ask(STOPPER, STOP, PATIENCE)
    threading.Timer(PATIENCE, os._exit, (0,)).start()


def load_engine() -> ModuleType:
    """Load the extension without its package, whose `__init__` opens another kind of engine in this process."""
    package = importlib.util.find_spec("chdb")
    if package is None or not package.submodule_search_locations:
        raise ModuleNotFoundError("ClickHouse's engine is missing: install chdb-core")
    home = Path(package.submodule_search_locations[0])
    library = home / "_chdb.abi3.so"
    with inside(home):
        # Deep binding, as the package does itself: its memory allocator must not mix with Python's.
        ctypes.CDLL(str(library), mode=sys.getdlopenflags() | os.RTLD_DEEPBIND)
        shell = ModuleType("chdb")
        shell.__path__ = [str(home)]
        sys.modules["chdb"] = shell
        return extension("chdb._chdb", library)


def extension(name: str, library: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, library)
    if spec is None or spec.loader is None:
        raise ModuleNotFoundError(f"{library} is not an extension module")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


@contextlib.contextmanager
def inside(folder: Path) -> Iterator[None]:
    before = Path.cwd()
    os.chdir(folder)
    try:
        yield
    finally:
        os.chdir(before)


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]).absolute(), int(sys.argv[2])))
