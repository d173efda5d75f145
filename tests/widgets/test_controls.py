"""Settings become controls: each operation's settings come back as they went in, and refusals stand beside them."""

import datetime
from dataclasses import dataclass
from typing import Annotated, Literal

import pytest
from annotated_types import Ge, Gt, Le, Lt, MinLen
from hypothesis import given
from hypothesis import strategies as st

from prism_kernels import AnySeries, InvalidInput, find, operations
from prism_kernels.rules import Choice, Number, rule_of
from prism_widgets.control import initial_of, plain
from prism_widgets.controls import SettingsForm, control_for, title_of
from prism_widgets.controls_plain import span_of


@dataclass(frozen=True)
class Limits:
    """Limits of a tank.

    Attributes
    ----------
    low
        Lowest level, in m.
    high
        Highest level, in m.
    """

    low: float = 0.0
    high: Annotated[float, Le(10)] = 1.0


def everything(
    y: AnySeries,
    *,
    bounded: Annotated[float, Ge(0), Le(1)] = 0.25,
    open_ends: Annotated[float, Gt(0), Lt(0.5)] = 0.01,
    below: Annotated[int, Ge(1)] = 12,
    free: float = -3.5,
    kind: Literal["a", "b", "c", "d"] = "b",
    numbers: Literal[1, 2, 3] = 2,
    flag: bool = True,
    text: str = "abc",
    day: datetime.date = datetime.date(2024, 12, 31),
    many: tuple[float, ...] = (0.8, 0.95),
    words: tuple[str, ...] = ("x", "y"),
    picks: tuple[Literal["u", "v"], ...] = ("u",),
    pair: tuple[int, int, int] = (1, 0, 2),
    optional: Annotated[int, Ge(1)] | None = None,
    penalty: Literal["bic", "aic"] | Annotated[float, Gt(0)] = "bic",
    period: int | tuple[int, ...] | None = None,
    limits: Limits = Limits(),
    table: Annotated[tuple[Limits, ...], MinLen(1)] = (Limits(), Limits(low=0.5)),
) -> float:
    """Do nothing with everything.

    Parameters
    ----------
    y
        A series.
    below
        How many periods, in months.
    """
    return 0.0


@pytest.fixture
def form():
    return SettingsForm(find(everything))


@pytest.mark.parametrize("name", operations())
def test_the_settings_of_every_operation_come_back_as_their_defaults(name):
    row = find(name)
    first = {n: v for n, v in row.example.items() if n in row.rules}
    form = SettingsForm(row, first)
    assert set(form.controls) == set(row.rules)
    assert form.check()
    expected = row.resolve({**form.given()})
    assert expected == {**row.defaults, **row.validate(first)}


@pytest.mark.parametrize("name", operations())
def test_every_control_of_every_operation_has_a_label_and_help(name):
    form = SettingsForm(find(name), {n: v for n, v in find(name).example.items() if n in find(name).rules})
    for setting, control in form.controls.items():
        assert control.label == title_of(setting)
        assert control.about == plain(find(name).documentation[setting])
        assert control.about


def test_untouched_settings_are_not_given(form):
    assert form.given() == {}
    assert form.check()


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("bounded", 0.75),
        ("open_ends", 0.2),
        ("below", 400),
        ("free", 1e-7),
        ("kind", "d"),
        ("numbers", 3),
        ("flag", False),
        ("text", "zürich"),
        ("day", datetime.date(2000, 2, 29)),
        ("many", (0.5,)),
        ("many", ()),
        ("words", ("p", "q", "r")),
        ("picks", ("u", "v")),
        ("pair", (3, 1, 4)),
        ("optional", 7),
        ("optional", None),
        ("penalty", "aic"),
        ("penalty", 2.5),
        ("period", 12),
        ("period", (7, 365)),
        ("period", None),
        ("limits", Limits(low=-1.0, high=5.0)),
        ("table", (Limits(low=2.0), Limits(), Limits(high=3.0))),
    ],
)
def test_a_value_put_into_a_control_comes_back(form, name, value):
    form.set(**{name: value})
    default = find(everything).defaults[name]
    assert form.given() == ({} if value == default else {name: form.values()[name]})
    assert find(everything).resolve(form.given())[name] == value


def test_typing_into_an_entry_changes_the_value_and_moves_the_slider(form):
    control = form.controls["bounded"]
    control._entry.value = "0.5"
    assert control.value == 0.5
    assert control._slider.value == 0.5


def test_sliding_changes_the_value_and_the_entry(form):
    control = form.controls["bounded"]
    control._slider.value = 0.3
    assert control.value == 0.3
    assert control._entry.value == "0.3"


def test_a_number_beyond_a_soft_end_stretches_the_slider(form):
    control = form.controls["below"]
    assert (control._slider.start, control._slider.end, control._slider.step) == (1, 45, 1)
    control._entry.value = "100"
    assert control.value == 100
    assert control._slider.end == 100


@given(st.floats(0, 1), st.floats(1.5, 1e6), st.booleans())
def test_a_slider_keeps_its_bounds(low, high, is_open):
    rule = Number(whole=False, low=low, high=high, low_open=is_open, high_open=is_open)
    first, last, step = span_of(rule, (low + high) / 2)
    assert first > low if is_open else first == low
    assert last < high if is_open else last == high
    assert 0 < step <= (high - low) / 50


def test_switching_an_optional_setting_on_gives_it_a_value_and_off_takes_it_away(form):
    control = form.controls["optional"]
    control._switch.value = True
    assert control.value == 1
    control._switch.value = False
    assert control.value is None


def test_choosing_a_number_among_choices_opens_an_entry(form):
    control = form.controls["penalty"]
    control._switch.value = (1, None)
    assert control.value == 1.0
    control._inner[1]._entry.value = "4.5"
    assert form.given() == {"penalty": 4.5}
    control._switch.value = (0, "aic")
    assert form.given() == {"penalty": "aic"}


def test_a_row_can_be_added_to_a_table_and_taken_away(form):
    control = form.controls["table"]
    control._add.param.trigger("clicks")
    assert len(control.value) == 3
    control._removed(control._rows[0])
    assert len(control.value) == 2
    assert find(everything).resolve(form.given())["table"] == (Limits(low=0.5), Limits())


@pytest.mark.parametrize(
    ("name", "typed"),
    [
        ("bounded", "7"),
        ("below", "zwölf"),
        ("below", "1.5"),
        ("below", ""),
        ("free", "nan"),
        ("many", "0.8, x"),
        ("day", "31.12."),
    ],
)
def test_what_is_typed_wrong_is_refused_in_the_words_of_the_operation(form, name, typed):
    control = form.controls[name]
    control._entry.value = typed
    assert not form.check()
    with pytest.raises(InvalidInput) as refused:
        find(everything).validate({name: control.value})
    assert control._entry.helper_text == str(refused.value)
    assert control._entry.error_state
    assert form.values()[name] is control.value  # kept as typed, never mended
    control._entry.value = control._written(find(everything).defaults[name])
    assert form.check()
    assert not control._entry.error_state


def test_a_refusal_inside_a_group_stands_beside_its_field(form):
    form.controls["limits"]._parts["high"]._entry.value = "11"
    assert not form.check()
    assert "limits.high must be" in form.controls["limits"]._parts["high"]._entry.helper_text
    assert form.controls["limits"]._parts["low"]._entry.helper_text == "Lowest level, in m."


def test_a_table_of_too_few_rows_is_refused_below_the_table(form):
    form.controls["table"].value = ()
    assert not form.check()
    assert "table must be a list of 1 or more" in form.controls["table"]._note._pane.object


def test_a_sentence_is_written_as_text_not_as_markup(form):
    control = form.controls["flag"]
    control.refuse("<script>alert(1)</script>")
    assert "<script>" not in control._note._pane.object
    assert "&lt;script&gt;" in control._note._pane.object


def test_a_rule_outside_the_table_raises():
    class Strange:
        pass

    with pytest.raises(TypeError, match="no control is known"):
        control_for(Strange(), label="strange", value=1)


def test_an_unknown_first_setting_is_refused_with_the_nearest():
    with pytest.raises(InvalidInput, match="did you mean 'season_length'"):
        SettingsForm(find("timeseries.metrics"), {"seasn_length": 3})


def test_hidden_settings_keep_what_they_hold_without_a_control():
    form = SettingsForm(find(everything), {"below": 5}, hidden=("below",))
    assert "below" not in form.controls
    assert form.given() == {"below": 5}


def test_initial_values_keep_their_rule():
    row = find(everything)
    row.validate({name: initial_of(rule) for name, rule in row.rules.items()})
    assert initial_of(rule_of(Annotated[int, Ge(3)])) == 3
    assert 0 < initial_of(rule_of(Annotated[float, Gt(0), Lt(0.5)])) < 0.5
    assert initial_of(rule_of(Annotated[float, Lt(0)])) < 0
    assert initial_of(Choice(("q", "r"))) == "q"
