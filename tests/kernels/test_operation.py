"""The decorator: what it accepts, what it refuses and in which words, and what it keeps of the function."""

import functools
import inspect
import pickle
import typing
from dataclasses import dataclass
from typing import Annotated, Literal

import numpy as np
import pytest
from annotated_types import Ge, Gt, Le, Lt
from jaxtyping import Float

from prism_kernels import InvalidInput, Result, Series, find, operation, operations, run, sample
from prism_kernels.arrays import Array
from prism_kernels.inputs import AnySeries
from prism_kernels.operation import Operation, _registry


@dataclass(frozen=True)
class Limits:
    low: Annotated[float, Ge(0)] = 0.0
    high: Annotated[float, Le(1)] = 1.0


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class Scaled(Result):
    values: Float[Array, "series time"]
    factor: float


@operation("tests.scale", example={"y": "nile"})
def scale(
    y: AnySeries,
    other: AnySeries | None = None,
    *,
    factor: Annotated[float, Gt(0), Lt(10)] = 1.0,
    method: Literal["plain", "robust"] = "plain",
    span: tuple[int, int, int] = (1, 1, 1),
    levels: tuple[Annotated[float, Gt(0), Lt(1)], ...] = (0.8,),
    penalty: Literal["bic"] | float = "bic",
    flag: bool = False,
    season: Annotated[int, Ge(1)] | None = None,
    limits: Limits = Limits(),
) -> Scaled:
    """Multiply a series.

    Parameters
    ----------
    y
        Any series.
    other
        Another one.
    factor
        What to multiply by.
    method, span, levels, penalty, flag, season, limits
        Settings of every kind.
    """
    series = Series.of(y)
    return Scaled(values=series.values * factor, factor=factor, axes={"series": series.names})


@operation("tests.needs")
def needs(y: AnySeries, *, h: Annotated[int, Ge(1)]) -> Scaled:
    """Need a setting."""
    return Scaled(values=Series.of(y).values, factor=float(h))


# Other test files ask the registry for all there is, so these two are in it only while a test of this file runs.
MADE_UP = {name: _registry.pop(name) for name in ("tests.scale", "tests.needs")}


@pytest.fixture(autouse=True)
def _registered(monkeypatch):
    for name, row in MADE_UP.items():
        monkeypatch.setitem(_registry, name, row)


def test_a_call_without_settings_uses_the_defaults():
    assert scale([1.0, 2.0]).factor == 1.0


def test_the_body_gets_numbers_lists_and_groups_as_it_declares_them():
    settings = find(scale).validate(
        {"factor": np.float64(2.5), "span": [1, 2, 3], "levels": np.array([0.5, 0.9]), "limits": {"low": 0.25}}
    )
    assert settings == {"factor": 2.5, "span": (1, 2, 3), "levels": (0.5, 0.9), "limits": Limits(low=0.25)}
    assert isinstance(settings["limits"], Limits)


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ({"factor": 95}, "factor must be a number above 0 and below 10, and 95 was given"),
        ({"factor": "0.95"}, "factor must be a number above 0 and below 10, and '0.95' was given"),
        ({"factor": True}, "factor must be a number above 0 and below 10, and True was given"),
        ({"factor": float("nan")}, "factor must be a number above 0 and below 10, and nan was given"),
        ({"factor": float("inf")}, "factor must be a number above 0 and below 10, and inf was given"),
        ({"method": "robst"}, "method must be one of 'plain', 'robust', and 'robst' was given; did you mean 'robust'?"),
        ({"span": (1, 2)}, "span must be three whole numbers, and (1, 2) was given"),
        ({"span": [1, 2]}, "span must be three whole numbers, and (1, 2) was given"),
        ({"factor": np.float64(95)}, "factor must be a number above 0 and below 10, and 95.0 was given"),
        ({"levels": np.array([1.0])}, "levels must be a list of numbers above 0 and below 1, and (1.0,) was given"),
        ({"span": (1, 2, 3.5)}, "span must be three whole numbers, and (1, 2, 3.5) was given"),
        ({"levels": (0.5, 1.0)}, "levels must be a list of numbers above 0 and below 1, and (0.5, 1.0) was given"),
        ({"penalty": "aic"}, "penalty must be 'bic' or a number, and 'aic' was given"),
        ({"flag": 1}, "flag must be true or false, and 1 was given"),
        ({"season": 0}, "season must be a whole number at least 1 or nothing (null), and 0 was given"),
        ({"limits": {"low": -1.0}}, "limits.low must be a number at least 0, and -1.0 was given"),
        ({"limits": {"lo": 1.0}}, "limits has no 'lo'; did you mean 'low'?"),
        ({"facto": 1.0}, "tests.scale has no setting 'facto'; did you mean 'factor'?"),
        ({"factor": object()}, "factor must be a number above 0 and below 10, and <object object"),
    ],
)
def test_a_setting_that_breaks_its_rule_is_refused_in_one_sentence(given, sentence):
    with pytest.raises(InvalidInput) as refused:
        scale([1.0, 2.0], **given)
    assert str(refused.value).startswith(sentence)
    assert refused.value.field == next(iter(given))


@pytest.mark.parametrize(
    ("given", "hint"),
    [
        ({"level": 0.9}, "; write [0.9]"),
        ({"level": np.float64(0.9)}, "; write [0.9]"),
        ({"level": "0.8, 0.9"}, "; write [0.8,0.9]"),
        ({"order": "1,1,1"}, "; write [1,1,1]"),
        ({"order": "(1, 0, 1)"}, "; write [1,0,1]"),
        ({"season_length": "4,12"}, "; write [4,12]"),
        ({"level": 95}, ""),  # no list of that is allowed either
        ({"level": True}, ""),
        ({"level": "9" * 400}, ""),
        ({"order": "1,1"}, ""),
        ({"order": 1}, ""),
        ({"order": "1,1,a"}, ""),
    ],
)
def test_what_was_meant_for_a_list_is_written_as_one(given, hint):
    with pytest.raises(InvalidInput) as refused:
        find("timeseries.forecast").validate({"h": 1, **given})
    assert str(refused.value).endswith(f" was given{hint}")


@pytest.mark.parametrize(
    ("operation", "given", "where"),
    [
        ("timeseries.trend", {"penalty": "aic"}, ""),
        ("timeseries.forecast", {"h": 1, "season_length": 0}, ""),
        ("timeseries.forecast", {"h": 1, "season_length": [1]}, ""),
        ("timeseries.forecast", {"h": 1, "level": [0.5, 2]}, "1"),
        ("timeseries.forecast", {"h": 1, "order": [1, 9, 1]}, "1"),
        ("timeseries.forecast", {"h": 0}, ""),
    ],
)
def test_a_place_is_one_of_the_setting_and_not_of_the_library_that_checks_it(operation, given, where):
    with pytest.raises(InvalidInput) as refused:
        find(operation).validate(given)
    assert refused.value.where == where


def test_a_missing_setting_is_named_with_its_rule():
    with pytest.raises(InvalidInput, match=r"^tests.needs needs h, a whole number at least 1$"):
        needs([1.0])


@pytest.mark.parametrize("call", [needs, functools.partial(run, "tests.needs")])
def test_missing_data_is_named_with_its_samples_and_the_nearest_name(call):
    with pytest.raises(InvalidInput, match=r"^tests\.needs needs y: .*samples are co2, elnino"):
        call(h=1)
    with pytest.raises(InvalidInput, match=r"^tests\.needs needs y: "):
        call(None, h=1)
    with pytest.raises(InvalidInput, match=r"^tests\.needs needs y: .*did you mean 'y'\?$"):
        call(h=1, yy=[1.0])


def test_data_and_settings_are_told_apart_by_annotation():
    row = find(scale)
    assert {n: d.required for n, d in row.data.items()} == {"y": True, "other": False}
    assert list(row.rules) == ["factor", "method", "span", "levels", "penalty", "flag", "season", "limits"]
    assert row.data["other"].kind is Series


def test_the_wrapper_keeps_signature_docstring_and_pickles():
    assert "factor" in inspect.signature(scale).parameters
    assert find(scale).summary == "Multiply a series."
    assert find(scale).documentation["span"] == "Settings of every kind."
    assert pickle.loads(pickle.dumps(scale)) is scale or pickle.loads(pickle.dumps(scale)).__name__ == "scale"


def test_the_settings_model_is_named_after_the_operation_and_described_by_the_docstring():
    schema = find(scale).settings.model_json_schema()
    assert schema["title"] == "TestsScaleSettings"
    assert schema["properties"]["factor"]["description"] == "What to multiply by."
    assert schema["properties"]["factor"]["exclusiveMaximum"] == 10


def test_an_unknown_operation_names_the_nearest():
    with pytest.raises(InvalidInput, match="no operation is called 'tests.scal'; did you mean 'tests.scale'"):
        find("tests.scal")


def test_a_plain_function_becomes_an_operation_without_registering():
    def double(y: AnySeries, *, times: Annotated[int, Ge(1)] = 2) -> Scaled:
        """Double it."""
        return Scaled(values=Series.of(y).values * times, factor=float(times))

    row = find(double)
    assert isinstance(row, Operation)
    assert row.name not in operations()
    assert row.resolve({"times": 3}) == {"times": 3}


def test_a_positional_parameter_that_is_no_data_is_refused_when_read():
    def wrong(y: AnySeries, factor: float = 1.0) -> Scaled:
        """Hide a setting."""
        return Scaled(values=Series.of(y).values, factor=factor)

    with pytest.raises(TypeError, match="factor is neither data .* nor a setting"):
        _ = find(wrong).rules


def test_an_annotation_outside_the_table_raises():
    def wrong(y: AnySeries, *, anything: complex = 1j) -> Scaled:
        """Take anything."""
        return Scaled(values=Series.of(y).values, factor=1.0)

    with pytest.raises(TypeError, match="anything is annotated .*complex.*no control"):
        _ = find(wrong).rules


def test_a_name_without_a_domain_is_refused():
    with pytest.raises(ValueError, match="named domain.verb"):
        operation("scale")(lambda: None)


# ---- every registered operation -------------------------------------------------------------------------------------

REGISTERED = list(operations())


@pytest.mark.parametrize("name", REGISTERED)
def test_each_parameter_is_documented(name):
    row = find(name)
    missing = [p for p in (*row.data, *row.rules) if not row.documentation.get(p)]
    assert not missing
    assert row.summary.endswith(".")


@pytest.mark.parametrize("name", REGISTERED)
def test_each_default_holds_its_own_rule(name):
    row = find(name)
    needed = {k: row.example[k] for k in row._required}
    assert set(row.validate({**row.defaults, **needed})) == set(row.rules)


@pytest.mark.parametrize("name", REGISTERED)
def test_each_result_is_frozen_and_says_what_its_fields_are(name):
    kind = find(name).result
    assert issubclass(kind, Result)
    assert kind.__dataclass_params__.frozen
    undocumented = [f for f, about in kind.describe_fields().items() if not about["description"]]
    assert not undocumented
    hints = typing.get_type_hints(kind, include_extras=True)
    assert not [f for f, h in hints.items() if h is np.ndarray]


@pytest.mark.parametrize("name", REGISTERED)
def test_each_example_runs_and_its_result_goes_out_every_way(name):

    row = find(name)
    data = {k: sample(v) for k, v in row.example.items() if k in row.data}
    settings = {k: v for k, v in row.example.items() if k in row.rules}
    done = run(name, **data, **settings)
    assert isinstance(done.result, row.result)
    assert len(done.result.to_frame()) > 0
    assert done.result.to_json().startswith("{")
    assert type(done.result).__name__ in done.result._repr_html_()
    assert row.tolerance > 0
