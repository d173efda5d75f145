"""Prices, returns, weights and holdings: what is read, what is refused, and in which words."""

import importlib.util
import io
import types

import numpy as np
import pandas as pd
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from prism_kernels import InvalidInput, sample
from prism_kernels.arrays import to_numpy
from prism_kernels.errors import MissingLibrary
from prism_kernels.inputs import Covariance, ExpectedReturns, Holdings, Portfolio, Prices, Returns, Weights
from prism_kernels.inputs.input import sample_names

DATES = pd.DatetimeIndex(["2024-01-02", "2024-01-03", "2024-01-05", "2024-01-08"])  # market days, unequally spaced
VALUES = np.array([[10.0, 200.0], [11.0, 190.0], [12.1, 209.0], [11.0, 209.0]])
WIDE = pd.DataFrame(VALUES, index=DATES, columns=["A", "B"])
LONG = WIDE.rename_axis("date").reset_index().melt("date", var_name="ticker", value_name="close")
GAPS = np.where(np.arange(8).reshape(4, 2) == 3, np.nan, VALUES)  # B at 2024-01-03


def refused(make):
    with pytest.raises(InvalidInput) as caught:
        make()
    return caught.value


# ---- reading prices and returns --------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", [Prices, Returns])
def test_a_table_stays_in_its_library_and_place(on, kind):
    values = VALUES if kind is Prices else VALUES / 1e4 - 0.01
    found = kind.of(on(values))
    assert on.owns(found.values)
    np.testing.assert_array_equal(to_numpy(found.values), values)
    assert found.assets == ("asset 0", "asset 1")
    assert found.matrix.dtype == np.float64
    assert found.matrix.flags.c_contiguous


def test_returns_of_prices_stay_in_their_library_and_dtype(on):
    returns = Returns.of(Prices.of(on(VALUES, dtype=np.float32)))
    assert on.owns(returns.values)
    assert to_numpy(returns.values).dtype == np.float32
    np.testing.assert_allclose(to_numpy(returns.values), WIDE.pct_change().iloc[1:], rtol=1e-5)


def test_integers_are_read_as_floats(on):
    assert to_numpy(Prices.of(on([[1, 2], [3, 4]])).values).dtype == np.float64


@pytest.mark.parametrize(
    "given",
    [
        WIDE,
        WIDE.rename_axis("when").reset_index(),
        WIDE.rename_axis("Date").reset_index().astype({"Date": str}),
        pl.from_pandas(WIDE.rename_axis("date").reset_index()),
        LONG,
        LONG.rename(columns={"date": "ds", "ticker": "unique_id", "close": "y"}),
        LONG.rename(columns={"ticker": "Asset", "close": "Price"}),
        LONG.assign(volume=5),
        LONG.set_index("date"),
        LONG.assign(date=LONG["date"].dt.strftime("%d.%m.%Y")),
        LONG.assign(date=LONG["date"].dt.strftime("%Y%m%d").astype(int)),
        LONG.iloc[::-1].iloc[[4, 5, 6, 7, 0, 1, 2, 3]],
        pl.from_pandas(LONG),
    ],
    ids=[
        "index", "column", "texts", "polars", "long", "unique_id", "price", "volume", "dated index", "German dates",
        "numbered days", "backwards",
        "polars long",
    ],
)  # fmt: skip
def test_frames_wide_and_long_hold_the_same_prices(given):
    prices = Prices.of(given)
    np.testing.assert_array_equal(prices.values, VALUES)
    assert prices.assets == ("A", "B")
    assert list(prices.index) == list(DATES)


def test_assets_of_a_long_frame_stand_in_the_order_of_their_appearance():
    prices = Prices.of(LONG.replace({"ticker": {"A": "Z"}}))
    assert prices.assets == ("Z", "B")
    np.testing.assert_array_equal(prices.values, VALUES)


def test_a_series_a_list_and_a_mapping_are_read():
    assert Prices.of(WIDE["A"]).assets == ("A",)
    assert Prices.of([1.0, 2.0]).values.shape == (2, 1)
    mapping = Prices.of({"A": VALUES[:, 0], "B": list(VALUES[:, 1])})
    np.testing.assert_array_equal(mapping.values, VALUES)
    assert mapping.assets == ("A", "B")
    assert np.isnan(Prices.of(np.ma.masked_greater(VALUES, 205)).values).sum() == 2


@pytest.mark.parametrize("name", ["x.csv", "x.parquet", "long.csv", "long.parquet", "x.npy"])
def test_files_are_read(tmp_path, name):
    frame = LONG.set_index("date") if name.startswith("long") else WIDE.rename_axis("date")
    path = tmp_path / name
    if path.suffix == ".npy":
        np.save(path, VALUES)
    else:
        (frame.to_csv if path.suffix == ".csv" else frame.to_parquet)(path)
    prices = Prices.resolve(str(path))
    np.testing.assert_array_equal(prices.values, VALUES)
    assert prices.source == f"Path({str(path)!r})"
    assert prices.assets == (("asset 0", "asset 1") if path.suffix == ".npy" else ("A", "B"))


def test_json_and_npy_bytes_are_read():
    buffer = io.BytesIO()
    np.save(buffer, VALUES)
    np.testing.assert_array_equal(Prices.from_npy(buffer.getvalue()).values, VALUES)
    np.testing.assert_array_equal(Returns.from_json([[0.1, None], [0.0, -0.1]]).missing, [[0, 1], [0, 0]])
    assert Prices.from_json({"A": [1, 2], "B": [3, 4]}).assets == ("A", "B")
    assert Weights.from_json({"A": 0.25, "B": 0.75}).assets == ("A", "B")
    assert list(Weights.from_json([0.25, 0.75]).values) == [0.25, 0.75]


def test_reading_twice_is_reading_once():
    for kind, data in ((Prices, WIDE), (Returns, WIDE), (Weights, {"A": 1.0}), (Holdings, {"A": 1.0})):
        once = kind.of(data)
        assert kind.of(once) is once


def test_labels_and_place_say_where_a_price_stands():
    prices = Prices.of(WIDE)
    assert prices.place(2, 1) == "B at 2024-01-05"
    assert Prices.of(VALUES).place(2, 1) == "asset 1 at period 2"
    assert list(prices.axis()) == list(DATES)
    assert list(Prices.of(VALUES).axis()) == [0, 1, 2, 3]
    assert (prices.periods, prices.count, repr(prices)) == (4, 2, "Prices(4 periods × 2 assets)")
    assert repr(Prices.of(WIDE["A"].iloc[:1])) == "Prices(1 period × 1 asset)"


def test_the_digest_knows_numbers_names_and_dates():
    digests = {
        Prices.of(one).digest
        for one in (WIDE, WIDE * 2, WIDE.rename(columns={"A": "C"}), WIDE.shift(freq="D"), WIDE.to_numpy())
    }
    assert len(digests) == 5
    assert Prices.of(WIDE.copy()).digest == Prices.of(WIDE).digest


# ---- prices given as returns -----------------------------------------------------------------------------------------


def test_prices_are_told_from_returns():
    expected = WIDE.pct_change().iloc[1:]
    returns = Returns.of(WIDE)
    np.testing.assert_allclose(returns.values, expected, atol=1e-15)
    assert returns.from_prices
    assert list(returns.index) == list(DATES[1:])
    assert returns.complete()[1] == ("returns was read as prices, since its numbers are too large for returns",)
    again = Returns.of(expected)
    assert not again.from_prices
    assert again.complete()[1] == ()
    np.testing.assert_array_equal(again.values, expected)


def test_a_note_is_handed_out_once():
    returns, notes = Returns.of(WIDE).complete()
    assert len(notes) == 1
    assert returns.complete() == (returns, ())
    assert len(Returns.of(WIDE.where(~np.isnan(GAPS))).complete("intersect")[1]) == 2


def test_a_negative_price_among_prices_given_as_returns_is_refused_as_a_price():
    assert str(refused(lambda: Returns.of(WIDE.replace(190.0, -1.0)))).startswith(
        "returns has -1 for B at 2024-01-03, and a price is above zero; correct it"
    )
    assert "has 0 for A at 2024-01-05" in str(refused(lambda: Returns.of(WIDE.replace(12.1, 0.0))))


def test_returns_of_prices_given_as_such_carry_no_note():
    assert Returns.of(Prices.of(WIDE)).complete()[1] == ()
    assert Returns.of(sample("factor_etfs")).complete()[1] == ()


def test_a_slice_of_cheap_stocks_is_still_read_as_prices():
    first = sample("sp500_stocks").iloc[:50]  # BBY costs 0.14 dollars there
    np.testing.assert_array_equal(Returns.of(first).values, Prices.of(first).returns().values)


def test_prices_scaled_to_one_at_the_start_are_prices():
    assert Returns.of(WIDE / WIDE.iloc[0]).from_prices


def test_a_riskless_rate_with_gains_alone_is_a_return():
    assert not Returns.of(np.full((30, 1), 0.0001)).from_prices
    assert not Returns.of(sample("french_factors")["RF"] + 1e-5).from_prices


def test_large_gains_with_a_period_without_any_are_returns():
    assert not Returns.of([0.3, 0.4, 0.5, 0.0, 0.6]).from_prices


def test_numbers_that_may_be_prices_or_growth_are_refused():
    assert str(refused(lambda: Returns.of(1 + WIDE.pct_change().iloc[1:]))) == (
        "returns lies between 0.9091 and 1.1, which may be prices or 1 + return; subtract 1 from the latter, or "
        "multiply the former by 100"
    )


def test_one_price_has_no_return():
    assert str(refused(lambda: Returns.of(Prices.of(WIDE.iloc[:1]), field="benchmark"))) == (
        "benchmark has 1 period of prices, and a return needs two; give more prices"
    )
    assert "prices has 1 period" in str(refused(Prices.of(WIDE.iloc[:1]).returns))


def test_returns_are_no_prices():
    assert "give the prices themselves" in str(refused(lambda: Prices.of(Returns.of(WIDE))))


# ---- gaps ------------------------------------------------------------------------------------------------------------


def test_missing_prices_are_refused_with_asset_date_and_ways_out():
    error = refused(lambda: Prices.of(WIDE.where(~np.isnan(GAPS))).complete("refuse", "prices"))
    assert str(error) == (
        "prices has a missing price (first: B at 2024-01-03); fill it, or choose missing='drop_assets' or "
        "missing='intersect'"
    )
    assert (error.field, error.where) == ("prices", "B at 2024-01-03")


def test_data_without_gaps_is_returned_as_it_is():
    prices = Prices.of(WIDE)
    for missing in ("refuse", "drop_assets", "intersect", "point_in_time"):
        assert prices.complete(missing) == (prices, ())


@given(arrays(bool, (5, 3)), st.sampled_from(["drop_assets", "intersect", "refuse"]))
def test_what_is_left_out_is_what_pandas_drops(holes, missing):
    frame = pd.DataFrame(np.where(holes, np.nan, 1.0 + np.arange(15).reshape(5, 3)), columns=["A", "B", "C"])
    expected = frame.dropna(axis=1 if missing == "drop_assets" else 0)
    prices = Prices.of(frame)
    if holes.any() and (missing == "refuse" or expected.empty):
        assert "prices has" in str(refused(lambda: prices.complete(missing, "prices")))
        return
    found, notes = prices.complete(missing, "prices")
    np.testing.assert_array_equal(found.values, expected)
    assert found.assets == tuple(expected.columns)
    assert bool(notes) == bool(holes.any())


def test_gaps_are_left_out_in_every_library_and_said(on):
    prices = Prices.of(on(GAPS))
    few, notes = prices.complete("drop_assets", "prices")
    assert on.owns(few.values)
    np.testing.assert_array_equal(to_numpy(few.values), GAPS[:, :1])
    assert notes == ("left out asset 1 for missing prices in prices",)
    fewer, notes = prices.complete("intersect", "prices")
    np.testing.assert_array_equal(to_numpy(fewer.values), GAPS[[0, 2, 3]])
    assert notes == ("left out 1 of 4 periods for missing prices in prices",)


def test_dates_stay_with_the_periods_that_are_kept():
    found, _ = Prices.of(WIDE.where(~np.isnan(GAPS))).complete("intersect")
    assert list(found.index) == list(DATES[[0, 2, 3]])
    assert found.source == ""


def test_many_assets_left_out_are_named_in_few_words():
    frame = pd.DataFrame(np.full((3, 6), 5.0), columns=list("ABCDEF"))
    frame.iloc[1, :5] = np.nan
    assert Prices.of(frame).complete("drop_assets", "prices")[1] == (
        "left out 5 assets (A, B, C and 2 more) for missing prices in prices",
    )


def test_a_universe_that_changes_keeps_its_gaps_at_the_ends():
    frame = WIDE.copy()
    frame.iloc[0, 0] = frame.iloc[3, 1] = np.nan
    prices = Prices.of(frame)
    kept, notes = prices.complete("point_in_time", "prices")
    assert kept is prices
    assert notes == ("2 assets (A, B) are not listed all the time in prices",)
    returns, _ = Returns.of(frame).complete("point_in_time")
    np.testing.assert_array_equal(returns.missing, [[1, 0], [0, 0], [0, 1]])


def test_a_gap_while_an_asset_is_listed_is_refused_in_a_universe_that_changes():
    assert str(refused(lambda: Prices.of(WIDE.where(~np.isnan(GAPS))).complete("point_in_time", "prices"))) == (
        "prices has a missing price between others (first: B at 2024-01-03); fill it, or choose missing='drop_assets' "
        "or missing='intersect'"
    )
    assert str(refused(lambda: Prices.of(WIDE.assign(B=np.nan)).complete("point_in_time", "prices"))) == (
        "prices has no price of B at all; leave that column out"
    )


# ---- refusals of tables ----------------------------------------------------------------------------------------------

REFUSED = [
    (
        WIDE.replace(190.0, -1.5),
        "prices has -1.5 for B at 2024-01-03, and a price is above zero; correct it, or leave it empty and choose "
        "missing='drop_assets' or missing='intersect'",
    ),
    (
        WIDE.replace(209.0, 0.0),
        "prices has 0 for B at 2024-01-05 and 1 more, and a price is above zero; correct it, or leave it empty and "
        "choose missing='drop_assets' or missing='intersect'",
    ),
    (
        WIDE.replace(190.0, np.inf),
        "prices has an infinite value (first: B at 2024-01-03); correct it, or leave it empty and choose "
        "missing='drop_assets' or missing='intersect'",
    ),
    (
        WIDE.iloc[[0, 1, 1, 2]],
        "prices has 1 repeated date (first: 2024-01-03); keep one row for each date",
    ),
    (
        WIDE.iloc[[0, 2, 1, 3]],
        "prices has unsorted dates: 2024-01-03 comes after 2024-01-05; sort the rows by date",
    ),
    (
        WIDE.set_axis(pd.DatetimeIndex([*DATES[:3], None])),
        "prices has no date in row 4; give each row its date, or remove it",
    ),
    (
        pd.concat([LONG, LONG.iloc[:1]]),
        "prices has two rows for A at 2024-01-02; keep one row for each asset and date",
    ),
    (
        WIDE.set_axis(["A", "A"], axis=1),
        "prices has two columns called 'A'; give each a name of its own",
    ),
    (
        pd.concat({"Close": WIDE, "Open": WIDE}, axis=1),
        "prices has column names of 2 levels; choose one table, such as frame['Close']",
    ),
    (
        pd.DataFrame({"Open": [1.0], "High": [1.0], "Low": [1.0], "Close": [1.0], "Volume": [5]}),
        "prices has the columns open, high, low and close of one asset; keep its dates and one of them, such as close",
    ),
    (WIDE.assign(sector="energy"), "prices has no numbers in column 'sector'; leave that column out"),
    (
        WIDE.assign(B=[200.0, "n/a", 209.0, 209.0]),
        "prices has 'n/a' in row 2 of column 'B' where a number belongs; mend it, or leave it empty",
    ),
    (
        LONG.drop(columns="date"),
        "prices has the columns ticker and close and none of dates; add a column called date",
    ),
    (
        LONG.assign(ticker=["A", None] * 4),
        "prices has no ticker in row 2; name it, or remove the row",
    ),
    (
        LONG.assign(date=["2024-01-02", "soon"] * 4),
        "prices has 'soon' in row 2 where a date belongs; write it as 2024-12-31",
    ),
    (
        LONG.assign(date=[*LONG["date"][:7], None]),
        "prices has no date in row 8; give each row its date, or remove it",
    ),
    (WIDE.T, "prices has dates for columns; transpose it, so that a row is a date and a column an asset"),
    (
        [WIDE["A"], WIDE["B"]],
        "prices is a list of series; join them first, such as pandas.concat(series, axis=1)",
    ),
    (WIDE.iloc[:0], "prices is empty; at least one period and one asset are needed"),
    ({}, "prices is empty; at least one asset is needed"),
    ({"A": [1.0, 2.0], "B": [1.0]}, "prices: B must be a list of numbers as long as A's"),
    ([[1.0, 2.0], [3.0]], "prices must be numbers in lists of equal length"),
    (np.ones((2, 2, 2)), "prices has 3 dimensions; give a frame, a file, or an array of time × asset"),
    (3.0, "prices is one number; give a frame, a file, or an array of time × asset"),
    (object(), "prices is of type object; give a frame, a file, or an array of time × asset"),
    (VALUES + 1j, "prices holds complex128 values; only real numbers can be analysed"),
    (
        "factor_etfs",
        "prices is a text; pass sample('factor_etfs') for a named sample or pathlib.Path('factor_etfs') for a file",
    ),
]


@pytest.mark.parametrize(("bad", "sentence"), REFUSED, ids=[s[:45] for _, s in REFUSED])
def test_bad_prices_are_refused_in_one_sentence(bad, sentence):
    error = refused(lambda: Prices.of(bad))
    assert str(error) == sentence
    assert error.field == "prices"


def test_bad_prices_are_refused_in_every_library(on):
    assert "-3 for asset 0 at period 1" in str(refused(lambda: Prices.of(on([[1.0, 2.0], [-3.0, 4.0]]))))
    assert "(first: asset 1 at period 0)" in str(refused(lambda: Prices.of(on([[1.0, np.inf], [3.0, 4.0]]))))
    assert "nothing loses more than all" in str(refused(lambda: Returns.of(on([[0.5, -2.0], [0.3, -0.4]]))))


def test_returns_in_percent_are_noticed_by_losses_of_more_than_all():
    assert str(refused(lambda: Returns.of(100 * WIDE.pct_change().iloc[1:]))) == (
        "returns has -5 for B at 2024-01-03, and nothing loses more than all of it (-1); give shares, not percent"
    )


def test_a_broken_file_is_refused_with_its_line(tmp_path):
    path = tmp_path / "x.csv"
    path.write_text("date,A,B\n2024-01-02,1,2\n2024-01-03,1\n")
    assert str(refused(lambda: Prices.resolve(str(path)))).startswith("data: line 3 of x.csv has 2 fields")


# ---- weights and holdings --------------------------------------------------------------------------------------------

NUMBERS = {"B": 0.25, "A": 0.75}
TABLE = pd.DataFrame({"asset": ["B", "A"], "weight": [0.25, 0.75], "sector": ["x", "y"]})


@pytest.mark.parametrize(
    "given",
    [
        NUMBERS,
        pd.Series(NUMBERS),
        TABLE,
        TABLE.set_index("asset"),
        TABLE.rename(columns={"asset": "Ticker", "weight": "Weight"}),
        pl.from_pandas(TABLE),
        pd.DataFrame([NUMBERS]),
        pd.DataFrame({"portfolio": NUMBERS}),
        types.SimpleNamespace(weights=np.array([0.25, 0.75]), assets=("B", "A")),
        "B=0.25, A=0.75",
        " B = 0.25;A=.75 ",
    ],
    ids=["mapping", "series", "table", "indexed", "ticker", "polars", "row", "column", "result", "text", "loose text"],
)
def test_weights_of_every_kind_are_the_same(given):
    weights = Weights.of(given)
    assert weights.assets == ("B", "A")
    assert weights.named
    np.testing.assert_array_equal(weights.aligned(["A", "B", "C"]), [0.75, 0.25, 0.0])


@pytest.mark.parametrize("index", [True, False])
def test_weights_are_read_from_a_file(tmp_path, index):
    path = tmp_path / "w.csv"
    (pd.Series(NUMBERS, name="weight") if index else TABLE).to_csv(path, index=index)
    weights = Weights.resolve(str(path))
    np.testing.assert_array_equal(weights.aligned(["A", "B"]), [0.75, 0.25])
    assert weights.source == f"Path({str(path)!r})"


def test_weights_stay_in_their_library_and_place(on):
    weights = Weights.of(on([0.25, 0.75]))
    assert on.owns(weights.values)
    assert not weights.named
    np.testing.assert_array_equal(weights.aligned(["A", "B"]), [0.25, 0.75])
    assert "an infinite number for asset 1" in str(refused(lambda: Weights.of(on([0.5, np.inf]))))


def test_shares_of_an_allocation_and_of_tables_are_holdings():
    allocation = types.SimpleNamespace(shares=np.array([3, 4]), assets=("A", "B"))
    np.testing.assert_array_equal(Holdings.of(allocation).aligned(["B", "A"], "holdings"), [4, 3])
    table = pd.DataFrame({"symbol": ["A", "B"], "quantity": [3, 4], "price": [1.0, 2.0]})
    np.testing.assert_array_equal(Holdings.of(table).aligned(["B", "A"], "holdings"), [4, 3])


def test_the_source_of_a_mapping_gets_the_same_weights_again():
    weights = Weights.of({"A": 1 / 3, "B": 2 / 3})
    again = eval(weights.source, {"Weights": Weights})
    assert again.digest == weights.digest
    assert again.source == weights.source
    assert Weights.of([0.5, 0.5]).source == ""
    assert Weights.of({"A, B": 1.0}).source == ""


@given(st.permutations(list("ABCDE")), st.permutations(list("ABCDEFG")))
def test_aligning_follows_the_names(own, others):
    numbers = dict(zip(own, range(1, 6), strict=True))
    found = Weights.of(numbers).aligned(others)
    assert dict(zip(others, found, strict=True)) == {n: numbers.get(n, 0) for n in others}


BAD_WEIGHTS = [
    ({"A": 0.5, "B": np.nan}, "weights has no number for B; give each asset a finite weight, 0 for none"),
    ({"A": 0.5, "B": None}, "weights has no number for B; give each asset a finite weight, 0 for none"),
    ({"A": np.inf}, "weights has an infinite number for A; give each asset a finite weight, 0 for none"),
    ({"A": "half"}, "weights has 'half' for A where a number belongs; correct it"),
    ({"A": [0.5, 0.5]}, "weights has 2 dimensions; give one weight for each asset"),
    (np.ones((2, 2)), "weights has 2 dimensions; give one weight for each asset"),
    ([], "weights is empty; give one weight for each asset"),
    ({}, "weights is empty; give one weight for each asset"),
    ("", "weights is empty; give one weight for each asset"),
    ("A=0.5, B", "weights has 'B' where NAME=weight belongs; write AAPL=0.6, MSFT=0.4"),
    ("A=0.5, =0.5", "weights has '=0.5' where NAME=weight belongs; write AAPL=0.6, MSFT=0.4"),
    ("A=0.5, B=half", "weights has 'B=half' where NAME=weight belongs; write AAPL=0.6, MSFT=0.4"),
    ("A=0.5, A=0.5", "weights names 'A' twice; give each asset one row"),
    (pd.concat([TABLE, TABLE]), "weights names 'B' twice; give each asset one row"),
    (
        TABLE.drop(columns=["weight"]).assign(u=1.0, v=2.0),
        "weights must be a table with the columns asset and weight, a row an asset",
    ),
    (object(), "weights must be a number for each asset: a mapping of names, a table or a list, not object"),
    (np.array([1j]), "weights holds complex128 values; give one weight for each asset"),
]


@pytest.mark.parametrize(
    ("bad", "sentence"), BAD_WEIGHTS, ids=[s[:45] + str(k) for k, (_, s) in enumerate(BAD_WEIGHTS)]
)
def test_bad_weights_are_refused_in_one_sentence(bad, sentence):
    error = refused(lambda: Weights.of(bad))
    assert str(error) == sentence
    assert error.field == "weights"


def test_weights_that_do_not_fit_the_assets_are_refused():
    weights = Weights.of({"AAPL": 0.6, "MSFT": 0.4})
    assert str(refused(lambda: weights.aligned(["AAPL", "MSFTX"]))) == (
        "weights names 'MSFT', which is not among the 2 assets; did you mean 'MSFTX'?"
    )
    assert str(refused(lambda: weights.aligned([f"S{k}" for k in range(20)]))) == (
        "weights names 'AAPL', which is not among the 20 assets; they are S0, S1, S2 …"
    )
    assert str(refused(lambda: Weights.of([0.5, 0.5]).aligned(["A", "B", "C"]))) == (
        "weights has 2 numbers without names, and there are 3 assets; give one weight for each asset, or name them"
    )
    assert str(refused(lambda: weights.aligned(["AAPL", "MSFT"], budget=1.5))) == (
        "weights add up to 1, and the budget is 1.5; scale them, or give cash a row of its own"
    )
    assert weights.aligned(["AAPL", "MSFT"], budget=1.0 + 1e-9).sum() == 1.0


# ---- whatever else people give ---------------------------------------------------------------------------------------

ODD = {
    "nothing": None,
    "a set": {1, 2},
    "bytes": b"abc",
    "a number": 3.0,
    "a day": DATES[0],
    "no numbers": np.zeros(0),
    "words": np.array(["a"]),
    "days": DATES.to_numpy(),
    "objects": np.array([1, None], dtype=object),
    "records": np.array([(1, 2.0)], dtype=[("a", int), ("b", float)]),
    "no frame": pd.DataFrame(),
    "no columns": pd.DataFrame(index=DATES),
    "days alone": pd.Series(DATES),
    "categories": WIDE.assign(A=pd.Categorical(list("abac"))),
    "decimals": WIDE.astype(object),
    "two levels": WIDE.set_index("A", append=True),
    "mixed names": WIDE.set_axis([0, "a"], axis=1),
    "spans": pd.DataFrame({"a": pd.to_timedelta([1, 2], unit="D")}),
    "nested": {"A": {"x": 1}},
    "a word in a mapping": {"A": [1, 2], "B": ["x", "y"]},
    "empty lists": {"A": []},
    "all missing": np.full((3, 2), np.nan),
    "huge": np.full((3, 1), 1e308),
    "half precision": np.ones((3, 2), dtype=np.float16),
    "Polars' series": pl.Series([1, 2, None]),
    "an empty result": types.SimpleNamespace(weights=None, shares=None, assets=None),
    "prices": Prices.of(WIDE),
    "returns": Returns.of(WIDE),
    "weights": Weights.of({"A": 1.0}),
}


@pytest.mark.parametrize("kind", [Prices, Returns, Weights, Holdings, Portfolio, ExpectedReturns, Covariance])
@pytest.mark.parametrize("name", ODD)
def test_whatever_is_given_is_read_or_refused_in_a_sentence(kind, name):
    try:
        assert kind.of(ODD[name], field="given").fits()
    except InvalidInput as error:
        said = error
    else:
        return
    assert str(said).startswith("given")
    assert said.field == "given"


# ---- samples ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", [Prices, Returns, Weights, Holdings])
def test_every_sample_is_read_with_its_source(kind):
    for name, one in kind.samples().items():
        found = kind.resolve(name)
        assert found.source == f"sample({name!r})"
        assert one.title
        assert one.origin
        assert np.isfinite(to_numpy(found.values)).all()


def test_the_samples_are_what_their_titles_say():
    stocks = Prices.resolve("sp500_stocks")
    assert (stocks.periods, stocks.count) == (8313, 20)
    assert (str(stocks.index[0].date()), str(stocks.index[-1].date())) == ("1990-01-02", "2022-12-28")
    assert Prices.resolve("factor_etfs").assets == ("MTUM", "QUAL", "SIZE", "USMV", "VLUE")
    factors = Returns.resolve("french_factors")
    assert factors.assets == ("Mkt-RF", "SMB", "HML", "RF")
    assert not factors.from_prices
    assert factors.values[0].tolist() == pytest.approx([0.0296, -0.023, -0.0287, 0.0022])  # percent in the file
    opens, closes = Prices.resolve("sp500_open"), Prices.resolve("sp500")
    assert opens.assets == closes.assets
    assert list(opens.index) == list(closes.index)
    assert Weights.resolve("sp500_stocks_equal").aligned(stocks.assets).sum() == pytest.approx(1.0)


def test_the_vix_is_that_of_its_library_without_the_days_nobody_traded():
    from arch.data import vix

    ours, whole = sample("vix"), vix.load()
    levels = pd.to_numeric(whole["vix"], errors="coerce").dropna()
    assert ours.columns.tolist() == ["VIX"]
    np.testing.assert_array_equal(ours["VIX"], levels)
    assert Prices.resolve("vix").periods == len(levels) == len(ours.index.unique())
    assert Returns.resolve("vix").from_prices


def test_samples_of_one_kind_are_not_offered_for_another():
    assert not set(Prices.samples()) & set(Weights.samples())
    assert set(Prices.samples()) < set(Returns.samples()) < set(sample_names())
    assert len(sample_names()) == len(set(sample_names()))
    assert "did you mean 'factor_etfs'?" in str(refused(lambda: Prices.resolve("factor_etf")))


def test_a_sample_whose_library_is_absent_names_the_extra(monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(MissingLibrary, match=r"this sample needs skfolio, .*pip install 'prism-lab\[examples\]'"):
        sample("factor_etfs")
