"""The reference prints what the code holds; nothing there is listed by hand."""

import importlib.util
from pathlib import Path

import pytest
from typer.main import get_command

from prism_cli.app import app

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def reference():
    path = ROOT / "docs" / "_ext" / "operation_reference.py"
    spec = importlib.util.spec_from_file_location("operation_reference", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_every_command_is_on_the_page_of_commands(reference):
    words = reference._words(get_command(app))
    assert words[0] == ()
    assert {("warmup",), ("report", "show"), ("data", "add"), ("verify",), ("publish",)} <= set(words)
    assert len(words) == len(set(words))
