"""The layout of templates, and that it never shows in the rendered pages."""

from __future__ import annotations

import pytest
from jinja2 import Environment

from mydia.web.assets import Assets
from mydia.web.markup import Layout
from mydia.web.render import TEMPLATES, Renderer
from scripts.format_templates import WIDTH, format_template

_ENVIRONMENT = Environment(extensions=[Layout], trim_blocks=True, lstrip_blocks=True, autoescape=True)


@pytest.mark.parametrize(
    ("template", "rendered"),
    [
        ("<p>\n  <b>one</b>\n  <i>two</i>\n</p>\n", "<p><b>one</b><i>two</i></p>"),
        ("<p>\n  one\n  two <b>three</b>\n</p>", "<p>one two <b>three</b></p>"),
        ("{% if true %}\n  {{ 1 }}\n{% endif %}\n<br>", "1<br>"),
        ("{{ 'a' }}{{ ' ' }}\n<b>b</b>", "a <b>b</b>"),
        ('<a class="one\n    two"\n    href="/">\n  x\n</a>', '<a class="one two" href="/">x</a>'),
        ('<a\n    {% if true %} aria-current="page"{% endif %}\n>x</a>', '<a aria-current="page">x</a>'),
        ('<a class="x\n  {% if true %}y{% endif %}">z</a>', '<a class="x y">z</a>'),
        ("<pre>{{ 'a\n b' }}</pre>", "<pre>a\n b</pre>"),
        ('<a title="{{ "a > b" }}"\n    id="c">d</a>', '<a title="a &gt; b" id="c">d</a>'),
    ],
)
def test_line_breaks_render_as_nothing_beside_tags_and_as_a_space_between_words(template: str, rendered: str) -> None:
    assert _ENVIRONMENT.from_string(template).render() == rendered


def test_a_template_error_names_the_right_line() -> None:
    with pytest.raises(ZeroDivisionError) as caught:
        _ENVIRONMENT.from_string("<p>\n  <b>\n    {{ 1 / 0 }}\n  </b>\n</p>").render()
    assert caught.traceback[-1].lineno + 1 == 3


@pytest.mark.parametrize(
    "template",
    [
        "<div><p>one <b>two</b> three</p>{% if x %}<p>{{ y }}</p>{% else %}<hr>{% endif %}</div>",
        "{% if x %}<label>{% endif %}<input name='a'>{% if x %}</label>{% endif %}",
        "<p class='" + "word " * 40 + "'{% if x %} hidden{% endif %}>" + "some text <i>and</i> more " * 12 + "</p>",
        "{{ f('" + "x" * 60 + "', one=(1, 2, 3), two={'a': [1, 2]}, three=" + " ~ ".join("abcdefgh") * 4 + ") }}",
        "<ul>{% for a in (1, 2) %}<li>{{ a }} of <b>{{ a }}</b></li>{% endfor %}</ul>",
    ],
)
def test_formatting_a_template_does_not_change_its_output_and_is_stable(template: str) -> None:
    formatted = format_template(template)
    assert format_template(formatted) == formatted
    assert max(map(len, formatted.splitlines())) <= WIDTH

    def render(source: str) -> str:
        names = {"x": True, "y": "y", "f": lambda *a, **k: repr((a, k)), **{letter: letter for letter in "abcdeg"}}
        names["h"] = "h"
        names["ha"] = "ha"
        return _ENVIRONMENT.from_string(source).render(names)

    assert render(formatted) == render(template)


def test_every_template_compiles() -> None:
    renderer = Renderer(Assets())
    renderer.environment.filters["bars"] = str  # the relay's pages bring this one
    for path in sorted(TEMPLATES.rglob("*.html")):
        renderer.environment.get_template(str(path.relative_to(TEMPLATES)))
