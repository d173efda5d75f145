"""A folder to work in, with dashboards of every kind, and one lab that serves it."""

import pytest

from prism_lab.child import running
from tests.serving import write_notebook

PIXEL = bytes.fromhex(
    "89504e470d0a1a0a0000000d4948445200000001000000010806000000"
    "1f15c4890000000a49444154789c6300010000050001"
    "0d0a2db40000000049454e44ae426082"
)  # the smallest PNG: one transparent pixel


@pytest.fixture(scope="session")
def workplace(tmp_path_factory):
    """A folder with four dashboards: described, undescribed, badly described, and described but missing."""
    root = tmp_path_factory.mktemp("workplace")
    folder = root / "dashboards"
    (folder / "thumbs").mkdir(parents=True)
    write_notebook(folder / "good.ipynb", "# Other heading", "6 * 7")
    (folder / "thumbs" / "good.png").write_bytes(PIXEL)
    (folder / "good.yaml").write_text(
        "title: Good <one>\nabstract: Shows a number.\nlabels: [forecast, demo]\n"
        "thumbnail: thumbs/good.png\ndevice: cpu\npreheat: 2\nparameters: {h: how far}\n"
    )
    write_notebook(folder / "plain.ipynb", "Some words\n\n## The plain one\n", "1")
    write_notebook(folder / "broken.ipynb", "# Broken card", "1")
    (folder / "broken.yaml").write_text("title: A\nlabels: [unclosed\n")
    (folder / "absent.yaml").write_text("title: Absent\n")
    (folder / "secret.txt").write_text("not for the gallery")
    return root


@pytest.fixture(scope="session")
def lab(workplace):
    with running("lab", workplace, environment={"PRISM_VIEWER_GRACE": "8"}) as child:
        yield child


@pytest.fixture
def notebook_writer():
    return write_notebook
