"""The table of weights: a line an asset, filled from what is there, handed on as it was typed."""

import asyncio
import re

import numpy as np
import pytest

from prism_kernels import Run, find, sample
from prism_kernels.inputs import Holdings, Prices, Weights
from prism_widgets import Explorer
from prism_widgets.inputs import InputPicker
from prism_widgets.positions_table import PositionsTable

FIVE = "MTUM=0.2, QUAL=0.2, SIZE=0.2, USMV=0.2, VLUE=0.2"


def table(numbers=None, kind=Weights):
    found = PositionsTable(kind, "weights")
    found.fill(numbers or {})
    return found


def page(**data):
    return Explorer("finance.risk", "factor_etfs", **data)


def choose(one, way):
    one._way.value = (way, "")


def test_a_table_is_handed_on_as_text():
    one = table({"A": 0.25, "B": 3, "C": 1 / 3})
    assert one.text == "A=0.25, B=3, C=0.3333333333333333"
    assert Weights.of(one.text).values[2] == 1 / 3
    one._lines[1][1].value = " half "
    one._lines[2][0].value = ""
    assert one.text == "A=0.25, B=half, =0.3333333333333333"


def test_a_text_is_written_into_the_table_right_or_wrong():
    one = table()
    one.write("A=0.5; B = half,=3,")
    assert one.text == "A=0.5, B=half, =3"


def test_empty_lines_are_no_assets():
    one = table()
    assert one.text == ""
    one._added()
    assert len(one._lines) == 3
    one._lines[2][0].value, one._lines[2][1].value = "A", "1"
    assert one.text == "A=1"


def test_every_entry_has_a_label_of_its_own():
    one = table({"A": 1, "B": 2})
    assert [e.label for line in one._lines for e in line] == ["Asset 1", "Weight 1", "Asset 2", "Weight 2"]


def test_the_sum_of_weights_stands_below_them_and_that_of_shares_does_not():
    one = table({"A": 0.25, "B": 0.5})
    assert "Together 0.75" in one._total.object
    one._lines[0][1].value = "x"
    assert "Together" not in one._total.object
    assert "Together" not in table({"A": 1}, Holdings)._total.object


def test_equal_weights_keep_the_names():
    one = table({"A": 0.25, "B": 0.5})
    one._evened()
    assert one.text == "A=0.5, B=0.5"
    empty = table()
    empty._evened()
    assert empty.text == ""


def test_many_assets_are_lines_of_text_that_a_spreadsheet_can_be_pasted_into():
    one = table({f"S{k}": 0.02 for k in range(50)})
    assert one._lines == []
    assert Weights.of(one.text).assets == tuple(f"S{k}" for k in range(50))
    one._area.value = "A\t0.5\n\nB=0.5\nC"
    assert one.text == "A=0.5, B=0.5, =C"
    one._added()
    assert one._area.value.endswith("\n")
    one._evened()
    assert one.text == "A=0.5, B=0.5"


# ---- in a picker -----------------------------------------------------------------------------------------------------


def test_only_weights_and_their_like_have_a_table():
    data = find("finance.allocate").data
    offered = {n: "A table …" in InputPicker(d)._way.options for n, d in data.items()}
    assert offered == {"weights": True, "prices": False, "holdings": True}


def test_a_table_begins_with_what_was_picked_before():
    picker = page(weights="factor_etfs_equal").pickers["weights"]
    choose(picker, "table")
    assert picker.value.value == FIVE
    assert picker.value.read().digest == Weights.of(FIVE).digest


def test_an_empty_table_lists_the_assets_of_the_prices_beside_it():
    one = page()
    choose(one.pickers["weights"], "table")
    assert one.pickers["weights"].value.value == FIVE
    held = Explorer("finance.allocate", prices="factor_etfs", capital=1000.0).pickers["holdings"]
    choose(held, "table")
    assert held.value.value == "MTUM=0, QUAL=0, SIZE=0, USMV=0, VLUE=0"


def test_a_table_beside_data_that_cannot_be_read_is_empty(tmp_path):
    one = page()
    path = tmp_path / "bad.csv"
    path.write_text("x")
    one.pickers["returns"].pick(path)
    choose(one.pickers["weights"], "table")
    assert one.pickers["weights"].value is None
    assert one.pickers["weights"]._table.text == ""


def test_a_table_is_filled_off_the_event_loop():
    async def filled():
        picker = page().pickers["weights"]
        choose(picker, "table")
        before = picker.value
        for _ in range(200):
            await asyncio.sleep(0.02)
            if picker.value is not None:
                break
        return before, picker.value.value

    assert asyncio.run(filled()) == (None, FIVE)


def test_what_was_typed_stays_when_another_way_was_looked_at():
    picker = page(weights="factor_etfs_equal").pickers["weights"]
    choose(picker, "table")
    picker._table._lines[0][1].value = "0.6"
    choose(picker, "file")
    assert picker.value is None
    choose(picker, "table")
    assert picker.value.value.startswith("MTUM=0.6")


def test_a_page_computes_what_the_table_says_and_says_it_as_code_command_and_link():
    one = page(weights="MTUM=0.5, VLUE=0.5")
    assert one.pickers["weights"]._way.value == ("table", "")
    run = one.run()
    assert isinstance(run, Run)
    np.testing.assert_array_equal(run.result.weights, [0.5, 0, 0, 0, 0.5])
    assert "weights=Weights.resolve('MTUM=0.5, VLUE=0.5')" in run.as_python()
    assert "from prism_kernels.inputs import Weights" in run.as_python()
    assert "--data 'weights=MTUM=0.5, VLUE=0.5'" in run.as_command()
    assert "weights='MTUM=0.5, VLUE=0.5'" in run.as_dashboard()
    other = page(weights="factor_etfs_equal")
    other.follow(re.fullmatch(r"run=(.*)", _unquoted(one.link()))[1])
    assert other.pickers["weights"].value.value == "MTUM=0.5, VLUE=0.5"


def _unquoted(link):
    from urllib.parse import unquote_plus

    return unquote_plus(link)


@pytest.mark.parametrize("text", ["MTUM=half", "=1", "MTUM=1, MTUM=1"])
def test_a_link_with_weights_that_cannot_be_read_says_so(text):
    one = page(weights="factor_etfs_equal")
    link = _unquoted(one.link())[4:].replace("factor_etfs_equal", text)
    one.follow(link)
    assert "is no sample or dataset here" in one._notice.object
    assert one.pickers["weights"].value.value == "factor_etfs_equal"


@pytest.mark.parametrize(
    ("line", "typed", "sentence"),
    [
        (1, "", "weights has 'MTUM=' where NAME=weight belongs; write AAPL=0.6, MSFT=0.4"),
        (1, "20%", "weights has 'MTUM=20%' where NAME=weight belongs; write AAPL=0.6, MSFT=0.4"),
        (1, "nan", "weights has no number for MTUM; give each asset a finite weight, 0 for none"),
        (0, "QUAL", "weights names 'QUAL' twice; give each asset one row"),
        (0, "MTUN", "weights names 'MTUN', which is not among the 5 assets; did you mean 'MTUM'?"),
    ],
)
def test_what_is_typed_wrongly_is_told_beside_the_table_and_stays(line, typed, sentence):
    one = page(weights="factor_etfs_equal")
    one.run()
    result, picker = one.result, one.pickers["weights"]
    choose(picker, "table")
    picker._table._lines[0][line].value = typed
    assert asyncio.run(one.start()) is None
    assert str(one.job.error) == sentence
    assert sentence.replace("'", "&#x27;") in picker._note._pane.object
    assert one.result is result
    assert picker._table._lines[0][line].value == typed


def test_variables_of_a_notebook_may_be_mappings_of_numbers(monkeypatch):
    import types

    from prism_widgets import inputs

    shell = types.SimpleNamespace(user_ns={"w": {"A": 0.5}, "words": {"A": "b"}, "p": Prices.of(sample("factor_etfs"))})
    monkeypatch.setitem(inputs.sys.modules, "IPython", types.SimpleNamespace(get_ipython=lambda: shell))
    assert set(inputs._variables()) == {"w", "p"}
