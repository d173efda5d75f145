"""The error tree, and the words that point the way."""

import pickle

import pytest

from prism_kernels.errors import (
    Cancelled,
    InvalidInput,
    MissingLibrary,
    MixedArrays,
    NotConverged,
    PrismError,
    nearest,
    require,
)


def test_every_error_is_also_what_python_calls_it():
    assert issubclass(InvalidInput, ValueError)
    assert issubclass(MixedArrays, TypeError)
    assert issubclass(MissingLibrary, ImportError)
    assert issubclass(NotConverged, ArithmeticError)
    assert all(issubclass(e, PrismError) for e in (InvalidInput, MixedArrays, MissingLibrary, NotConverged, Cancelled))


def test_an_error_survives_the_way_to_another_process():
    sent = pickle.loads(pickle.dumps(InvalidInput("no", field="y", where="row 3")))
    assert (str(sent), sent.field, sent.where) == ("no", "y", "row 3")


def test_a_misspelt_name_points_to_the_nearest_and_a_strange_one_lists_all():
    assert nearest("sunspot", ["nile", "sunspots"]) == "did you mean 'sunspots'?"
    assert nearest("xyz", ["b", "a"]) == "known are 'a', 'b'"


def test_a_missing_library_names_its_extra():
    assert require("json", extra="none", purpose="this").__name__ == "json"
    with pytest.raises(MissingLibrary) as missing:
        require("no_such_library", extra="torch", purpose="model 'gru'")
    assert str(missing.value) == (
        "model 'gru' needs no_such_library, which is not installed; get it with: pip install 'prism-lab[torch]'"
    )
