"""Where dashboards and settings are looked for."""

import json
import os

import pytest

from prism_kernels.errors import InvalidInput
from prism_lab import places


@pytest.fixture(autouse=True)
def _unset(monkeypatch):
    monkeypatch.delenv(places.DASHBOARDS, raising=False)


def test_the_folder_of_the_analyst_comes_before_the_one_of_prism(tmp_path):
    assert places.dashboards_folder(tmp_path) == places.shipped_dashboards().resolve()
    (tmp_path / "dashboards").mkdir()
    assert places.dashboards_folder(tmp_path) == tmp_path / "dashboards"


def test_the_variable_comes_before_both(tmp_path, monkeypatch):
    (tmp_path / "dashboards").mkdir()
    (tmp_path / "named").mkdir()
    monkeypatch.setenv(places.DASHBOARDS, str(tmp_path / "named"))
    assert places.dashboards_folder(tmp_path) == tmp_path / "named"


def test_a_variable_that_names_no_folder_is_refused(tmp_path, monkeypatch):
    monkeypatch.setenv(places.DASHBOARDS, str(tmp_path / "gone"))
    with pytest.raises(InvalidInput, match=r"PRISM_DASHBOARDS names .*gone, which is not a folder"):
        places.dashboards_folder(tmp_path)


def test_the_settings_that_ship_keep_what_the_pages_rely_on(tmp_path):
    settings = places.voila_settings(tmp_path)
    voila = settings["VoilaConfiguration"]
    assert voila["extension_allowlist"] == [
        "@voila-dashboards/widgets-manager8",
        "@jupyter-widgets/jupyterlab-manager",
        "@bokeh/jupyter_bokeh",
    ]
    assert voila["strip_sources"] is True
    assert voila["show_tracebacks"] is False
    assert voila["template"] == "prism"
    assert settings["ViewerKernels"]["cull_idle_timeout"] > 0


def test_settings_beside_the_dashboards_win(tmp_path):
    (tmp_path / "voila.json").write_text('{"VoilaConfiguration": {"theme": "dark"}}')
    assert places.voila_settings(tmp_path) == {"VoilaConfiguration": {"theme": "dark"}}


@pytest.mark.parametrize("text", ["{", "[]"])
def test_settings_that_are_no_json_object_are_refused_with_their_path(tmp_path, text):
    (tmp_path / "voila.json").write_text(text)
    with pytest.raises(InvalidInput, match=r"voila\.json (is not valid JSON|must hold one JSON object)"):
        places.voila_settings(tmp_path)


def test_jupyter_looks_at_prism_first_and_keeps_the_rest(monkeypatch):
    monkeypatch.setenv("JUPYTER_PATH", f"/one{os.pathsep}/two")
    share = str(places.share_folder() / "jupyter")
    expected = os.pathsep.join([share, "/one", "/two"])
    assert places.jupyter_paths()["JUPYTER_PATH"] == expected
    monkeypatch.setenv("JUPYTER_PATH", expected)
    assert places.jupyter_paths()["JUPYTER_PATH"] == expected


def test_the_news_of_jupyterlab_stay_off():
    text = (places.share_folder() / "config" / "labconfig" / "page_config.json").read_text()
    assert json.loads(text)["disabledExtensions"]["@jupyterlab/apputils-extension:announcements"] is True
