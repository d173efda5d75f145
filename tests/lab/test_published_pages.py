"""What is published, in the lab: a card in the gallery, a page at an address that stays, no way out of the folder."""

import urllib.error
import urllib.request

import pytest

from prism_lab.child import running
from prism_lab.versions import activate, add, withdraw


@pytest.fixture(scope="module")
def versions(tmp_path_factory):
    """An empty place for a published folder, which is not there when the server starts."""
    return tmp_path_factory.mktemp("home") / "published"


@pytest.fixture(scope="module")
def shop(versions, tmp_path_factory):
    root = tmp_path_factory.mktemp("work")
    (root / "dashboards").mkdir()
    with running("lab", root, environment={"PRISM_PUBLISHED": str(versions)}) as child:
        yield child


def ask(child, path, token=True):
    headers = {"Authorization": f"token {child.token}"} if token else {}
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(urllib.request.Request(f"{child.address}/{path}", headers=headers), timeout=60) as answer:
            return answer.status, answer.read().decode(errors="replace")
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read().decode(errors="replace")


def store(folder, notebook_writer, tmp_path, answer):
    notebook = notebook_writer(tmp_path / "n.ipynb", "# Sums\n\nAdds.", f"print('answer', {answer})").read_bytes()
    described = f"title: Sum of {answer}\nthumbnail: pictures/a.png\n".encode()
    files = {"sums.ipynb": notebook, "sums.yaml": described, "pictures/a.png": b"picture"}
    return add(folder, "sums", files, {"title": f"Sum of {answer}"})


def test_a_published_dashboard_has_a_card_a_page_and_a_picture(shop, versions, notebook_writer, tmp_path):
    assert "There is no dashboard in" in ask(shop, "prism/")[1]
    assert ask(shop, "prism/published/sums")[0] == 404
    store(versions, notebook_writer, tmp_path, "20 + 22")
    page = ask(shop, "prism/")[1]
    assert 'href="/prism/published/sums"' in page
    assert "Sum of 20 + 22" in page
    assert "published, version 1" in page
    picture = "prism/thumbs/published/sums/versions/1/pictures/a.png"
    assert f'src="/{picture}"' in page
    assert ask(shop, picture) == (200, "picture")
    status, page = ask(shop, "prism/published/sums")
    assert status == 200
    assert "answer 42" in page
    store(versions, notebook_writer, tmp_path, "30 + 30")
    assert "answer 60" in ask(shop, "prism/published/sums")[1]
    activate(versions, "sums", 1)
    assert "answer 42" in ask(shop, "prism/published/sums")[1]
    withdraw(versions, "sums")
    assert ask(shop, "prism/published/sums")[0] == 404
    assert "/prism/published/sums" not in ask(shop, "prism/")[1]


@pytest.mark.parametrize(
    "path",
    [
        "prism/published/..%2Fsums",
        "prism/published/sums/versions/1/manifest.json",
        "prism/thumbs/published/sums/versions/1/manifest.json",
        "prism/thumbs/published/..%2F..%2Fa.png",
    ],
)
def test_nothing_else_of_the_folder_can_be_reached(shop, versions, notebook_writer, tmp_path, path):
    store(versions, notebook_writer, tmp_path, "1")
    (versions.parent.parent / "a.png").write_bytes(b"not for readers")
    assert ask(shop, path)[0] in (403, 404)


@pytest.mark.parametrize("path", ["prism/published/sums", "prism/thumbs/published/sums/versions/1/pictures/a.png"])
def test_nothing_published_is_shown_without_the_token(shop, versions, notebook_writer, tmp_path, path):
    store(versions, notebook_writer, tmp_path, "1")
    status, page = ask(shop, path, token=False)
    assert status == 403 or "Token" in page  # the login page, after a redirect
    assert page != "picture"
    assert "answer" not in page
