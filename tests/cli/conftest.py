"""Run ``prism`` in this process, as a user would."""

import dataclasses

import pytest

from prism_cli import main


@dataclasses.dataclass
class Said:
    code: int
    out: str
    err: str


@pytest.fixture
def prism(capsys, tmp_path, monkeypatch):
    """Call ``prism`` with arguments in an empty folder; exit code and what it printed come back."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PRISM_STORE", str(tmp_path / "store"))

    def call(*arguments):
        with pytest.raises(SystemExit) as left:
            main([str(a) for a in arguments])
        code = left.value.code
        out, err = capsys.readouterr()
        return Said(code if isinstance(code, int) else int(code is not None), out, err)

    return call
