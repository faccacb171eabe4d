"""Markup to put URLs and writing into, with encoders of its own.

A piece of text that was made from a URL keeps its number, so that it can be found again in what
was put around it. A markup that escapes its content ends what is inside it: `closed`.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from random import Random

from tests.core.urls.fuzz.spellings import percent

Span = tuple[str, int]
"""Some text, and the number of the URL that it is; -1 for what is none."""

Spans = Sequence[Span]


@dataclass(frozen=True, slots=True)
class Markup:
    """One way to put something into a text.

    ``slot``: it takes one URL, not a text. ``closed``: what is inside it ends where it does.
    ``refuses``: what may not stand in it as itself. ``nested``: a foreign URL around ours.
    """

    name: str
    render: Callable[[Spans], Spans]
    slot: bool = False
    closed: bool = True
    refuses: str = ""
    nested: bool = False


def _around(
    head: str, tail: str, encode: Callable[[str], str] | None = None
) -> Callable[[Spans], Spans]:
    def render(spans: Spans) -> Spans:
        inner = spans if encode is None else [(encode(text), url) for text, url in spans]
        return [(head, -1), *inner, (tail, -1)]

    return render


# Encoders. Each spells one character after the other, so that parts can be encoded apart.


def _json(ascii_only: bool, slash: str) -> Callable[[str], str]:
    return lambda text: json.dumps(text, ensure_ascii=ascii_only)[1:-1].replace("/", slash)


def _unicode_escapes(text: str) -> str:
    for character in "&<>'=":
        text = text.replace(character, f"\\u{ord(character):04x}")
    return text


def _go_json(text: str) -> str:
    return _unicode_escapes(json.dumps(text, ensure_ascii=False)[1:-1])


def _twice(text: str) -> str:
    return json.dumps(json.dumps(text)[1:-1])[1:-1]


def _html(text: str) -> str:
    return (
        text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace('"', "&quot;")
    )


def _html_single(text: str) -> str:
    return _html(text).replace("'", "&#39;")


def _html_wordpress(text: str) -> str:
    return _html(text.replace("&", "\0")).replace("\0", "&#038;")


def _html_slashes(text: str) -> str:
    return _html_single(text).replace("/", "&#x2F;").replace("=", "&#x3D;")


def _doubled(mark: str) -> Callable[[str], str]:
    return lambda text: text.replace(mark, mark + mark)


def _form(text: str) -> str:
    return percent(text, " ").replace(" ", "+")


def _php(spans: Spans) -> Spans:
    size = len("".join(text for text, _ in spans).encode())
    return [(f'a:1:{{s:3:"url";s:{size}:"', -1), *spans, ('";}', -1)]


def _proxy_path(spans: Spans) -> Spans:
    mark = "&" if any("?" in text for text, _ in spans) else "?"
    return [("https://i0.wp.test/", -1), *spans, (f"{mark}w=300&ssl=1", -1)]


def _utf16(text: str) -> int:
    return len(text.encode("utf-16-le")) // 2


def _ranges(spans: Spans) -> list[tuple[int, int]]:
    """Offset and length of each URL in the text of ``spans``, in UTF-16 code units."""
    ranges = []
    at = 0
    for text, url in spans:
        size = _utf16(text)
        if url >= 0:
            ranges.append((at, size))
        at += size
    return ranges


def _draft(spans: Spans) -> Spans:
    found = _ranges(spans)
    links = [{"offset": at, "length": size, "key": key} for key, (at, size) in enumerate(found)]
    end = sum(_utf16(text) for text, _ in spans)
    styles = [{"offset": end, "length": 0, "style": "BOLD"}]
    tail = {"type": "unstyled", "depth": 0, "inlineStyleRanges": styles, "entityRanges": links}
    encode = _json(ascii_only=False, slash="/")
    inner = [(encode(text), url) for text, url in spans]
    return [
        ('{"blocks":[{"key":"a1","text":"', -1),
        *inner,
        (f'",{json.dumps(tail)[1:-1]},"data":{{}}}}],"entityMap":{{}}}}', -1),
    ]


def _telegram(spans: Spans) -> Spans:
    entities = [{"offset": at, "length": size, "type": "url"} for at, size in _ranges(spans)]
    encode = _json(ascii_only=True, slash="/")
    inner = [(encode(text), url) for text, url in spans]
    return [
        (f'{{"message_id":7,"entities":{json.dumps(entities)},"text":"', -1),
        *inner,
        ('"}', -1),
    ]


def _open(name: str, head: str, tail: str, refuses: str = "") -> Markup:
    """Markup around one URL that escapes nothing."""
    return Markup(name, _around(head, tail), slot=True, closed=False, refuses=refuses)


def _text(name: str, head: str, tail: str, encode: Callable[[str], str] | None = None) -> Markup:
    """Markup around writing, which may hold anything."""
    return Markup(name, _around(head, tail, encode))


def _value(
    name: str, head: str, tail: str, encode: Callable[[str], str], nested: bool = False
) -> Markup:
    """Markup around one URL, escaped."""
    return Markup(name, _around(head, tail, encode), slot=True, nested=nested)


MARKUP = {
    "markdown": [
        _open("link", "[it](", ")", "()"),
        _open("image", "![alt](", ")", "()"),
        _open("titled", "[a](", ' "title")', "()"),
        _open("sized", "![p](", " =100x)", "()"),
        _open("angle", "[a](<", ">)"),
        _open("definition", "\n[a]: ", "\n"),
        _open("table", "| a | ", " | b |\n"),
        _open("tight table", "|", "|b|"),
        _open("autolink", "<", ">"),
        _open("bold", "**", "**", "*"),
        _open("code", "`", "`"),
        _open("quote", "\n> ", "\n> more"),
        _open("item", "\n- ", "\n- next"),
    ],
    "html": [
        _value("attribute", '<img src="', '" alt="x">', _html),
        _value("single quotes", "<a href='", "'>see</a>", _html_single),
        _value("wordpress", '<img src="', '"/>', _html_wordpress),
        _value("slashes", '<a href="', '">', _html_slashes),
        _text("text", "<p>", "</p>", _html),
        _text("title", '<p title="', '">x</p>', _html),
        _open("unquoted", "<img src=", " alt=x>", " '=`"),
        _open("element", "<loc>", "</loc>"),
        _open("cdata", "<![CDATA[", "]]>", "]"),
        _open("srcset", '<img srcset="', ' 1x, /b.png 2x">', ", "),
        _open("comment", "<!-- ", " -->"),
    ],
    "json": [
        _text("object", '{"n":1,"u":"', '","z":[true]}', _json(ascii_only=True, slash="/")),
        _text("unicode", '{"u": "', '"}', _json(ascii_only=False, slash="/")),
        _text("slashes", '["', '"]', _json(ascii_only=True, slash="\\/")),
        _text("go", '{"u":"', '"}', _go_json),
        _text("tiptap", '{"type":"text","text":"', '"}', _json(ascii_only=False, slash="/")),
        _text("quill", '{"ops":[{"insert":"', '\\n"}]}', _json(ascii_only=False, slash="/")),
        _value("quill image", '{"ops":[{"insert":{"image":"', '"}}]}', _json(False, "/")),
        _text("string", '"', '"', _json(ascii_only=False, slash="/")),
    ],
    "json in json": [
        _text("twice", '{"body":"{\\"u\\":\\"', '\\"}"}', _twice),
        _text("embedded", '{"body":"<p>', '</p>"}', lambda text: _json(True, "\\/")(_html(text))),
    ],
    "csv": [
        _open("cell", "7,", ",active,2020", ","),
        _open("semicolons", "7;", ";image/png", ";"),
        _open("tabs", "7\t", "\tactive"),
        _text("quoted cell", '7,"', '",active', _doubled('"')),
    ],
    "yaml": [
        _open("plain", "url: ", "\nname: Foo\n"),
        _open("flow", "{url: ", ", name: Foo}", ",}"),
        _text("double quotes", 'url: "', '"\n', _json(ascii_only=False, slash="/")),
        _value("single quotes", "url: '", "'\n", _doubled("'")),
    ],
    "css": [
        _open("url", "a{background:url(", ") no-repeat}", "() '\""),
        _open("quoted", "background:url('", "')", "'"),
        _open("import", '@import "', '";'),
        _open("image-set", "image-set(url(", ") 1x)", "() '\""),
    ],
    "wiki": [
        _open("img", "[img]", "[/img]", "["),
        _open("url", "[url=", "]text[/url]", "[]"),
        _open("mediawiki", "[", " label]", " []"),
        _open("slack", "<", "|label>"),
        _open("org", "[[", "][label]]", "[]"),
        _open("rst", "`label <", ">`_"),
        _open("latex", "\\href{", "}{x}", "{}%#&_"),
        _open("ruby", '{"url"=>"', '"}'),
    ],
    "php": [Markup("serialised", _php)],
    "query": [
        _value("encoded", "https://p.test/?u=", "&w=1", percent, nested=True),
        _value(
            "lower case", "https://p.test/?u=", "&w=1", lambda t: percent(t, "", True), nested=True
        ),
        _value("twice", "https://p.test/?u=", "#x", lambda t: percent(percent(t)), nested=True),
        _text("share", "https://wa.test/?text=", "&x=1", percent),
        Markup("form", _around("https://wa.test/?text=", "&x=1", _form), refuses=" +"),
        _text("mail", "mailto:a@b.test?body=", "&x=1", percent),
        _value("in a path", "https://px.test/", "?w=300", percent, nested=True),
        Markup("proxied", _proxy_path, slot=True, nested=True, refuses=" ?#&"),
    ],
    "draft": [Markup("draft.js", _draft), Markup("telegram", _telegram)],
    "sql": [
        _value("insert", "INSERT INTO t VALUES (7,'", "',NULL);", _doubled("'")),
        _open("copy", "7\t", "\t\\N\n"),
    ],
    "programs": [
        _open("shell", "gsutil cp ", " . && ls", " '&;()*$"),
        _open("quoted shell", "curl -o x '", "'", "'"),
        _open("log", "2024-01-01T00:00:00Z GET ", " 200 12ms"),
        _open("javascript", "const u = `", "`;"),
        _open("python", "{'u': '", "', 'n': 1}", "'"),
        _open("graphql", '{ image(url: "', '") { id } }'),
        _open("playlist", "#EXTINF:9.6,\n", "\n"),
        _open("key", '#EXT-X-KEY:URI="', '",IV=0x1\n'),
        _open("vcard", "PHOTO;MEDIATYPE=image/png:", "\r\nEND:VCARD"),
        _open("link header", "Link: <", ">; rel=preload"),
    ],
}


def random_markup(random: Random) -> Markup:
    """A markup of a random kind."""
    return random.choice(random.choice(_KINDS))


_KINDS = list(MARKUP.values())
