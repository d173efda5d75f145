"""The published folder: versions that never change, and the one readers get."""

import json
import os
import stat
import threading

import pytest

from prism_kernels import InvalidInput
from prism_lab import published
from prism_lab.gallery import published_cards
from prism_lab.versions import activate, add, withdraw


def store(folder, name="sales", title="Sales", **files):
    described = f"title: {title}\nabstract: a\nthumbnail: thumbs/a.png\n"
    content = {f"{name}.ipynb": title.encode(), f"{name}.yaml": described.encode(), "thumbs/a.png": b"picture"}
    return add(folder, name, {**content, **files}, {"title": title})


def test_a_version_is_stored_with_digests_and_readers_get_it(tmp_path):
    first = store(tmp_path)
    assert (first.name, first.number) == ("sales", 1)
    assert first.notebook.read_bytes() == b"Sales"
    manifest = json.loads((first.folder / "manifest.json").read_text())
    assert manifest == first.manifest
    assert manifest["version"] == 1
    # printf picture | sha256sum
    assert manifest["files"]["thumbs/a.png"] == "2cea274d0bedc39ec4ab6ba9e59ec889e3ed6fb56a1cf088a64d9b383378dc97"
    assert published.active(tmp_path, "sales").number == 1
    assert not first.changed()


def test_a_new_version_leaves_the_files_of_the_old_one_to_whoever_has_it_open(tmp_path):
    first = store(tmp_path)
    with first.notebook.open("rb") as open_page:
        second = store(tmp_path, title="Newer")
        assert published.active(tmp_path, "sales").number == second.number == 2
        assert open_page.read() == b"Sales"
    assert first.notebook.read_bytes() == b"Sales"
    assert [one.number for one in published.versions(tmp_path, "sales")] == [1, 2]
    assert not stat.S_IMODE(first.notebook.stat().st_mode) & 0o222


def test_one_can_go_back_and_forth_and_take_it_down(tmp_path):
    store(tmp_path)
    store(tmp_path, title="Newer")
    assert activate(tmp_path, "sales", 1).number == 1
    assert published.active(tmp_path, "sales").notebook.read_bytes() == b"Sales"
    assert withdraw(tmp_path, "sales").number == 1
    assert published.active(tmp_path, "sales") is None
    assert published.names(tmp_path) == ["sales"]
    activate(tmp_path, "sales", 2)
    assert published.active(tmp_path, "sales").number == 2
    assert store(tmp_path).number == 3


def refused(sentence, act, *given):
    with pytest.raises(InvalidInput) as error:
        act(*given)
    assert sentence in str(error.value)


def test_what_is_not_there_is_refused_with_the_nearest(tmp_path):
    refused("no dashboard 'sales' is in ", activate, tmp_path, "sales", 1)
    refused("; nothing is published yet", withdraw, tmp_path, "sales")
    store(tmp_path)
    store(tmp_path)
    refused("; did you mean 'sales'?", withdraw, tmp_path, "sale")
    refused("sales has no version 7; there are 1, 2", activate, tmp_path, "sales", 7)
    withdraw(tmp_path, "sales")
    again = "sales is not published now; prism publish --activate VERSION sales brings a version back"
    refused(again, withdraw, tmp_path, "sales")


def test_a_version_that_somebody_changed_is_not_given_to_readers(tmp_path):
    first = store(tmp_path)
    store(tmp_path)
    first.notebook.chmod(0o644)
    first.notebook.write_bytes(b"tampered")
    (first.folder / "thumbs" / "a.png").unlink()
    said = "version 1 of sales was changed after it was published (sales.ipynb, thumbs/a.png); publish it anew"
    refused(said, activate, tmp_path, "sales", 1)
    assert published.active(tmp_path, "sales").number == 2


@pytest.mark.parametrize("name", ["", "../up", "a/b", ".hidden", "with space", "ü", "x" * 65])
def test_a_name_that_cannot_stand_in_a_link_is_refused_and_never_a_path(tmp_path, name):
    refused("cannot stand in a link; use up to 64 letters, digits, - and _", store, tmp_path, name)
    assert published.active(tmp_path, name) is None
    assert published.versions(tmp_path, name) == []


def test_two_who_publish_at_once_get_two_versions(tmp_path):
    threads = [threading.Thread(target=store, args=(tmp_path,), kwargs={"title": f"T{n}"}) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    found = published.versions(tmp_path, "sales")
    assert [one.number for one in found] == list(range(1, 9))
    assert sorted(one.manifest["title"] for one in found) == [f"T{n}" for n in range(8)]
    assert not any(one.changed() for one in found)
    assert published.active(tmp_path, "sales") is not None
    assert [p.name for p in (tmp_path / "sales").iterdir() if p.name.startswith(".")] == []


def test_readers_get_the_old_or_the_new_version_and_never_none_while_it_is_switched(tmp_path):
    store(tmp_path)
    store(tmp_path)
    seen, stop = set(), threading.Event()

    def look():
        while not stop.is_set():
            found = published.active(tmp_path, "sales")
            seen.add(found and found.number)

    watcher = threading.Thread(target=look)
    watcher.start()
    for turn in range(200):
        activate(tmp_path, "sales", 1 + turn % 2)
    stop.set()
    watcher.join()
    assert seen <= {1, 2}


def test_cards_show_the_active_version_and_where_its_picture_lies(tmp_path):
    assert published_cards(tmp_path / "none", "r/") == []
    store(tmp_path)
    store(tmp_path, title="Newer")
    store(tmp_path, name="gone")
    withdraw(tmp_path, "gone")
    (card,) = published_cards(tmp_path, "r/")
    assert (card.name, card.address, card.problem) == ("sales", "r/sales", "")
    assert card.metadata.title == "Newer"
    assert card.metadata.labels == ("published, version 2",)
    assert (tmp_path.parent / tmp_path.name / card.metadata.thumbnail.removeprefix("published/")).read_bytes()


def test_the_folder_is_the_one_given_or_named_or_the_users(tmp_path, monkeypatch):
    monkeypatch.setenv("PRISM_PUBLISHED", str(tmp_path / "named"))
    assert published.published_folder() == tmp_path / "named"
    assert published.published_folder(tmp_path / "given") == tmp_path / "given"
    monkeypatch.delenv("PRISM_PUBLISHED")
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    assert published.published_folder().name == "published"


@pytest.mark.skipif(os.name != "posix", reason="a file in the way of a folder is told by its errno")
def test_a_folder_that_cannot_be_made_is_refused(tmp_path):
    (tmp_path / "file").write_text("")
    refused(
        "cannot be written (Not a directory); name another folder with --folder or PRISM_PUBLISHED",
        store,
        tmp_path / "file",
    )
