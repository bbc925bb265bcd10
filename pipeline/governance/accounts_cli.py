"""`mimamori accounts`: who may sign in to the console, made here first and by managers in the console then."""

import getpass
import sys
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Annotated, Final
from zoneinfo import ZoneInfo

import typer
from pydantic import SecretStr

from pipeline.clock import SystemClock
from pipeline.errors import Misconfigured
from pipeline.governance import people
from pipeline.governance.accounts import Accounts, Note, added, changed, open_accounts, spoken
from pipeline.governance.passwords import SHORTEST, Passwords, require_strong
from pipeline.governance.people import Account, Grant, RulesByStore, rules_of
from pipeline.governance.roles import ALL, PEOPLE, Role, Stores
from pipeline.settings import settings
from schemas.estate import Estate, load_estate, load_regulations
from schemas.ids import StoreId

_HELP: Final = (
    "Who may sign in to the console, and as what.\n\n"
    "The vault keeps the accounts: in accounts.db of its folder, or where MIMAMORI_ACCOUNTS__URL says. These commands "
    "work on them whether the vault runs or not; what they change holds at once, and the vault tells the ledger of "
    "it.\n\n"
    "Roles: manager and deputy review alerts, open evidence, keep or erase it; a manager also releases single items to "
    "staff, and makes their accounts in the console. staff see alerts, and evidence that was released to them. auditor "
    "reads the ledger. on_call sees how the system is doing. Neither of the last two ever sees a picture.\n\n"
    "Whoever can see pictures needs training and a signed pledge of confidentiality, both with an end: when it comes, "
    "they are suspended until it is renewed. They read the store's rules in the console when they sign in first, and "
    "when the rules change.\n\n"
    "The first manager of a store:\n\n"
    '  mimamori accounts add sato --display "佐藤 花子" --role manager --store ginza '
    "--trained-until 2027-03-31 --pledged-on 2026-11-20 --pledge-until 2027-11-20\n\n"
    f"A password is asked for, or read from standard input with --stdin; it has at least {SHORTEST} characters."
)

app = typer.Typer(no_args_is_help=True, help=_HELP)

_DAY: Final = ["%Y-%m-%d"]

Named = Annotated[str, typer.Argument(help="What they sign in with: short, lower case")]
Folder = Annotated[
    Path | None, typer.Option("--dir", help="The vault's folder; default: vault in MIMAMORI_HOME", show_default=False)
]
EstateFile = Annotated[Path | None, typer.Option("--estate", help="Default: MIMAMORI_ESTATE", show_default=False)]
As = Annotated[Role, typer.Option("--role", metavar="manager|deputy|staff|auditor|on_call", help="What they are")]
Where = Annotated[list[str] | None, typer.Option("--store", help="In this store; give it again for more")]
Everywhere = Annotated[bool, typer.Option("--every-store", help="In all stores, and those to come")]
Stdin = Annotated[bool, typer.Option("--stdin", help="Read the password from standard input, one line")]
Day = Annotated[datetime | None, typer.Option(formats=_DAY, metavar="YYYY-MM-DD", show_default=False)]
Until = Annotated[datetime, typer.Option("--until", formats=_DAY, metavar="YYYY-MM-DD", help="The last day of it")]


@app.command()
def add(  # noqa: PLR0917 - the command line's own options, each by name
    name: Named,
    role: As,
    display: Annotated[str, typer.Option("--display", help="What people call them")] = "",
    store: Where = None,
    every_store: Everywhere = False,
    trained_until: Day = None,
    pledged_on: Day = None,
    pledge_until: Day = None,
    stdin: Stdin = False,
    folder: Folder = None,
    estate: EstateFile = None,
) -> None:
    """Make an account. Roles that can see pictures need all three dates of training and pledge."""
    found = _estate(estate)
    account = people.new_account(
        name,
        display or name,
        [Grant(_person(role), _stores(found, store, every_store))],
        training_until=_end(found, trained_until),
        pledged_on=None if pledged_on is None else pledged_on.date(),
        pledge_until=_end(found, pledge_until),
        now=SystemClock().now(),
    )
    hashed = _hashed(account, stdin=stdin)
    _accounts(folder).add(account, hashed, added(account, by=_by()))
    typer.echo(f"{name} may sign in: {', '.join(map(spoken, account.grants))}")


@app.command("list")
def list_(folder: Folder = None, estate: EstateFile = None) -> None:
    """List all accounts: what they are, until when training and pledge hold, and what suspends them now."""
    rules = _rules(estate)
    accounts = _accounts(folder).accounts()
    if not accounts:
        typer.echo("There is no account yet: `mimamori accounts --help` shows how the first is made.")
    for account in accounts:
        reasons = people.suspensions(account, rules, SystemClock().now())
        typer.echo(f"{_line(account)}  {'suspended: ' + ', '.join(reasons) if reasons else 'in order'}")


@app.command()
def grant(  # noqa: PLR0917 - the command line's own options, each by name
    name: Named,
    role: As,
    store: Where = None,
    every_store: Everywhere = False,
    folder: Folder = None,
    estate: EstateFile = None,
) -> None:
    """Give somebody a role in more stores. `revoke` takes it."""
    given = Grant(_person(role), _stores(_estate(estate), store, every_store))

    def more(account: Account) -> Account:
        people.require_grant(account, given.role, SystemClock().now())
        return people.replace_grants(account, [*account.grants, given])

    _change(folder, name, more, changed(name, by=_by(), what="granted", grants=[spoken(given)]))


@app.command()
def revoke(name: Named, role: As, folder: Folder = None) -> None:
    """Take a role from somebody, in every store."""

    def less(account: Account) -> Account:
        return people.replace_grants(account, [each for each in account.grants if each.role is not role])

    _change(folder, name, less, changed(name, by=_by(), what="revoked", role=role.value))


@app.command()
def password(name: Named, stdin: Stdin = False, folder: Folder = None) -> None:
    """Give somebody another password; they are signed out wherever they are signed in."""
    accounts = _accounts(folder)
    account = accounts.account(name)
    if account is None:
        raise Misconfigured(f"there is no account {name}: `mimamori accounts list` names them")
    accounts.set_hash(name, _hashed(account, stdin=stdin), changed(name, by=_by(), what="password"))
    typer.echo(f"{name} signs in with the new password from now on")


@app.command()
def training(name: Named, until: Until, folder: Folder = None, estate: EstateFile = None) -> None:
    """Take down that somebody was trained, and until when that holds."""
    end = _end(_estate(estate), until)
    note = changed(name, by=_by(), what="trained", until=f"{until:%Y-%m-%d}")
    _change(folder, name, lambda account: replace(account, training_until=end), note)


@app.command()
def pledge(
    name: Named,
    until: Until,
    signed_on: Annotated[datetime, typer.Option(formats=_DAY, metavar="YYYY-MM-DD", help="When they signed it")],
    folder: Folder = None,
    estate: EstateFile = None,
) -> None:
    """Take down that somebody signed the pledge of confidentiality, and until when that holds."""
    end = _end(_estate(estate), until)
    note = changed(name, by=_by(), what="pledged", until=f"{until:%Y-%m-%d}")

    def pledged(account: Account) -> Account:
        return replace(account, pledged_on=signed_on.date(), pledge_until=end)

    _change(folder, name, pledged, note)


@app.command()
def disable(name: Named, folder: Folder = None) -> None:
    """Close an account: whoever has it is signed out at once. What they did stays in the ledger."""
    note = changed(name, by=_by(), what="disabled")
    _change(folder, name, lambda account: replace(account, disabled=True), note)


@app.command()
def enable(name: Named, folder: Folder = None) -> None:
    """Open a closed account again."""
    note = changed(name, by=_by(), what="enabled")
    _change(folder, name, lambda account: replace(account, disabled=False), note)


@app.command()
def remove(name: Named, folder: Folder = None) -> None:
    """Forget an account altogether, once nobody needs it any more. What the ledger says of them stays."""
    _accounts(folder).remove(name, changed(name, by=_by(), what="removed"))
    typer.echo(f"{name} is forgotten")


def _change(folder: Path | None, name: str, how: Callable[[Account], Account], note: Note) -> None:
    after = _accounts(folder).change(name, how, note)
    typer.echo(_line(after))


def _accounts(folder: Path | None) -> Accounts:
    own = settings()
    return open_accounts(folder or own.home / "vault", own.accounts.url.get_secret_value())


def _estate(path: Path | None) -> Estate:
    return load_estate(path or settings().estate)


def _rules(path: Path | None) -> RulesByStore:
    return rules_of(load_regulations(path or settings().estate, _estate(path)))


def _stores(estate: Estate, named: list[str] | None, every: bool) -> Stores:
    if every:
        return ALL
    if not named:
        raise Misconfigured("in which store? --store ID, or --every-store")
    known = {each.id for each in estate.stores}
    if strange := sorted(set(named) - known):
        raise Misconfigured(f"the estate has no store {', '.join(strange)}: it has {', '.join(sorted(known))}")
    return frozenset(StoreId(each) for each in named)


def _person(role: Role) -> Role:
    if role not in PEOPLE:
        raise Misconfigured(f"{role} is a part of the system: {', '.join(sorted(PEOPLE))} are people")
    return role


def _end(estate: Estate, last: datetime | None) -> datetime | None:
    """Return when the last day of something is over, where the shops are."""
    if last is None:
        return None
    # A day less, for the shops where it ends in the next century elsewhere.
    if not 2000 <= (last + timedelta(days=1 if last.year < 2100 else 0)).year < 2100:
        raise Misconfigured(f"{last.date()} is no day on which a training or a pledge ends")
    zone = ZoneInfo(estate.stores[0].timezone)
    return datetime.combine(last.date() + timedelta(days=1), time(0), zone).astimezone(UTC)


def _hashed(account: Account, *, stdin: bool) -> str:
    typed = SecretStr(_read_line() if stdin else _ask(account.name))
    require_strong(typed, account.name, account.display_name)
    return Passwords().hash(typed)


def _read_line() -> str:
    return sys.stdin.readline().rstrip("\r\n")


def _ask(name: str) -> str:
    if not sys.stdin.isatty():
        raise Misconfigured("nobody is there to type a password: give it on standard input, with --stdin")
    typed: str = typer.prompt(f"Password for {name}", hide_input=True, confirmation_prompt=True)
    return typed


def _by() -> str:
    return f"{getpass.getuser()} at the command line"


def _line(account: Account) -> str:
    said = (
        account.name,
        account.display_name,
        " ".join(map(spoken, account.grants)) or "(no role)",
        f"trained until {_day(account.training_until)}",
        f"pledged until {_day(account.pledge_until)}",
        *(("closed",) if account.disabled else ()),
    )
    return "  ".join(said)


def _day(end: datetime | date | None) -> str:
    return "-" if end is None else f"{end:%Y-%m-%d}"
