"""The memory of a running process, as far as it can hold anything of its own."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Final

_CHUNK: Final = 32 << 20
_OVERLAP: Final = 256
_KERNEL: Final = frozenset({"[vvar]", "[vdso]", "[vsyscall]", "[vvar_vclock]"})


def may_be_read(pid: int) -> bool:
    """Say whether this process's memory can be looked into: it belongs to root alone."""
    try:
        os.close(os.open(f"/proc/{pid}/mem", os.O_RDONLY))
    except OSError:
        return False
    return True


def regions(pid: int) -> Iterator[tuple[str, bytes]]:
    """Give all that is written in memory or on the stack, with what each region is; code and files that are only read
    hold nothing of it."""
    with Path(f"/proc/{pid}/maps").open() as maps, open(f"/proc/{pid}/mem", "rb", buffering=0) as memory:  # noqa: PTH123 (a seek of its own)
        for line in maps:
            bounds, rights, _offset, _device, _inode, *name = line.split(maxsplit=5)
            what = name[0].strip() if name else "anonymous"
            if "r" not in rights or what in _KERNEL or ("w" not in rights and what.startswith("/")):
                continue
            begin, end = (int(each, 16) for each in bounds.split("-"))
            yield from ((f"{what} {at:#x}", data) for at, data in _read(memory.fileno(), begin, end))


def _read(file: int, begin: int, end: int) -> Iterator[tuple[int, bytes]]:
    for at in range(begin, end, _CHUNK):
        try:
            data = os.pread(file, min(_CHUNK + _OVERLAP, end - at), at)
        except OSError:
            continue  # Set aside, and never used.
        if data:
            yield at, data


def family(pid: int) -> list[int]:
    """Return a process and all that it started."""
    found = [pid]
    for task in Path(f"/proc/{pid}/task").glob("*/children"):
        try:
            found += [each for child in task.read_text().split() for each in family(int(child))]
        except OSError:
            continue
    return found


def unnamed_files(pid: int) -> list[Path]:
    """Return the files that a process holds open and that no folder names any more, or never did."""
    found = []
    for each in Path(f"/proc/{pid}/fd").glob("*"):
        try:
            target = os.readlink(each)  # noqa: PTH115 (it need not be a path)
        except OSError:
            continue
        if (target.endswith(" (deleted)") or target.startswith("/memfd:")) and each.is_file():
            found.append(each)
    return found
