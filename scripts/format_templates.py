"""Lay the templates out: one element or block a line where it does not fit, two spaces a level, 120 columns.

Usage: scripts/format_templates.py [--check] [files]. What a template renders stays the same, by the rule of `mydia.web.markup`.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

import itertools

from mydia.web.markup import JINJA, Kind, pieces

FOLDERS = (ROOT / "mydia" / "web" / "templates", ROOT / "tests" / "web" / "example")
WIDTH = 120
_STEP = "  "
_VOID = {
    "area",
    "base",
    "br",
    "col",
    "embed",
    "hr",
    "img",
    "input",
    "link",
    "meta",
    "source",
    "track",
    "wbr",
    "path",
    "use",
    "rect",
    "circle",
    "line",
}
_INLINE = {
    "a",
    "abbr",
    "b",
    "bdi",
    "bdo",
    "br",
    "button",
    "code",
    "em",
    "i",
    "img",
    "input",
    "kbd",
    "label",
    "mark",
    "q",
    "s",
    "select",
    "small",
    "span",
    "strong",
    "sub",
    "summary",
    "sup",
    "svg",
    "time",
    "u",
    "use",
    "option",
    "path",
}
_BLOCKS = ("if", "for", "macro", "call", "block", "with", "filter", "autoescape", "raw")
_STRINGS = re.compile(r"""'(?:\\.|[^'\\])*'|"(?:\\.|[^"\\])*\"""")


@dataclass
class Leaf:
    """A tag, a word, an expression, a statement or a comment. `glued`: nothing stands between it and the one before."""

    text: str
    kind: str
    glued: bool = True


@dataclass
class Group:
    """What an opening and a closing piece enclose; a Jinja block may have several branches."""

    branches: list[tuple[Leaf, list[Node]]]
    end: Leaf | None = None
    glued: bool = True
    element: bool = field(default=False, kw_only=True)

    @property
    def name(self) -> str:
        """The element's or the block's."""
        return _name(self.branches[0][0].text)


type Node = Leaf | Group


def _name(text: str) -> str:
    found = re.match(r"</?([\w-]+)|</?(\{\{.*?\}\})|\{%[-+]?\s*(\w+)", text)
    return next((one for one in found.groups() if one), "") if found else ""


def parse(source: str) -> list[Node]:
    """Return the template as a tree; a tag whose partner stands in another branch remains a leaf."""
    root = Group([(Leaf("", "root"), [])])
    open_: list[Group] = [root]

    def add(node: Node) -> None:
        open_[-1].branches[-1][1].append(node)

    spaced = False
    for kind, piece in pieces(source):
        if kind is Kind.TEXT:
            first = True
            for word in re.finditer(r"\S+", piece):
                gap = piece[: word.start()] if first else " "
                add(Leaf(word[0], "word", glued=not (spaced or (gap and ("\n" not in gap)))))
                first, spaced = False, False
            tail = piece if first else piece[len(piece.rstrip()) :]
            spaced = bool(tail) and "\n" not in tail
            continue
        leaf = Leaf(_tidy(piece, kind), kind.value, glued=not spaced)
        spaced = False
        name = _name(leaf.text)
        if kind is Kind.TAG and piece.startswith("</"):
            if open_[-1].element and open_[-1].name == name:
                open_[-1].end = leaf
                open_.pop()
            else:
                add(leaf)
        elif kind is Kind.TAG and name not in _VOID and not piece.endswith("/>") and not piece.startswith("<!"):
            group = Group([(leaf, [])], glued=leaf.glued, element=True)
            add(group)
            open_.append(group)
        elif kind is Kind.STATEMENT and (name in _BLOCKS or (name == "set" and "=" not in _STRINGS.sub("", piece))):
            group = Group([(leaf, [])], glued=leaf.glued)
            add(group)
            open_.append(group)
        elif kind is Kind.STATEMENT and name in ("else", "elif"):
            while open_[-1].element:
                _unpair(open_)
            open_[-1].branches.append((leaf, []))
        elif kind is Kind.STATEMENT and name.startswith("end"):
            while open_[-1].element:
                _unpair(open_)
            open_[-1].end = leaf
            open_.pop()
        else:
            add(leaf)
    while len(open_) > 1:
        _unpair(open_)
    return root.branches[0][1]


def _unpair(open_: list[Group]) -> None:
    """Turn an element that is never closed where it was opened into a leaf with what follows it beside it."""
    group = open_.pop()
    siblings = open_[-1].branches[-1][1]
    siblings.remove(group)
    start, children = group.branches[0]
    siblings += [start, *children]


def _tidy(piece: str, kind: Kind) -> str:
    if kind is Kind.TAG:
        return re.sub(r"\s*\n\s*", " ", piece).replace(" >", ">")
    if kind is Kind.COMMENT:
        return piece
    inner = " ".join(line.strip() for line in piece.splitlines())
    return re.sub(r"([(\[]) (?=\S)|(?<=\S) (?=[)\]])", lambda m: m[1] or "", inner) if "\n" in piece else piece


def flat(nodes: Iterable[Node]) -> str:
    """Return nodes on one line."""
    out = ""
    for node in nodes:
        out += ("" if node.glued or not out else " ") + _flat(node)
    return out


def _flat(node: Node) -> str:
    if isinstance(node, Leaf):
        return node.text
    out = ""
    for start, children in node.branches:
        out += ("" if start.glued or not out else " ") + start.text
        body = flat(children)
        out += (" " if children and not children[0].glued else "") + body
    if node.end:
        out += ("" if node.end.glued else " ") + node.end.text
    return out


def _blocky(node: Node) -> bool:
    """Say whether a node is always given its own lines."""
    if isinstance(node, Leaf):
        return node.kind == "comment"
    children = list(_children(node))
    if node.element:
        return any(_blocky(child) or (node.name not in _INLINE and _is_block(child)) for child in children)
    holds_more = node.name in ("macro", "block") and any(isinstance(child, Group) for child in children)
    return holds_more or any(_blocky(child) or _is_block(child) for child in children)


def _is_block(node: Node) -> bool:
    if isinstance(node, Leaf):
        return False
    if node.element:
        return node.name not in _INLINE and node.name not in ("dt", "dd", "td", "th", "kbd")
    return any(_is_block(child) for child in _children(node))


def _children(group: Group) -> Iterator[Node]:
    for _, children in group.branches:
        yield from children


def lay_out(nodes: list[Node], indent: str) -> list[str]:
    """Return the lines of nodes, each run of inseparable ones on lines of its own."""
    lines: list[str] = []
    for run in _runs(nodes):
        lines += _lay_run(run, indent)
    return lines


def _runs(nodes: list[Node]) -> Iterator[list[Node]]:
    """Split where a line break renders as nothing and splits no word."""
    run: list[Node] = []
    for node in nodes:
        if run and node.glued and not (_wordy(run[-1]) and _inline(node)) and not (_inline(run[-1]) and _wordy(node)):
            yield run
            run = []
        run.append(node)
    if run:
        yield run


def _wordy(node: Node) -> bool:
    return isinstance(node, Leaf) and node.kind == "word"


def _inline(node: Node) -> bool:
    if isinstance(node, Leaf):
        return node.kind in ("word", "expression") or (node.kind == "tag" and _name(node.text) in _INLINE)
    return not _is_block(node) and not _blocky(node)


def _lay_run(run: list[Node], indent: str) -> list[str]:
    text = flat(run)
    if len(indent) + len(text) <= WIDTH and "\n" not in text and not any(_blocky(node) for node in run):
        return [indent + text]
    if len(run) == 1:
        return _lay_node(run[0], indent)
    # Words and what is inseparable from them: fill the lines, break between words or inside what is enclosed.
    lines = [indent]
    for at, node in enumerate(run):
        gap = "" if node.glued or lines[-1] == indent else " "
        said = _flat(node)
        fits = len(lines[-1]) + len(gap) + len(said) <= WIDTH and not _blocky(node)
        between_words = at > 0 and not node.glued and _wordy(node) and _wordy(run[at - 1])
        # A break is allowed before this node; it is taken if the node and what hangs on it does not fit.
        ahead = len(said)
        for later, following in enumerate(run[at + 1 :], at + 1):
            if not following.glued and _wordy(following) and _wordy(run[later - 1]):
                break
            if isinstance(following, Group) and len(_flat(following)) > 40:
                ahead += len(following.branches[0][0].text)
                break
            ahead += len(_flat(following)) + (not following.glued)
        if between_words and len(lines[-1]) + 1 + ahead > WIDTH:
            lines.append(indent + said)
        elif fits:
            lines[-1] += gap + said
        elif isinstance(node, Group) or "\n" in said or len(indent) + len(said) > WIDTH:
            inner = _lay_node(node, indent)
            lines[-1] += gap + inner[0].removeprefix(indent)
            lines += inner[1:]
        elif node.glued and lines[-1] != indent:
            lines.append(indent + said)
        else:
            lines[-1] += gap + said
    return lines


def _lay_node(node: Node, indent: str) -> list[str]:
    if isinstance(node, Leaf):
        return _lay_leaf(node, indent)
    lines: list[str] = []
    for start, children in node.branches:
        opened = _lay_leaf(start, indent)
        if lines and not start.glued:
            lines[-1] += " " + opened[0].removeprefix(indent)
            lines += opened[1:]
        else:
            lines += opened
        if not children:
            continue
        deeper = indent if re.match(r"\{% block main\b", start.text) else indent + _STEP
        inner = lay_out(children, deeper)
        if not children[0].glued:  # a space that is wanted: it stays within the line
            lines[-1] += " " + inner[0].removeprefix(deeper)
            lines += inner[1:]
        else:
            lines += inner
    if node.end:
        last = [child for _, children in node.branches for child in children]
        if not node.end.glued:
            lines[-1] += " " + node.end.text
        elif not last and len(lines[-1]) + len(node.end.text) <= WIDTH + 20:
            lines[-1] += node.end.text
        else:
            lines.append(indent + node.end.text)
    return lines


def _lay_leaf(leaf: Leaf, indent: str) -> list[str]:
    if leaf.kind == "comment" and ("\n" in leaf.text or len(indent) + len(leaf.text) > WIDTH):
        words = leaf.text.removeprefix("{#").removesuffix("#}").split()
        return _fill(["{#", *words], indent, indent + "   ", last=" #}")
    if len(indent) + len(leaf.text) <= WIDTH:
        return [indent + leaf.text]
    if leaf.kind == "tag":
        return _lay_tag(leaf.text, indent)
    if leaf.kind in ("expression", "statement"):
        return break_expression(leaf.text, indent)
    return [indent + leaf.text]


def _fill(words: list[str], first: str, rest: str, *, last: str = "", width: int = WIDTH) -> list[str]:
    lines = [first + words[0]]
    for at, word in enumerate(words[1:], 1):
        tail = last if at == len(words) - 1 else ""
        if len(lines[-1]) + 1 + len(word) + len(tail) <= width:
            lines[-1] += " " + word
        else:
            lines.append(rest + word)
    lines[-1] += last
    return lines


def _lay_tag(text: str, indent: str) -> list[str]:
    tokens = attributes(text)
    deeper = indent + _STEP * 2
    lines = [indent + tokens[0]]
    for token in tokens[1:]:
        glue = "" if token in {">", "/>"} or token.startswith("{%") else " "
        if len(lines[-1]) + len(glue) + len(token) <= WIDTH - (0 if token in (">", "/>") else 1):
            lines[-1] += glue + token
        elif token in (">", "/>"):
            lines[-1] += token
        elif len(deeper) + len(token) <= WIDTH - 1:
            lines.append(deeper + token)
        else:
            lines += _lay_attribute(token, deeper)
    return lines


def _lay_attribute(token: str, indent: str) -> list[str]:
    """Wrap an attribute that is longer than a line, between the words of its value or inside its expressions."""
    words = _split_outside_jinja(token)
    lines: list[str] = []
    for word in words:
        if lines and len(lines[-1]) + 1 + len(word) <= WIDTH - 1:
            lines[-1] += " " + word
        elif len(indent) + len(word) > WIDTH and JINJA.search(word):
            lines += break_expression(word, indent + (_STEP if lines else ""))
        else:
            lines.append(indent + (_STEP if lines else "") + word)
    return lines


def _split_outside_jinja(text: str) -> list[str]:
    marks: list[str] = []

    def hide(match: re.Match[str]) -> str:
        marks.append(match[0])
        return f"\0{len(marks) - 1}\0"

    hidden = JINJA.sub(hide, text)
    return [re.sub("\0(\\d+)\0", lambda m: marks[int(m[1])], word) for word in hidden.split()]


def attributes(tag: str) -> list[str]:
    """Split a tag into its name, its attributes, what Jinja does between them, and its end."""
    tokens: list[str] = []
    word, quote, depth, at = "", "", 0, 0
    end = "/>" if tag.endswith("/>") else ">"
    body = tag[: -len(end)]
    while at < len(body):
        match = JINJA.match(body, at)
        if match:
            if match[0].startswith("{%") and not quote:
                name = _name(match[0])
                if name in _BLOCKS:
                    if depth == 0 and word:
                        tokens.append(word)
                        word = ""
                    depth += 1
                word += match[0]
                if name.startswith("end"):
                    depth -= 1
                    if depth == 0:
                        tokens.append(word)
                        word = ""
            else:
                word += match[0]
            at = match.end()
            continue
        letter = body[at]
        if quote:
            quote = "" if letter == quote else quote
        elif letter in "\"'":
            quote = letter
        if letter.isspace() and not quote and depth == 0:
            if word:
                tokens.append(word)
            word = ""
        else:
            word += letter
        at += 1
    if word:
        tokens.append(word)
    return [*tokens, end]


def break_expression(text: str, indent: str) -> list[str]:
    """Break a Jinja piece that is longer than a line inside its brackets, or before an operator."""
    if len(indent) + len(text) <= WIDTH:
        return [indent + text]
    spans = _brackets(text)
    if spans:
        start, end = max(spans, key=lambda span: span[1] - span[0])
        if end - start > 24:
            deeper = indent + _STEP
            lines = [indent + text[: start + 1]]
            current = ""
            for argument in _split_commas(text[start + 1 : end]):
                if current and len(deeper) + len(current) + 1 + len(argument) <= WIDTH:
                    current += " " + argument
                    continue
                if current:
                    lines += break_expression(current, deeper)
                current = argument
            if current:
                lines += break_expression(current, deeper)
            return (
                [*lines, *break_expression(text[end:], indent)]
                if len(text) - end > 40
                else [*lines, indent + text[end:]]
            )
    cuts = [at for at in _operators(text) if at > 20 and len(indent) + at <= WIDTH]
    if cuts:
        return [indent + text[: cuts[-1]].rstrip(), *break_expression(text[cuts[-1] :].lstrip(), indent + _STEP)]
    return [indent + text]


def _scan(text: str) -> Iterator[tuple[int, str, int]]:
    depth, at = 0, 0
    while at < len(text):
        match = _STRINGS.match(text, at)
        if match:
            at = match.end()
            continue
        letter = text[at]
        if text[at : at + 2] in ("{{", "{%", "}}", "%}") and depth == 0:
            at += 2
            continue
        if letter in "([{":
            depth += 1
        yield at, letter, depth
        if letter in ")]}":
            depth -= 1
        at += 1


def _brackets(text: str) -> list[tuple[int, int]]:
    spans, start = [], 0
    for at, letter, depth in _scan(text):
        if depth == 1 and letter in "([{":
            start = at
        elif depth == 1 and letter in ")]}":
            spans.append((start, at))
    return spans


def _split_commas(text: str) -> list[str]:
    cuts = [at for at, letter, depth in _scan(text) if letter == "," and depth == 0]
    edges = [0, *(cut + 1 for cut in cuts), len(text)]
    return [part for a, b in itertools.pairwise(edges) if (part := text[a:b].strip())]


def _operators(text: str) -> list[int]:
    outside = {at for at, _, depth in _scan(text) if depth == 0}
    return [
        match.start() + 1
        for match in re.finditer(r" (?:if|else|and|or|~|not|is|\+) ", text)
        if match.start() in outside
    ]


def format_template(source: str) -> str:
    """Return a template laid out."""
    nodes = parse(source)
    lines: list[str] = []
    previous = None
    for node in nodes:
        if not node.glued and previous is not None:
            lines[-1] += " " + "\n".join(_lay_run([node], "")).lstrip()
            continue
        if (
            isinstance(node, Group)
            and node.name == "macro"
            and lines
            and not lines[-1].startswith("{#")
            and not (lines[-1].endswith("#}"))
        ) or (isinstance(node, Leaf) and node.kind == "comment" and lines):
            lines.append("")
        lines += _lay_run([node], "")
        previous = node
    return "\n".join(line.rstrip() for line in lines) + "\n"


def main(arguments: list[str]) -> int:
    """Format, or with `--check` say what is not formatted."""
    check = "--check" in arguments
    named = [Path(one) for one in arguments if not one.startswith("--")]
    files = named or [path for folder in FOLDERS for path in sorted(folder.rglob("*.html"))]
    changed = 0
    for path in files:
        source = path.read_text()
        try:
            laid = format_template(source)
        except IndexError as error:
            raise SystemExit(f"{path}: a block or a quote is not closed") from error
        if laid == source:
            continue
        changed += 1
        print(("would format " if check else "formatted ") + str(path))
        if not check:
            path.write_text(laid)
    return 1 if check and changed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
