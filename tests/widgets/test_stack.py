"""A stack holds what is to be seen, in the order of its parts, and nothing else."""

import panel as pn
import pytest

from prism_widgets.stack import Stack


class Inside(pn.viewable.Viewer):
    def __init__(self, pane):
        super().__init__()
        self.pane = pane

    def __panel__(self):
        return self.pane


@pytest.fixture
def panes():
    return [pn.pane.HTML(word) for word in ("first", "second", "third")]


def shown(stack):
    return stack.__panel__().objects


def test_a_hidden_part_is_no_part_of_the_page_until_it_is_shown(panes):
    panes[1].visible = False
    stack = Stack(*panes)
    assert shown(stack) == [panes[0], panes[2]]
    panes[1].visible = True
    assert shown(stack) == panes
    panes[0].visible = False
    assert shown(stack) == panes[1:]


def test_so_is_one_that_says_nothing_and_a_column_that_holds_nothing(panes):
    column = pn.Column()
    stack = Stack(column, *panes)
    panes[2].object = ""
    assert shown(stack) == panes[:2]
    column.append(pn.pane.HTML("inside"))
    assert shown(stack) == [column, *panes[:2]]


def test_parts_are_put_in_by_their_place_among_all_of_them(panes):
    panes[0].visible = False
    stack = Stack(*panes, margin=3)
    late = pn.pane.HTML("late")
    stack.insert(1, late)
    stack.extend([pn.pane.HTML("last")])
    panes[0].visible = True
    assert [pane.object for pane in shown(stack)] == ["first", "late", "second", "third", "last"]
    assert stack.__panel__().margin == 3


def test_a_viewer_is_what_it_shows(panes):
    stack = Stack(Inside(panes[0]), Inside(Stack()), Stack(panes[1]))
    assert shown(stack)[0] is panes[0]
    assert [part.objects for part in shown(stack)[1:]] == [[panes[1]]]


def test_the_page_of_a_hidden_part_has_no_model_of_it(panes):
    panes[1].visible = False
    model = Stack(*panes).__panel__().get_root()
    assert len(model.children) == 2
