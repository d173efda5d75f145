"""What is refused is refused in the same sentence everywhere, and leaves everything as it was."""

import asyncio
import functools
import html
import json
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

sys.path.insert(0, str(Path(__file__).parent))
import cases
from cases import BASE, OTHERS, SAMPLES
from finance_cases import FINANCE

import prism_kernels
from prism_cli import main
from prism_kernels import InvalidInput, find, sample
from prism_kernels.timeseries import forecast
from prism_lab.store import Store
from prism_widgets import Explorer
from prism_widgets.forecast_explorer import ForecastExplorer

pytestmark = [
    # pyzmq opens its sockets without a loop of its own on Python 3.11 and says so at exit
    pytest.mark.filterwarnings("ignore:.*Proactor event loop.*:RuntimeWarning"),
]

DONE, FAILED, REFUSED = 0, 1, 2
CASES = {**cases.CASES, **FINANCE}


@pytest.fixture(autouse=True)
def _place(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PRISM_STORE", str(tmp_path / "store"))


@pytest.fixture(scope="module")
def pages():
    """One page for each operation, kept from case to case, as a person keeps one open."""
    return functools.cache(_page)


def _page(operation):
    page = Explorer(operation, SAMPLES.get(operation, "nile"), **OTHERS.get(operation, {}), **BASE[operation])
    page.run()
    return page


def placed(case):
    """Write the file of a case, and return what its first data is."""
    if case.file is None:
        return case.sample
    name, content = case.file
    if content is not None:
        Path(name).write_bytes(content)
    return name


def texts(case):
    """Write the file of a case, and return what each data is: a sample, a text such as ``A=1``, or the file."""
    first = next(iter(find(case.operation).data))
    named = {first: case.sample, **OTHERS.get(case.operation, {}), **case.others}
    return {**named, case.target or first: placed(case)} if case.file else named


def values(case):
    """Return the data as a notebook has them."""
    kinds, found = find(case.operation).data, {}
    for name, text in texts(case).items():
        known = sample(text) if text in kinds[name].kind.samples() else text
        found[name] = Path(text) if case.file and text == case.file[0] else known
    return found


def files(folder="."):
    return {p: p.read_bytes() for p in Path(folder).rglob("*") if p.is_file()}


# --- the surfaces: each makes the mistake and returns the sentence


def by_function(case, pages, capsys):
    given = values(case)
    with pytest.raises(InvalidInput) as refused:
        find(case.operation).function(**given, **case.given)
    return str(refused.value)


def by_run(case, pages, capsys):
    given = values(case)
    with pytest.raises(InvalidInput) as refused:
        prism_kernels.run(case.operation, **given, **case.given)
    assert refused.value.field
    return str(refused.value)


def _options(case):
    data = [x for n, t in texts(case).items() for x in ("--data", f"{n}={t}")]
    written = {n: v if isinstance(v, str) else json.dumps(v) for n, v in case.given.items()}
    return [*data, *(x for n, t in written.items() for x in ("--set", f"{n}={t}"))]


def _prism(*arguments):
    with pytest.raises(SystemExit) as left:
        main([str(a) for a in arguments])
    return left.value.code


def by_command(case, pages, capsys):
    options = _options(case)
    Path("result.json").write_text("of an earlier run")
    before = files()
    assert _prism("run", case.operation, *options, "--out", "result.json") == REFUSED
    out, err = capsys.readouterr()
    assert files() == before
    assert out == ""
    return re.fullmatch(r"prism: (.*)\n", err)[1]


def by_report(case, pages, capsys):
    options = _options(case)
    Path("made").mkdir()
    (Path("made") / "kept.html").write_text("of an earlier report")
    before, store = files(), Store()
    code = _prism("report", "run", case.operation, *options, "--out", "made")
    _, err = capsys.readouterr()
    said = err.strip().splitlines()[-1].removeprefix("prism: ")
    if case.known != "computing":
        assert code == REFUSED
        assert {p: b for p, b in files().items() if p.parts[0] != "store"} == before
        assert store.runs() == []
        return said
    assert code == FAILED
    entry = store.runs()[0]
    assert (entry.status, said) == ("failed", f"report {case.operation} failed: {entry.error}")
    assert (Path("made") / "kept.html").read_text() == "of an earlier report"
    assert entry.error in html.unescape((Path("made") / f"{case.operation}.html").read_text())
    return entry.error


def by_page(case, pages, capsys):
    page = pages(case.operation)
    first = next(iter(page.pickers.values()))
    picker = page.pickers[case.target] if case.target else first
    result, settings = page.result, page.form.values()
    ways = {n: p._way.value for n, p in page.pickers.items()}
    if case.file is not None:
        picker.pick(Path(placed(case)))
    for name, text in case.others.items():
        page.pickers[name].pick(text)
        picker = page.pickers[name] if case.file is None else picker
    try:
        for name, value in case.settings.items():
            page.form.controls[name].value = tuple(value) if isinstance(value, list) else value
        assert asyncio.run(page.start()) is None
        assert page.result is result
        assert page._outcome.run.result is result
        assert page._status.text.startswith(("Refused.", "A setting is refused"))
        return _said_on(page, picker, case)
    finally:
        for name in case.settings:
            page.form.controls[name].value = settings[name]
        for name, way in ways.items():
            page.pickers[name]._way.value = way
        assert asyncio.run(page.start()).run.result is result  # the kept one: the page asks for what it asked before
        assert not page._card.visible
        assert _beside(page, picker, case) is None


def _said_on(page, picker, case):
    """Return the sentence beside the control; what the operation said stands on a card too."""
    beside = _beside(page, picker, case)
    if case.known != "settings":
        assert page._card.visible
        assert html.unescape(re.search(r"<br>(.*)</div>", page._card.object, re.S)[1]) == beside
    return beside


def _beside(page, picker, case):
    places = [picker] if case.known == "reading" or not case.settings else []
    places += [page.form.controls[n] for n in case.settings]
    said = [s for s in map(_alert, [*places, picker, *page.form.controls.values()]) if s]
    return said[0] if said else None


def _alert(control):
    for part in [*getattr(control, "_inner", {}).values(), control]:
        entry, note = getattr(part, "_entry", None), getattr(part, "_note", None)
        if entry is not None and entry.error_state:
            return entry.helper_text
        found = re.search(r'role="alert".*?>⚠ (.*)</div>', note._pane.object, re.S) if note is not None else None
        if found:
            return html.unescape(found[1])
    return None


SURFACES = {"function": by_function, "run": by_run, "command": by_command, "page": by_page, "report": by_report}


def _made_on(case, surface):
    """Tell where a mistake can be made; a report that takes a kernel takes seconds, so only some are made."""
    slow = surface == "report" and case.known == "computing" and not case.reported
    return surface not in case.absent and not slow


MADE = [(name, surface) for name, case in CASES.items() for surface in SURFACES if _made_on(case, surface)]


@pytest.mark.parametrize(("name", "surface"), MADE)
def test_a_mistake_is_told_in_the_same_sentence_on_every_surface(name, surface, pages, capsys):
    case = CASES[name]
    assert SURFACES[surface](case, pages, capsys) == case.sentence


def test_each_kind_of_refusal_meets_each_surface():
    for surface in SURFACES:
        assert {CASES[n].known for n, s in MADE if s == surface} == {"settings", "reading", "computing"}


# --- what has no file or no control


@pytest.mark.parametrize("name", ["a repeated date", "unsorted dates", "irregular dates", "infinite", "missing values"])
def test_a_frame_is_refused_in_the_sentence_of_its_file_and_stays_as_it_is(name):
    case = CASES[name]
    frame = pd.read_csv(placed(case), parse_dates=["date"]).set_index("date")
    before = frame.copy()
    page = Explorer(case.operation, frame["y"], **case.given)
    for call in (forecast, functools.partial(prism_kernels.run, case.operation)):
        for given in (frame, frame["y"]):
            with pytest.raises(InvalidInput) as refused:
                call(given, **case.given)
            assert str(refused.value) == case.sentence
    assert asyncio.run(page.start()) is None
    assert _alert(page.pickers["y"]) == case.sentence
    pd.testing.assert_frame_equal(frame, before)


def test_missing_data_is_named_in_one_sentence(capsys):
    calls = [forecast, functools.partial(prism_kernels.run, "timeseries.forecast")]
    said = set()
    for call in calls:
        with pytest.raises(InvalidInput) as refused:
            call(h=3)
        said.add(str(refused.value))
    for command in (["run"], ["report", "run"]):
        assert _prism(*command, "timeseries.forecast", "--set", "h=3") == REFUSED
        said.add(capsys.readouterr().err.strip().removeprefix("prism: "))
    assert len(said) == 1
    assert said.pop().startswith("timeseries.forecast needs y: Series × time")
    assert list(Path().glob("reports/*")) == []


def test_an_unknown_operation_names_the_nearest(capsys):
    sentence = "no operation is called 'timeseries.forcast'; did you mean 'timeseries.forecast'?"
    for call in (find, prism_kernels.run, Explorer):
        with pytest.raises(InvalidInput) as refused:
            call("timeseries.forcast")
        assert str(refused.value) == sentence
    assert _prism("run", "timeseries.forcast", "--data", "nile", "--set", "h=3") == REFUSED
    assert capsys.readouterr().err == f"prism: {sentence}\n"
    assert _prism("report", "run", "timeseries.forcast") == REFUSED
    assert capsys.readouterr().err == f"prism: {sentence.replace('no operation', 'no report or operation')}\n"


def test_an_unknown_setting_is_refused_by_a_page_that_is_made_with_it():
    with pytest.raises(InvalidInput) as refused:
        Explorer("timeseries.forecast", "nile", h=3, modle="ets")
    assert str(refused.value) == CASES["an unknown setting"].sentence


@pytest.mark.parametrize("typed", ["0", "-3", "2.5", "10001", "twelve", "nan", "9" * 400])
def test_what_is_typed_on_a_page_is_refused_as_on_the_command_line(typed, pages, capsys):
    page = pages("timeseries.forecast")
    entry, result = page.form.controls["h"]._entry, page.result
    entry.value = typed
    assert asyncio.run(page.start()) is None
    assert page.result is result
    assert entry.value == typed
    text = "NaN" if typed == "nan" else typed
    assert _prism("run", "timeseries.forecast", "--data", "nile", "--set", f"h={text}") == REFUSED
    assert capsys.readouterr().err == f"prism: {entry.helper_text}\n"
    entry.value = "3"


def test_the_explorer_of_forecasts_says_the_same_and_keeps_its_picture():
    case = CASES["missing values"]

    async def refused():
        page = ForecastExplorer("nile", **case.given)
        await page.start()
        view, result = page._outcome.view, page.result
        page.pickers["y"].pick(Path(placed(case)))
        assert await page.start() is None
        assert (page._outcome.view, page.result) == (view, result)
        page._leave()
        return _alert(page.pickers["y"])

    assert asyncio.run(refused()) == case.sentence


@pytest.mark.parametrize(
    ("parameter", "sentence"),
    [
        ("h=twelve", CASES["a word for a number"].sentence),
        ("h=2.5", CASES["half a period"].sentence),
        ("h=0", CASES["no horizon"].sentence),
        ("level=[0.8, 1.0]", CASES["a level of one"].sentence),
        ("model=arma", CASES["a misspelt model"].sentence),
        ("n_windows=many", "n_windows must be a whole number from 1 to 10000, and 'many' was given"),
        ("y=no.csv", CASES["a file that is not there"].sentence),
    ],
)
def test_a_parameter_of_a_report_is_refused_before_a_kernel_starts(parameter, sentence, capsys, monkeypatch):
    monkeypatch.setattr("prism_lab.reports.job.execute", lambda *_, **__: pytest.fail("a kernel was started"))
    assert _prism("report", "run", "forecast", "-p", parameter, "--out", "made") == REFUSED
    assert capsys.readouterr().err == f"prism: {sentence}\n"
    assert not Path("made").exists()
    assert Store().runs() == []


# --- what is not refused


def test_a_constant_series_is_answered_everywhere_with_the_status_constant(capsys):
    Path("flat.csv").write_text("date,y\n" + "".join(f"20{10 + k}-01-01,5\n" for k in range(30)))
    base = BASE["timeseries.forecast"]
    found = [
        forecast(Path("flat.csv"), **base),
        prism_kernels.run("timeseries.forecast", Path("flat.csv"), **base).result,
    ]
    page = Explorer("timeseries.forecast", Path("flat.csv"), **base)
    assert asyncio.run(page.start()) is not None
    for result in (*found, page.result):
        assert result.status == ("constant",)
        for field in ("mean", "lo", "hi"):
            assert (np.asarray(getattr(result, field)) == 5.0).all()
    options = [x for n, v in base.items() for x in ("--set", f"{n}={v}")]
    assert _prism("run", "timeseries.forecast", "--data", "flat.csv", *options, "--out", "r.json") == DONE
    assert json.loads(Path("r.json").read_text())["result"]["status"] == ["constant"]


def test_a_column_of_words_is_left_out_everywhere_with_a_warning(capsys):
    Path("shops.csv").write_bytes(
        cases.csv({k: f"{cases.MONTHS[k]},{cases.VALUES[k]},fine" for k in range(60)}, head="date,y,remark")
    )
    note = "column 'remark' of y was left out: it holds no numbers but texts such as 'fine'"
    base = BASE["timeseries.forecast"]
    page = Explorer("timeseries.forecast", **base)
    page.pickers["y"].pick(Path("shops.csv"))
    assert asyncio.run(page.start()) is not None
    assert note in html.unescape(page._outcome._notes.object)
    run = prism_kernels.run("timeseries.forecast", Path("shops.csv"), **base)
    for result in (forecast(Path("shops.csv"), **base), run.result, page.result):
        assert result.warnings == (note,)
    options = [x for n, v in base.items() for x in ("--set", f"{n}={v}")]
    assert _prism("run", "timeseries.forecast", "--data", "shops.csv", *options, "--out", "r.json") == DONE
    assert json.loads(Path("r.json").read_text())["result"]["warnings"] == [note]
    assert _prism("run", "timeseries.forecast", "--data", "shops.csv", *options) == DONE
    assert note in "".join(capsys.readouterr())


def test_a_share_that_costs_more_than_there_is_is_left_out_everywhere_with_a_warning(capsys):
    data = {"weights": "MTUM=1", "prices": "factor_etfs"}
    given = {"weights": {"MTUM": 1.0}, "prices": sample("factor_etfs")}
    page = Explorer("finance.allocate", **data, capital=10.0)
    assert asyncio.run(page.start()) is not None
    found = [
        find("finance.allocate").function(**given, capital=10.0),
        prism_kernels.run("finance.allocate", **given, capital=10.0).result,
        page.result,
    ]
    options = [x for n, v in data.items() for x in ("--data", f"{n}={v}")]
    assert _prism("run", "finance.allocate", *options, "--set", "capital=10", "--out", "r.json") == DONE
    for result in (*(r.to_dict() for r in found), json.loads(Path("r.json").read_text())["result"]):
        assert result["shares"] == [0.0] * len(result["shares"])
        assert result["leftover_cash"] == 10.0
        assert "MTUM costs 143.73" in result["warnings"][0]


def test_a_file_of_prices_that_is_uploaded_gives_the_result_of_its_frame(tmp_path):
    frame = sample("factor_etfs").iloc[-300:]
    frame.to_csv("prices.csv")
    page = Explorer("finance.risk", weights="MTUM=0.5, VLUE=0.5")
    page.pickers["returns"].pick(Path("prices.csv"))
    assert asyncio.run(page.start()) is not None
    expected = find("finance.risk").function(frame, {"MTUM": 0.5, "VLUE": 0.5})
    np.testing.assert_array_equal(page.result.value_at_risk, expected.value_at_risk)


# --- as a user's shell sees it


@pytest.mark.parametrize("name", ["a broken row", "missing values", "a word for a number"])
def test_a_shell_sees_one_sentence_and_the_exit_code(name):
    case = CASES[name]
    options = _options(case)
    before = files()
    command = [sys.executable, "-m", "prism_cli", "run", case.operation, *options, "--out", "r.json"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert (done.returncode, done.stdout, done.stderr) == (REFUSED, "", f"prism: {case.sentence}\n")
    assert files() == before
