"""Options that several commands share."""

from __future__ import annotations

from typing import Annotated

import typer

__all__ = ["Address", "Data", "Settings"]

Data = Annotated[list[str] | None, typer.Option("--data", metavar="NAME=SAMPLE|DATASET|FILE", help="Data by name.")]
Settings = Annotated[list[str] | None, typer.Option("--set", metavar="NAME=VALUE", help="A setting, as JSON or text.")]
Address = Annotated[str, typer.Option(help="Address to listen on; 0.0.0.0 for every network of this machine.")]
