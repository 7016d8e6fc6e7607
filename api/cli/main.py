"""`liggare`: all commands, each in a file of its own kind."""

from __future__ import annotations

import sys

import typer

from api.cli import acting, evidence, folder, people, reading, serving

app = typer.Typer(
    name="liggare",
    help="Rådsliggaren: kommunala råds möten och beslut som en händelselogg som vem som helst kan kontrollera.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
for module in (folder, serving, people, acting, reading, evidence):
    module.register(app)


def main() -> None:
    """Run the command line; an error nobody foresaw ends with 1."""
    try:
        app()
    except Exception as error:  # noqa: BLE001  # the last resort: say what it was and where to look
        sys.stderr.write(f"Internt fel: {type(error).__name__}: {error}\n")
        sys.exit(1)


if __name__ == "__main__":
    main()
