"""`liggare`: all commands, each in a file of its own kind.

- Only the file of the command asked for is loaded, since loading takes most of a short command's time. Nothing that is
  loaded goes again, so no garbage is looked for meanwhile, and none among it afterwards: a sixth of that time.
- A command that cannot be read ends with 2, and with --json anywhere in it also that is one JSON object.
- An error nobody foresaw ends with 1 and says how to find out more; LIGGARE_TRACE=1 shows where it happened.
"""

from __future__ import annotations

import gc
import os
import re
import sys
import traceback
from importlib import import_module

gc.disable()

import typer  # noqa: E402  # what follows is most of what there is to load

from api.cli.output import Exit, in_language, stop  # noqa: E402  # as above

gc.enable()

HELP = "Rådsliggaren: kommunala råds möten och beslut som en händelselogg som vem som helst kan kontrollera."
# Every command by the file it stands in.
COMMANDS = {
    "folder": ("init", "doctor", "rebuild", "export"),
    "showing": ("demo",),
    "keeping": ("backup", "restore", "upgrade", "move"),
    "keys": ("keys",),
    "serving": ("serve",),
    "people": ("token", "passphrase-link", "held-on"),
    "acting": ("do", "sign", "passphrase"),
    "filing": ("extract", "copy", "document"),
    "reading": ("audit", "replay"),
    "following": ("follow-up",),
    "ruling": ("rules",),
    "obliging": ("obligations",),
    "reviewing": ("review",),
    "evidence": ("verify",),
    "proving": ("proof",),
    "witnessing": ("witness",),
    "benching": ("bench", "load"),
}


def main() -> None:
    """Run the command line."""
    sys.exit(run(sys.argv[1:]))


def run(arguments: list[str]) -> int:
    """The exit code of a command line."""
    as_json = "--json" in arguments
    try:
        ended = application(arguments)(arguments or ["--help"], prog_name="liggare", standalone_mode=False)
        return int(ended or (Exit.FINE if arguments else Exit.USAGE))
    except (typer.Abort, KeyboardInterrupt):
        return 130
    except (BrokenPipeError, SystemExit):
        # Whoever read has gone, which is all that the library below exits for by itself. What is still buffered must
        # not meet the closed pipe when Python ends.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return Exit.FINE
    except Exception as error:  # noqa: BLE001  # the last resort: say what it was and how to find out more
        if os.environ.get("LIGGARE_TRACE"):
            traceback.print_exception(error)
        if (said := _misread(error)) is not None:
            context = getattr(error, "ctx", None)
            command = context.command_path if context else "liggare"
            return _stopped(Exit.USAGE, "usage", {"reason": said, "command": command}, as_json)
        reason = f"{type(error).__name__}: {error}"
        return _stopped(Exit.INTERNAL, "internal", {"reason": reason}, as_json)


def application(arguments: list[str]) -> typer.Typer:
    """The command that is asked for, or all of them where none is."""
    app = typer.Typer(name="liggare", help=HELP, add_completion=False, pretty_exceptions_enable=False)
    app.callback()(lambda: None)  # a command is named, also where it is the only one
    asked = [module for module, commands in COMMANDS.items() if set(arguments[:1]) & set(commands)]
    gc.disable()
    for module in asked or COMMANDS:
        import_module(f"api.cli.{module}").register(app)
    gc.freeze()
    gc.enable()
    return app


def _misread(error: Exception) -> str | None:
    """Why a command cannot be read; None if it is another kind of error. The library keeps its kinds to itself."""
    told = getattr(error, "format_message", None)
    if not callable(told):
        return None
    kind, english = type(error).__name__, str(told())
    if kind == "MissingParameter":
        param = getattr(error, "param", None)
        names = getattr(param, "opts", ["?"])
        name = names[0] if names[0].startswith("-") else getattr(param, "metavar", None) or names[0]
        return in_language(f"{name} saknas.", english)
    if kind == "NoSuchOption":
        return in_language(f"{getattr(error, 'option_name', '?')} finns inte.", english)
    if found := re.fullmatch(r"No such command '(.*)'\.", english):
        return in_language(f"kommandot {found[1]} finns inte.", english)
    return english


def _stopped(code: Exit, name: str, values: dict[str, object], as_json: bool) -> int:
    try:
        stop(code, name, values, as_json)
    except typer.Exit as ended:
        return int(ended.exit_code)
    return code


if __name__ == "__main__":
    main()
