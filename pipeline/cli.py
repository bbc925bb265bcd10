"""The command line: `mimamori`. Its parts are found by entry point, so that no floor imports the one above it."""

import sys
from importlib.metadata import EntryPoint, entry_points
from typing import Any, Final

import typer
from typer.core import TyperGroup

from pipeline.errors import MimamoriError
from pipeline.settings import settings
from schemas.files import FileError

GROUP: Final = "mimamori.commands"


def _parts() -> dict[str, EntryPoint]:
    return {each.name: each for each in entry_points(group=GROUP)}


class Parts(TyperGroup):
    """Commands that are imported when they are asked for: a worker need not load the console."""

    def list_commands(self, ctx: Any) -> list[str]:
        del ctx
        return sorted(_parts())

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        del ctx
        part = _parts().get(cmd_name)
        return None if part is None else _load(part)


def _load(part: EntryPoint) -> Any:
    try:
        command = typer.main.get_command(part.load())
    except ModuleNotFoundError as error:
        return _absent(part.name, str(error.name))
    command.name = part.name
    return command


def _absent(name: str, module: str) -> Any:
    app = typer.Typer(add_completion=False)

    @app.command(name, help=f"(not installed here: needs {module}; see the extras in pyproject.toml)")
    def absent() -> None:
        typer.echo(f"mimamori {name} needs the module {module}: pip install 'mimamori[local]'", err=True)
        raise typer.Exit(2)

    return typer.main.get_command(app)


app = typer.Typer(
    cls=Parts,
    no_args_is_help=True,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
    help="Mimamori (見守り): watches over the cameras of many stores, tells people politely, and forgets on time.\n\n"
    "Start with `make demo`. Each command has --help.",
)


@app.callback()
def _root() -> None:
    """Mimamori."""


def main() -> None:
    """Run the command line; what people can mend is said in plain words, without a traceback."""
    try:
        app()
    except (MimamoriError, FileError) as error:
        typer.echo(f"mimamori: {error}{_hint(str(error))}", err=True)
        sys.exit(1)
    except ModuleNotFoundError as error:
        typer.echo(f"mimamori: not installed here: {error.name}; pip install 'mimamori[local]' brings all", err=True)
        sys.exit(2)


def _hint(said: str) -> str:
    """Say what to do about an estate that nobody named."""
    if "cannot be read" not in said:
        # Perhaps it was a setting that cannot be: then there are none to look at.
        return ""
    estate = settings().estate
    if estate.exists() or not said.startswith(f"{estate}: cannot be read"):
        return ""
    return "\nName your estate's file with MIMAMORI_ESTATE (or --estate); `make demo` writes one of its own."


if __name__ == "__main__":
    main()
