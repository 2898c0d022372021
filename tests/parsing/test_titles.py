"""Normal form and similarity of titles."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mydia.parsing import normalise_title, similarity, sort_title

SAME = 0.9
DIFFERENT = 0.7


@pytest.mark.parametrize(
    ("left", "right"),
    [
        ("The Matrix", "Matrix, The"),
        ("The Matrix", "matrix"),
        ("Law & Order", "Law and Order"),
        ("Amélie", "Amelie"),
        ("Rocky II", "Rocky 2"),
        ("Dune: Part Two", "Dune Part 2"),
        ("Marvel's Agents of S.H.I.E.L.D.", "Marvels Agents of SHIELD"),
        ("Spider-Man", "Spider Man"),
        ("Spider-Man", "SpiderMan"),
        ("Straße", "Strasse"),
        ("進撃の巨人 2", "進撃の巨人2"),
        ("ＡＢＣ", "abc"),
        ("Fast + Furious", "Fast & Furious"),
        ("Henry VIII", "Henry 8"),
        ("John Wick 4", "John Wick: Chapter 4"),
        ("Ocean's 11", "Ocean's Eleven"),
        ("M.A.S.H.", "M*A*S*H"),
    ],
)
def test_two_spellings_of_one_title_are_similar(left, right):
    assert similarity(left, right) >= SAME


@pytest.mark.parametrize(
    ("left", "right"),
    [
        ("Alien", "Aliens"),
        ("It", "It Follows"),
        ("It", "If"),
        ("The Matrix", "The Matrix Reloaded"),
        ("Rocky", "Rocky II"),
        ("Toy Story 2", "Toy Story 3"),
        ("Star Wars", "Star Trek"),
        ("Up", "Us"),
        ("進撃の巨人", "進撃の巨人 2"),
        ("The Office", "Office Space"),
        ("", "Alien"),
    ],
)
def test_different_titles_are_not_similar_however_many_letters_they_share(left, right):
    assert similarity(left, right) < DIFFERENT


def test_a_typo_in_a_long_title_is_tolerated():
    assert similarity("Everything Everywhere All at Once", "Everythng Everywhere All at Once") >= 0.8


def test_a_title_that_is_only_an_article_keeps_it():
    assert normalise_title("The") == "the"
    assert normalise_title("V") == "v"


@pytest.mark.parametrize(
    ("title", "sorted_by"),
    [
        ("The 100", "00100"),
        ("A Quiet Place", "quiet place"),
        ("Matrix, The", "matrix"),
        ("The", "the"),
        ("Élite", "elite"),
    ],
)
def test_the_sort_form_drops_the_article_and_pads_numbers(title, sorted_by):
    assert sort_title(title) == sorted_by


@given(st.text(max_size=60), st.text(max_size=60))
def test_similarity_is_symmetric_and_between_0_and_1(left, right):
    likeness = similarity(left, right)
    assert 0 <= likeness <= 1
    assert likeness == pytest.approx(similarity(right, left), abs=0.25)


@given(st.text(max_size=60))
def test_normalising_is_idempotent_and_a_title_is_similar_to_itself(title):
    normal = normalise_title(title)
    assert similarity(title, title) == (1.0 if normal else 0.0)
