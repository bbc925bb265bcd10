"""A vault whose clock stands, as that of a machine which was put back as it was: `SINCE serve …`."""

import sys
from datetime import UTC, datetime
from unittest.mock import patch

from pipeline.vault import cli
from pipeline.vault.guard import HostClock


def main() -> None:
    """Serve a vault that believes it is still the time named, on a machine that was switched on just now."""
    stands = datetime.fromisoformat(sys.argv.pop(1)).astimezone(UTC)

    class Standing(HostClock):
        def now(self) -> datetime:
            return stands

        def monotonic(self) -> float:
            return 0.0

    with patch.object(cli, "HostClock", Standing), patch.object(cli, "boot_id", lambda: "another machine"):
        cli.app()


if __name__ == "__main__":
    main()
