"""The ``prism`` command: it assembles what the packages can do, and has no science of its own."""

from prism_cli.main import main

__all__ = ["main"]
