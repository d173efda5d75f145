"""Tokens are shown once and kept as digests; the line is fair; what is asked for is checked before a server starts."""

import os
import sqlite3
import stat
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from prism_cli.main import main
from prism_kernels.errors import InvalidInput, PrismError
from prism_lab.readers.audit import Audit
from prism_lab.readers.settings import Rules, size
from prism_lab.readers.tokens import Tokens
from prism_lab.readers.turns import Enough, Line, Turn, Turns


@pytest.fixture
def tokens(tmp_path):
    return Tokens(tmp_path / "deep" / "readers.sqlite")


def test_only_the_digest_is_kept_in_a_file_for_this_user_alone(tokens):
    _, text = tokens.create("Ada")
    assert len(text) >= 43  # 32 random bytes
    assert text.encode() not in tokens.path.read_bytes()
    assert stat.S_IMODE(tokens.path.stat().st_mode) == 0o600


def test_a_file_that_others_can_read_is_refused_with_the_way_out(tokens):
    tokens.create("Ada")
    tokens.path.chmod(0o644)
    with pytest.raises(PrismError, match=r"can be read by other users; run: chmod 600 '.*readers.sqlite'"):
        tokens.all()


def test_a_token_opens_until_it_is_revoked(tokens):
    ada, text = tokens.create("Ada")
    tokens.create("Bob")
    assert tokens.find(text) == ada
    assert tokens.find(text[:-1]) is None
    assert tokens.find("") is None
    assert tokens.find("\ud800") is None
    assert [one.id for one in tokens.revoke("Ada")] == [ada.id]
    assert tokens.find(text) is None
    assert [(one.name, one.state()) for one in tokens.all()] == [("Ada", "revoked"), ("Bob", "valid")]
    assert [one.name for one in tokens.revoke("2")] == ["Bob"]


def test_a_number_is_never_given_twice_and_a_name_only_when_it_is_free(tokens):
    first, _ = tokens.create("Ada")
    with pytest.raises(InvalidInput, match="name 'Ada' has a token already; choose another, or revoke it first"):
        tokens.create("Ada")
    tokens.revoke("Ada")
    again, _ = tokens.create("Ada")
    assert again.id > first.id
    assert tokens.create()[0].name == f"reader-{again.id + 1}"


def test_a_token_expires_by_the_clock(tokens):
    reader, text = tokens.create("Ada", days=1e-6)
    assert reader.state(reader.created) == "valid"
    time.sleep(0.2)
    assert tokens.find(text) is None
    assert tokens.valid() == {}


@pytest.mark.parametrize(
    ("name", "days", "sentence"),
    [
        ("", None, "name must be 1 to 80 printable characters, such as 'Ada from sales'"),
        ("a\nb", None, "name must be 1 to 80 printable characters, such as 'Ada from sales'"),
        ("a" * 81, None, "name must be 1 to 80 printable characters, such as 'Ada from sales'"),
        ("Ada", 0, "days must be more than 0 and at most 3650, and is 0"),
        ("Ada", float("nan"), "days must be more than 0 and at most 3650, and is nan"),
    ],
)
def test_what_no_token_can_be_is_one_sentence(tokens, name, days, sentence):
    with pytest.raises(InvalidInput) as caught:
        tokens.create(name, days=days)
    assert str(caught.value) == sentence


def test_the_secret_of_cookies_survives_a_restart(tokens):
    assert tokens.cookie_secret() == Tokens(tokens.path).cookie_secret()
    assert len(tokens.cookie_secret()) == 32


def test_a_file_that_is_no_book_of_tokens_is_one_sentence(tmp_path):
    path = tmp_path / "readers.sqlite"
    path.write_bytes(b"something else " * 100)
    path.chmod(0o600)
    with pytest.raises(PrismError, match="cannot be used .*; name another file in PRISM_READER_TOKENS"):
        Tokens(path).all()


def prism(words):
    with pytest.raises(SystemExit) as left:
        main(words)
    return left.value.code


def test_the_command_prints_a_token_once_and_never_again(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("PRISM_READER_TOKENS", str(tmp_path / "r.sqlite"))
    assert prism(["dashboards", "token", "create", "--name", "Ada", "--days", "7"]) == 0
    text = capsys.readouterr().out.strip()
    assert Tokens().find(text).name == "Ada"
    assert prism(["dashboards", "token", "list"]) == 0
    listed = capsys.readouterr().out
    assert text not in listed
    assert listed.splitlines()[1].split()[:3] == ["1", "Ada", "valid"]
    assert prism(["dashboards", "token", "revoke", "Adda"]) == 2
    assert capsys.readouterr().err == "prism: no valid token is called 'Adda'; did you mean 'Ada'?\n"
    assert prism(["dashboards", "token", "revoke", "Ada"]) == 0
    assert capsys.readouterr().out == "The token of Ada (id 1) is revoked.\n"
    assert Tokens().find(text) is None


def test_the_log_grows_by_whole_lines_for_this_user_alone(tmp_path):
    path = tmp_path / "log.jsonl"
    first, second = Audit(path), Audit(path)
    for audit in (first, second, first):
        audit.write("opened", reader='A "b"\n{', what="x")
    assert len(path.read_text().splitlines()) == 3
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_log_that_cannot_be_written_is_refused_with_the_way_out(tmp_path):
    with pytest.raises(InvalidInput, match="cannot be written .*; name another file in PRISM_READER_LOG"):
        Audit(tmp_path)


@pytest.mark.parametrize(
    ("text", "count"), [("200M", 200_000_000), ("1.5 GB", 1_500_000_000), ("10k", 10_000), ("7", 7)]
)
def test_a_size_is_read_with_its_unit(text, count):
    assert size(text) == count


@pytest.mark.parametrize("text", ["", "0", "-1M", "200 T", "M", "1e9", "nan"])
def test_what_is_no_size_is_refused(text):
    with pytest.raises(InvalidInput, match="max_upload must be a number of bytes such as 200M, and is"):
        size(text)


def test_rules_are_checked_before_a_server_starts(tmp_path):
    for wrong, sentence in {
        "viewers": "viewers must be between 1 and 1000, and is 0",
        "idle_minutes": "idle_minutes must be more than 0, and is 0",
    }.items():
        with pytest.raises(InvalidInput, match=sentence):
            Rules.of(tmp_path, **{wrong: 0})
    with pytest.raises(InvalidInput, match="data_root .*gone is not a folder; name one that exists"):
        Rules.of(tmp_path, data_root=tmp_path / "gone")
    with pytest.raises(InvalidInput, match="is no pattern of addresses"):
        Rules.of(tmp_path, allow_urls=("*",))


def test_pages_read_below_the_folder_unless_another_root_is_named(tmp_path, monkeypatch):
    (tmp_path / "data").mkdir()
    assert Rules.of(tmp_path).environment()["PRISM_DATA_ROOT"] == str(tmp_path)
    monkeypatch.setenv("PRISM_DATA_ROOT", str(tmp_path / "data"))
    assert Rules.of(tmp_path).data_root == tmp_path / "data"
    assert Rules.of(tmp_path, data_root=tmp_path).data_root == tmp_path
    assert os.environ.get("PRISM_READERS") is None


class World:
    """Kernels on paper, and a clock that goes when told."""

    def __init__(self, viewers, starting, each=None):
        self.now, self.alive, self.count = 0.0, set(), 0
        rules = {"viewers": viewers, "starting": starting, "each": each or viewers}
        self.turns = Turns(**rules, lives=self.alive.__contains__, clock=lambda: self.now)

    def enter(self, who, reader=None):
        answer = self.turns.ask(who, who if reader is None else reader)
        if isinstance(answer, Turn):
            self.count += 1
            self.alive.add(f"k{self.count}")
            self.turns.started(answer, f"k{self.count}")
            self.turns.made(answer)
        return answer


def test_who_came_first_is_served_first():
    world = World(viewers=1, starting=9)
    assert isinstance(world.enter("a"), Turn)
    assert world.enter("b") == Line(1, 1)
    assert world.enter("c") == Line(2, 2)
    world.alive.clear()
    assert world.enter("c") == Line(2, 2)  # b is next, and asks in a moment
    assert isinstance(world.enter("b"), Turn)
    assert world.enter("c") == Line(1, 1)


def test_who_left_the_line_is_forgotten():
    world = World(viewers=1, starting=9)
    world.enter("a")
    world.enter("b")
    world.now = 10
    assert world.enter("c") == Line(2, 2)
    world.now = 20
    assert world.enter("c") == Line(1, 1)


def test_a_page_that_fails_before_its_kernel_gives_its_turn_back():
    turns = Turns(viewers=1, starting=1, each=1, lives=lambda _: True)
    turn = turns.ask("a", "a")
    assert isinstance(turns.ask("b", "b"), Line)
    turns.made(turn)
    assert isinstance(turns.ask("b", "b"), Turn)


@given(
    st.integers(1, 5), st.integers(1, 5), st.lists(st.tuples(st.sampled_from("abcdefgh"), st.booleans()), max_size=60)
)
def test_never_are_more_open_than_allowed_and_the_line_has_no_gaps(viewers, starting, steps):
    world = World(viewers, starting)
    for who, ends in steps:
        if ends and world.alive:
            world.alive.pop()
        answer = world.enter(who)
        assert len(world.alive) <= viewers
        if isinstance(answer, Line):
            assert 1 <= answer.place <= answer.length
            assert len(world.alive) == viewers or answer.place > 1


def test_one_reader_takes_so_many_places_and_stands_in_nobodys_way():
    world = World(viewers=4, starting=9, each=2)
    assert [isinstance(world.enter(f"a{i}", reader=1), Turn) for i in range(2)] == [True, True]
    assert world.enter("a2", reader=1) == Enough(2)  # and stands in no line
    assert isinstance(world.enter("b0", reader=2), Turn)
    assert isinstance(world.enter("c0", reader=3), Turn)
    assert world.enter("d0", reader=4) == Line(1, 1)
    assert world.enter("a2", reader=1) == Enough(2)
    world.alive.discard("k1")
    assert world.enter("a2", reader=1) == Line(2, 2)  # behind who stood there
    assert isinstance(world.enter("d0", reader=4), Turn)
    assert world.enter("b1", reader=2) == Line(2, 2)
    assert world.enter("b2", reader=2) == Enough(2)  # one open and one in line


@given(
    st.integers(1, 5), st.integers(1, 5), st.lists(st.tuples(st.sampled_from("abcdefgh"), st.booleans()), max_size=60)
)
def test_no_reader_has_more_open_than_allowed(viewers, each, steps):
    world = World(viewers, 9, each)
    owner = {}
    for who, ends in steps:
        if ends and world.alive:
            world.alive.pop()
        reader = ord(who) % 3
        answer = world.enter(who, reader)
        if isinstance(answer, Turn):
            owner[f"k{world.count}"] = reader
        open_now = [owner[kernel] for kernel in world.alive]
        assert all(open_now.count(reader) <= each for reader in range(3))


def test_places_for_one_reader_are_half_of_all_unless_said():
    for viewers, each in ((1, 1), (2, 1), (3, 2), (50, 25)):
        assert Rules.of(None, viewers=viewers).per_reader == each
    assert Rules.of(None, viewers=10, per_reader=10).per_reader == 10
    for wrong in (0, 11):
        with pytest.raises(InvalidInput, match=f"per_reader must be between 1 and the 10 viewers, and is {wrong}"):
            Rules.of(None, viewers=10, per_reader=wrong)


def test_no_more_pages_are_started_at_once_than_said():
    turns = Turns(viewers=10, starting=2, each=10, lives=lambda _: True)
    first, second = turns.ask("a", "a"), turns.ask("b", "b")
    assert turns.ask("c", "c") == Line(1, 1)
    turns.started(first, "k")
    assert turns.ask("c", "c") == Line(1, 1)  # its kernel runs, its page is not made yet
    turns.made(first)
    assert isinstance(turns.ask("c", "c"), Turn)
    assert turns.count == 3
    turns.made(second)
    assert turns.count == 2


def test_a_book_of_tokens_can_be_read_by_sqlite_alone(tokens):
    tokens.create("Ada")
    link = sqlite3.connect(tokens.path)
    assert link.execute("SELECT name, length(digest) FROM tokens").fetchall() == [("Ada", 64)]
    link.close()
