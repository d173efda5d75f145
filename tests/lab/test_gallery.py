"""Cards: what metadata may say, and what a reader sees when it says something else."""

import re

import pytest

from prism_kernels.errors import InvalidInput
from prism_lab import gallery
from prism_lab.gallery import Metadata


def page(folder):
    return gallery.render(folder, {"base": "/", "render": "voila/render/", "lab": "/lab"})


def test_everything_a_file_says_is_in_the_metadata():
    given = {
        "title": "A",
        "abstract": "b",
        "labels": ["c", "d"],
        "thumbnail": "e/f.svg",
        "device": "gpu",
        "preheat": 3,
        "parameters": {"h": "how far"},
    }
    metadata = Metadata.of(given)
    assert {name: getattr(metadata, name) for name in given} == given | {"labels": ("c", "d")}


def test_only_a_title_is_needed():
    assert Metadata.of({"title": "A"}) == Metadata(title="A")


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        (["title"], "it must hold a table with at least a title"),
        ({}, "title is missing; give the dashboard a name"),
        ({"title": " "}, "title must be text that is not empty"),
        ({"title": 3}, "title must be text"),
        ({"titel": "A"}, "'titel' is not known: did you mean 'title'?"),
        ({"title": "A", "labels": "one"}, "labels must be a list of words"),
        ({"title": "A", "labels": [1]}, "labels must be a list of words"),
        ({"title": "A", "device": "tpu"}, "device must be 'cpu', 'gpu' or 'any'"),
        ({"title": "A", "preheat": -1}, "preheat must be a whole number from 0 to 50"),
        ({"title": "A", "preheat": True}, "preheat must be a whole number from 0 to 50"),
        ({"title": "A", "parameters": ["h"]}, "parameters must be names with texts"),
        ({"title": "A", "parameters": {"h": 1}}, "parameters must be names with texts"),
        ({"title": "A", "thumbnail": "../a.png"}, "thumbnail must be a png, svg, webp, jpg, jpeg file"),
        ({"title": "A", "thumbnail": "/etc/passwd"}, "thumbnail must be a png, svg, webp, jpg, jpeg file"),
        ({"title": "A", "thumbnail": "a.ipynb"}, "thumbnail must be a png, svg, webp, jpg, jpeg file"),
    ],
)
def test_metadata_that_breaks_a_rule_is_refused_with_a_sentence(given, sentence):
    with pytest.raises(InvalidInput, match=f"^{re.escape(sentence)}"):
        Metadata.of(given)


def test_a_file_that_is_no_yaml_is_refused_with_its_line(workplace):
    with pytest.raises(InvalidInput, match=r"^broken\.yaml line 3 cannot be read: "):
        gallery.read_metadata(workplace / "dashboards" / "broken.yaml")


def test_cards_in_order_come_before_cards_with_a_problem(workplace):
    found = gallery.cards(workplace / "dashboards")
    assert [(c.name, c.metadata.title, bool(c.problem)) for c in found] == [
        ("good", "Good <one>", False),
        ("plain", "The plain one", False),
        ("absent", "Absent", True),
        ("broken", "Broken", True),
    ]
    assert found[2].problem == "absent.yaml describes absent.ipynb, which is not in this folder"
    assert found[2].notebook is None


def test_a_missing_thumbnail_is_a_problem_and_not_a_hole(tmp_path, notebook_writer):
    notebook_writer(tmp_path / "a.ipynb", "# A")
    (tmp_path / "a.yaml").write_text("title: A\nthumbnail: gone.png\n")
    assert gallery.cards(tmp_path)[0].problem == "a.yaml: thumbnail gone.png is not in this folder"


def test_a_notebook_that_is_no_notebook_still_has_a_card(tmp_path):
    (tmp_path / "my_own-page.ipynb").write_text("{")
    assert gallery.cards(tmp_path)[0].metadata.title == "My own page"


def test_the_page_shows_every_card_and_escapes_what_files_say(workplace):
    html = page(workplace / "dashboards")
    assert html.count('class="card') == 4
    assert "Good &lt;one&gt;" in html
    assert "<one>" not in html
    assert 'href="/voila/render/good.ipynb"' in html
    assert 'src="/prism/thumbs/thumbs/good.png"' in html
    assert "broken.yaml line 3 cannot be read" in html
    assert "absent.ipynb, which is not in this folder" in html
    assert 'absent.ipynb"' not in html


def test_the_page_asks_no_other_host(workplace):
    assert not re.search(r"(?:src|href)=[\"'](?:https?:)?//", page(workplace / "dashboards"))


def test_a_folder_without_dashboards_says_what_to_do(tmp_path):
    assert f"There is no dashboard in <code>{tmp_path}</code> yet" in page(tmp_path)


def test_the_search_text_holds_title_abstract_labels_and_device(workplace):
    card = gallery.cards(workplace / "dashboards")[0]
    for word in ("good <one>", "shows a number", "forecast", "demo", "cpu"):
        assert word in card.searchable


def test_pools_are_as_large_as_the_metadata_say_and_empty_by_default(workplace):
    assert gallery.pools(workplace / "dashboards") == {
        "default": {"pool_size": 0},
        "good.ipynb": {"pool_size": 2},
        "plain.ipynb": {"pool_size": 0},
        "broken.ipynb": {"pool_size": 0},
    }
