"""One dataset is the same numbers on every surface, and is refused in the same sentence once it changed."""

import json
from html import unescape
from pathlib import Path
from urllib.parse import parse_qsl

import pytest

import prism_kernels
from prism_cli import main
from prism_kernels import InvalidInput, Series, data, sample
from prism_kernels.verify import verify
from prism_widgets import Explorer, sharing

pytestmark = [
    # pyzmq opens its sockets without a loop of its own on Python 3.11 and says so at exit
    pytest.mark.filterwarnings("ignore:.*Proactor event loop.*:RuntimeWarning"),
]

OPERATION = "timeseries.trend"


@pytest.fixture(autouse=True)
def sales(tmp_path, monkeypatch):
    """A catalogued file of one yearly series."""
    monkeypatch.setenv("PRISM_DATA", str(tmp_path / "catalogue"))
    monkeypatch.setenv("PRISM_STORE", str(tmp_path / "store"))
    work = tmp_path / "work"
    work.mkdir()
    monkeypatch.chdir(work)
    path = work / "sales.csv"
    sample("nile").rename("sales").rename_axis("ds").to_csv(path)
    data.add("sales", path)
    return path


def prism(*arguments):
    with pytest.raises(SystemExit) as left:
        main([str(a) for a in arguments])
    return left.value.code


def by_run():
    return prism_kernels.run(OPERATION, Series.resolve("sales"), method="mann_kendall").provenance.to_dict()


def by_command():
    assert prism("run", OPERATION, "--data", "y=sales", "--set", "method=mann_kendall", "--out", "made.json") == 0
    return json.loads(Path("made.json").read_text())["provenance"]


def by_report():
    assert prism("report", "run", OPERATION, "-p", "y=sales", "-p", "method=mann_kendall", "--out", "made") == 0
    return json.loads(Path(f"made/{OPERATION}.json").read_text())


def by_page():
    return Explorer(OPERATION, "sales", method="mann_kendall").run().provenance.to_dict()


@pytest.mark.parametrize("surface", [by_run, by_command, by_report, by_page])
def test_a_dataset_is_the_same_numbers_on_every_surface(surface, sales):
    found = surface()["inputs"]["y"]
    assert found["source"] == "load('sales')"
    assert found["sha256"] == Series.of(sales).digest


def sentence_of(call):
    with pytest.raises(InvalidInput) as refused:
        call()
    return str(refused.value)


@pytest.mark.parametrize("fault", ["changed", "vanished"])
def test_a_dataset_that_is_no_longer_what_it_was_is_refused_in_one_sentence(fault, sales, capsys):
    saved = prism_kernels.run(OPERATION, Series.resolve("sales"), method="mann_kendall").save("run.prism")
    assert verify(saved).verdict == "agrees"
    if fault == "changed":
        sales.write_text(sales.read_text().replace("1120.0", "1121.0"))
    else:
        sales.unlink()
    said = sentence_of(lambda: Series.resolve("sales", field="y"))
    assert said.startswith("y: dataset 'sales' cannot be used: ")
    assert {"changed": "changed since it was catalogued", "vanished": "is not there; put it back"}[fault] in said
    for command in (("run", OPERATION, "--data", "y=sales"), ("report", "run", OPERATION, "-p", "y=sales")):
        assert prism(*command) == 2
        assert capsys.readouterr().err == f"prism: {said}\n"
    assert sentence_of(Explorer(OPERATION, "sales").run) == said
    found = verify(saved)
    assert found.verdict == "cannot be repeated"
    assert said.removeprefix("y: ") in found.reason
    assert said == f"y: {sentence_of(lambda: data.load('sales'))}"


@pytest.mark.parametrize("fault", ["changed", "vanished", "removed"])
def test_a_dataset_that_is_no_longer_what_it_was_is_told_beside_a_link_to_it(fault, sales):
    page = Explorer(OPERATION, "sales", method="mann_kendall", live=False)
    page.run()
    ((name, link),) = parse_qsl(page.link())
    assert name == sharing.KEY
    if fault == "changed":
        sales.write_text(sales.read_text().replace("1120.0", "1121.0"))
    elif fault == "vanished":
        sales.unlink()
    else:
        data.remove("sales")
    reader = Explorer(OPERATION, live=False)
    before = reader.pickers["y"].value.value
    reader.follow(link)
    if fault == "removed":
        assert "y is to be 'sales', which is no sample or dataset here; " in unescape(reader._notice.object)
        assert reader._notice.visible
        assert reader.pickers["y"].value.value == before
    else:
        said = sentence_of(lambda: Series.resolve("sales", field="y"))
        assert reader.pickers["y"].value.value == "sales"
        assert not reader._notice.visible
        assert sentence_of(reader.run) == said
        assert reader.job.state == "refused"
        assert reader._card.visible
        assert said in unescape(reader._card.object)
    assert reader.form.values()["method"] == "mann_kendall"
