"""Conditions on key numbers: read, never run; refused where they can never hold."""

import operator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from prism_kernels.errors import InvalidInput
from prism_lab.reports.expectation import bare_name, check_names, holds, judge, read, unknown

SIGNS = {"<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge, "==": operator.eq, "!=": operator.ne}


@given(
    st.from_regex(r"[a-z]\w{0,8}(\[[ -~]{0,12}\])?", fullmatch=True),
    st.sampled_from(sorted(SIGNS)),
    st.floats(allow_nan=False, allow_infinity=False),
    st.floats(allow_nan=False, allow_infinity=False),
    st.sampled_from(["", " ", "  "]),
)
def test_a_condition_means_what_python_means_by_it(name, sign, limit, value, gap):
    one = read(f"{gap}{name}{gap}{sign}{gap}{limit!r}{gap}")
    assert (one.name, one.sign, one.limit) == (name, sign, limit)
    (verdict,) = judge([one], {name: value}, "r")
    assert verdict == {
        "condition": f"{name}{gap}{sign}{gap}{limit!r}",
        "name": name,
        "value": value,
        "holds": SIGNS[sign](value, limit),
        "error": "",
    }


@pytest.mark.parametrize(
    "text",
    ["", "mase", "mase <", "< 1", "mase = 1", "mase < x", "mase < nan", "mase < inf", "a < 1 < 2", "a => 1", "a < 1;b"],
)
def test_anything_else_is_refused_with_an_example(text):
    with pytest.raises(InvalidInput) as refused:
        read(text)
    sentence = f"--expect takes NAME SIGN NUMBER, as in 'mase < 1.2', and {text!r} was given; signs are <= >= == != < >"
    assert str(refused.value) == sentence


def test_a_name_without_series_speaks_of_each_of_them():
    verdicts = judge([read("mase < 1")], {"mase[a]": 0.5, "mase[b]": 1.5, "maser[c]": 9.0}, "r")
    assert [(v["name"], v["holds"]) for v in verdicts] == [("mase[a]", True), ("mase[b]", False)]
    assert not holds(verdicts)
    assert holds(judge([read("mase < 2"), read("maser[c] == 9")], {"mase[a]": 0.5, "maser[c]": 9.0}, "r"))
    assert [v["name"] for v in judge([read("mase < 1")], {"mase": 0.5, "mase[b]": 1.5}, "r")] == ["mase"]


@pytest.mark.parametrize("sign", SIGNS)
def test_a_number_that_is_not_finite_meets_no_condition(sign):
    assert not holds(judge([read(f"mase {sign} 1")], {"mase": None}, "r"))


def test_a_name_that_is_not_there_is_told_with_the_nearest_and_the_known():
    verdicts = judge([read("mas < 1")], {"mase": 0.5, "bias": 0.0}, "forecast")
    sentence = "--expect 'mas < 1': report forecast has no key number 'mas'; did you mean 'mase'? known are bias, mase"
    assert unknown(verdicts) == sentence
    assert not holds(verdicts)
    assert unknown(judge([read("mas < 1")], {}, "r")).endswith("it has none")


def test_names_are_checked_before_the_run_where_they_are_known():
    fine = [read("mase[x] < 1"), read("mean of lo < 1"), read("timeseries.forecast: mase[a: b] < 1"), read("mase < 1")]
    check_names(fine, ["mase", "lo"], "r")
    check_names([read("anything < 1")], None, "r")
    with pytest.raises(InvalidInput, match="--expect 'mas < 1': report r has no key number 'mas'; did you mean 'mase'"):
        check_names([*fine, read("mas < 1")], ["mase", "lo"], "r")
    assert bare_name("timeseries.forecast: mase[a: b]") == "mase"
