"""What a notebook must have before it is tried out for readers."""

import json
import re

import pytest

from prism_kernels import InvalidInput
from prism_lab.draft import read_draft

GITHUB = "ghp_" + "a1B2" * 9
AMAZON = "AKIA" + "A1B2" * 4


@pytest.fixture
def draft(tmp_path, notebook_writer):
    """Write a notebook of some cells, and metadata where they are given, and read it as a draft."""

    def read(*sources, described=None, title=""):
        path = notebook_writer(tmp_path / "sales.ipynb", *sources)
        if described is not None:
            (tmp_path / "sales.yaml").write_text(described)
        return read_draft(path, title)

    return read


def refused(read, sentence, *sources, **given):
    with pytest.raises(InvalidInput) as error:
        read(*sources, **given)
    assert sentence in str(error.value)
    assert "\n" not in str(error.value)
    return error.value


def test_title_and_abstract_come_from_the_first_cell(draft):
    found = draft("# Sales\n\nWhat we sold,\nby month.\n\nAnd more.", "1").metadata
    assert (found.title, found.abstract) == ("Sales", "What we sold, by month.")


def test_metadata_win_over_the_first_cell_and_an_option_over_both(draft):
    described = "title: Described\nlabels: [a]\npreheat: 2\n"
    found = draft("# Sales\n\nWords.", "1", described=described).metadata
    assert (found.title, found.abstract, found.labels, found.preheat) == ("Described", "Words.", ("a",), 2)
    assert draft("# Sales\n\nWords.", "1", described=described, title="Given").metadata.title == "Given"
    assert draft("Words.", "1", described="abstract: Of it.\n", title="Given").metadata.title == "Given"


def test_everything_that_is_missing_is_named_in_one_sentence(draft):
    refused(
        draft,
        "sales.ipynb cannot be published yet: it has no title (begin its first cell with '# Title', or write "
        "sales.yaml, or give --title) and no abstract (write a paragraph below its title, or abstract: in sales.yaml)",
        "just words",
        "1",
    )
    lacks = "it has no thumbs/a.png, which sales.yaml names as its thumbnail"
    refused(draft, lacks, "# A\n\nb", described="thumbnail: thumbs/a.png\n")


@pytest.mark.parametrize(
    ("described", "sentence"),
    [
        ("titel: A\n", "sales.yaml: 'titel' is not known: did you mean 'title'?"),
        ("title: A\nlabels: [open\n", "sales.yaml line 3 cannot be read: "),
        ("- title\n", "sales.yaml: it must hold a table with at least a title"),
    ],
)
def test_bad_metadata_are_refused_with_the_nearest_name(draft, described, sentence):
    refused(draft, sentence, "# A\n\nb", "1", described=described)


def test_output_of_an_earlier_run_is_refused(draft, tmp_path):
    draft("# A\n\nb", "1", "2")
    path = tmp_path / "sales.ipynb"
    notebook = json.loads(path.read_text())
    notebook["cells"][2]["outputs"] = [{"output_type": "stream", "name": "stdout", "text": "private"}]
    path.write_text(json.dumps(notebook))
    said = refused(lambda: read_draft(path), "cell 3 of sales.ipynb holds output of an earlier run; the data in it")
    assert said.where == "cell 3"
    assert "private" not in str(said)
    notebook["cells"][2]["outputs"] = []
    notebook["metadata"]["widgets"] = {"state": {}}
    path.write_text(json.dumps(notebook))
    refused(lambda: read_draft(path), "sales.ipynb holds the state of widgets of an earlier run")


@pytest.mark.parametrize(
    ("source", "kind"),
    [
        (f"x = 1\ny = '{GITHUB}'", "a GitHub token in line 2"),
        (f"key({AMAZON!r})", "an AWS key in line 1"),
        ("read('postgresql://ann:hidden@db/sales')", "a password in an address in line 1"),
        ("PASSWORD = 'correct-horse'", "a password or token in line 1"),
        ('login(api_key="0123456789abcdef")', "a password or token in line 1"),
        ("# -----BEGIN RSA PRIVATE " + "KEY-----", "a private key in line 1"),
    ],
)
def test_what_looks_like_a_secret_is_refused_and_not_repeated(draft, source, kind):
    said = refused(draft, f"cell 2 of sales.ipynb holds what looks like {kind}; ", "# A\n\nb", source)
    assert not re.search("hidden|horse|0123|ghp_|AKIA", str(said))


@pytest.mark.parametrize(
    "source", ["token = os.environ['TOKEN']", "password = ask()", "see('https://example.org/a:b')", "key = 'name'"]
)
def test_a_secret_that_is_asked_for_elsewhere_is_none(draft, source):
    draft("# A\n\nb", f"import os\n{source}")


def test_a_package_that_is_not_there_is_named_also_where_only_a_click_needs_it(draft, tmp_path):
    lazy = "def clicked():\n    from nowhere_at_all.inside import x\n"
    said = "cell 2 of sales.ipynb needs the package 'nowhere_at_all', which is not installed; install it where"
    refused(draft, said, "# A\n\nb", lazy)
    draft("# A\n\nb", "try:\n    import nowhere_at_all\nexcept ImportError:\n    pass")
    (tmp_path / "beside_it.py").write_text("")
    refused(draft, "it lies beside the notebook and would not come along", "# A\n\nb", "import beside_it")


def test_what_is_no_python_notebook_is_refused(draft, tmp_path):
    refused(draft, "cell 2 of sales.ipynb is not Python: ", "# A\n\nb", "def f(:")
    draft("# A\n\nb", "%matplotlib inline\n!ls")
    (tmp_path / "a.txt").write_text("")
    refused(lambda: read_draft(tmp_path / "a.txt"), "a.txt is not a notebook; name a file that ends in .ipynb")
    refused(lambda: read_draft(tmp_path / "b.ipynb"), "b.ipynb cannot be read: No such file or directory")
    for text in ("{", "[]", '{"cells": 3}', ""):
        (tmp_path / "c.ipynb").write_text(text)
        refused(lambda: read_draft(tmp_path / "c.ipynb"), "c.ipynb is not a readable notebook (")
    path = tmp_path / "sales.ipynb"
    path.write_text(path.read_text().replace('"language": "python"', '"language": "R"'))
    refused(lambda: read_draft(path), "sales.ipynb is written in R; only notebooks in Python can be published")
