"""``prism publish``, ``unpublish`` and ``published``."""

import json

import pytest

import prism_kernels.data
from prism_lab.versions import add


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.setenv("PRISM_PUBLISHED", str(tmp_path / "published"))
    monkeypatch.setenv("PRISM_DATA", str(tmp_path / "data"))
    return tmp_path / "published"


def test_a_dashboard_is_published_listed_rolled_back_and_taken_down(prism, tmp_path, folder):
    assert prism("published").out == "nothing is published yet; prism publish NOTEBOOK does it\n"
    prism_kernels.data.save(prism_kernels.sample("nile"), "flow")
    found = prism_kernels.run("timeseries.trend", prism_kernels.data.load("flow"))
    (tmp_path / "trend.ipynb").write_text(found.as_dashboard())
    done = prism("publish", "trend.ipynb")
    assert done.code == 2
    assert (
        "no dataset called 'flow' is shared with readers; whoever owns it shares it with: prism data share" in done.err
    )
    prism("data", "share", "flow")
    done = prism("publish", "trend.ipynb", "--title", "The Nile", "--name", "nile")
    assert done.code == 0, done.err
    assert "nile version 1 is published: The Nile\n" in done.out
    assert "; changed " in done.out
    assert str(folder / "nile" / "versions" / "1" / "nile.ipynb") in done.out
    add(folder, "nile", {"nile.ipynb": b"{}"}, {"title": "Newer", "published": "2024-01-01", "who": "ann"})
    listed = prism("published").out
    assert "nile  version 2\n" in listed
    assert "  *   2  2024-01-01  ann  Newer\n" in listed
    assert prism("publish", "--activate", "1", "nile").out == "readers of nile get version 1 from now on\n"
    (entry,) = json.loads(prism("published", "--json").out)
    assert (entry["name"], entry["active"], entry["versions"]["1"]["title"]) == ("nile", 1, "The Nile")
    brings = "nile is no longer published; prism publish --activate 1 nile brings it back\n"
    assert prism("unpublish", "nile").out == brings
    assert "nile  not published now\n" in prism("published").out
    other = tmp_path / "other"
    assert "nothing is published yet" in prism("published", "--folder", other).out


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("publish", "gone.ipynb"), "gone.ipynb cannot be read: No such file or directory"),
        (("publish", "notes.txt"), "notes.txt is not a notebook; name a file that ends in .ipynb"),
        (("publish", "a b.ipynb"), "--name 'a b' cannot stand in a link; use up to 64 letters, digits, - and _"),
        (("publish", "a.ipynb", "--timeout", "0"), "--timeout must be more than 0 and at most 3600 seconds, and 0 was"),
        (("publish", "a.ipynb", "--data-root", "gone"), "data_root gone is not a folder; name one that exists"),
        (("publish", "a.ipynb", "--allow-url", "*"), "allow_url '*' is no pattern of addresses; write one such as"),
        (("publish", "--activate", "3", "nile"), "nile has no version 3; there are 1"),
        (("publish", "--activate", "1", "nil"), "; did you mean 'nile'?"),
        (("unpublish", "nil"), "; did you mean 'nile'?"),
    ],
)
def test_what_cannot_be_is_refused_in_one_sentence(prism, folder, arguments, sentence):
    add(folder, "nile", {"nile.ipynb": b"{}"}, {"title": "The Nile"})
    done = prism(*arguments)
    assert done.code == 2
    assert sentence in done.err
    assert done.err.count("\n") == 1


def test_the_help_says_what_is_checked_and_what_is_not(prism):
    said = " ".join(prism("publish", "--help").out.split())
    for words in (
        "--data-root",
        "--allow-url",
        "starts a program",
        "Landlock",
        "is prevented and not told",
        "Nobody checks",
    ):
        assert words in said
