"""That the look at pictures finds what is wrong with them."""

from gradmix_lecture.gallery.drawing import in_style, new_figure
from looks import faults


def figure_with(draw):
    with in_style():
        figure = new_figure(4, 3)
        draw(figure.subplots())
        return faults(figure)


def test_a_right_picture_has_no_fault():
    def draw(axes):
        axes.plot([1, 2], [3, 4], label="a")
        axes.legend()

    assert figure_with(draw) == []


def test_empty_axes():
    assert figure_with(lambda axes: axes.set_title("empty")) == ["nothing in the axes titled 'empty'"]


def test_texts_that_cover_each_other():
    def draw(axes):
        axes.plot([0, 1], [0, 1])
        axes.text(0.5, 0.5, "one")
        axes.text(0.51, 0.5, "two")

    assert figure_with(draw) == ["'one' covers 'two'"]


def test_a_text_over_the_edge():
    def draw(axes):
        axes.plot([0, 1], [0, 1])
        axes.text(1.0, 0.5, "far too long for the space that is left here", in_layout=False)

    assert figure_with(draw) == ["'far too long for the space that is left here' reaches over the edge"]


def test_a_line_without_points_and_one_without_a_name():
    def draw(axes):
        axes.plot([1, 2], [float("nan")] * 2, label="gone")
        axes.plot([1, 2], [1, 2], label="unnamed")

    assert figure_with(draw) == ["the line 'gone' has no points", "the line 'unnamed' is in no legend"]
