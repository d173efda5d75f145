"""A page whose kernel does not start ends, and says so."""

import json
import urllib.request

import pytest

from prism_lab.child import running
from tests.serving import write_notebook

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def voila(tmp_path_factory):
    root = tmp_path_factory.mktemp("dying")
    kernel = {"argv": ["/bin/false", "{connection_file}"], "display_name": "Dies", "language": "python"}
    spec = root / "jupyter" / "kernels" / "dies" / "kernel.json"
    spec.parent.mkdir(parents=True)
    spec.write_text(json.dumps(kernel))
    (root / "dashboards").mkdir()
    notebook = write_notebook(root / "dashboards" / "dying.ipynb", "# Dying", "1 + 1")
    content = json.loads(notebook.read_text())
    content["metadata"]["kernelspec"] |= {"name": "dies"}
    notebook.write_text(json.dumps(content))
    with running("voila", root / "dashboards", "--cold", environment={"JUPYTER_PATH": str(root / "jupyter")}) as server:
        yield server


def test_a_kernel_that_dies_before_it_answers_ends_the_page_with_a_sentence(voila):
    with urllib.request.urlopen(voila.url("voila/render/dying.ipynb"), timeout=60) as answer:
        text = answer.read().decode()
    assert 'prismFailed("This dashboard could not finish. Reload the page to try again' in text
    assert text.endswith("</body></html>")
    assert "Kernel died" not in text  # the log names the cause, the page does not


def test_a_reader_sees_the_sentence_and_no_endless_start(voila, open_visit):
    visit = open_visit("voila-cold")
    visit.page.goto(voila.url("voila/render/dying.ipynb"))
    notice = visit.page.get_by_role("alert")
    notice.get_by_text("This dashboard could not finish").wait_for()
    assert visit.page.locator("#loading").is_hidden()
    assert notice.get_by_role("button", name="Reload").is_visible()
    assert visit.violations() == []
