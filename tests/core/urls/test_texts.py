"""URLs in text and in containers, before and after; ``^`` is Cloud Storage, ``$`` the target."""

import pytest

from tests.core.urls.conftest import Move

OLD = "https://storage.googleapis.com/data/"
NEW = "https://s3.test/data/data/"

PROSE = [
    "See ^a.png.",
    "See ^a.png, then ^b.png; or ^c.png!",
    "(see ^a.png).",
    "Is it ^a.png?",
    "Wait... ^a.png...",
    "Look: ^a.png: there",
    "End ^a.png…",
    "**^a.png**",
    "*^a.png*",
    "_^a.png_",
    "~~^a.png~~",
    "||^a.png||",
    "`^a.png`",
    "\u201c^a.png\u201d and \u2018^b.png\u2019",
    "«^a.png»",
    "见^a.png。",
    "「^a.png」",
    "\uff08^a.png\uff09",
    "a\u00a0^a.png\u00a0b",
    "a\u200b^a.png\u200bb",
    "a\u2028^a.png\u2028b",
    "^a.png\r\n^b.png\n",
    "^a.png\t^b.png",
    "^a.png,^b.png",
    "^a.png;^b.png",
    "^a.png|^b.png",
    "^a.png, ^b.png",
    "1.^a.png",
    "-^a.png",
    "x=^a.png",
    "@^a.png",
    "view-source:^a.png",
    "text:^a.png",
    ">>^a.png",
    "y ^a-b_c~d/ x",
    "x ^a.png- y",
    "Photo: ^a.png is here, see?",
    "^a.png is here",
]

MARKUP = [
    "![alt](^a.png)",
    '[a](^a.png "title")',
    "[a](^a.png 'title')",
    "[a](^a.png (title))",
    "[a](<^a.png>)",
    "[a]: ^a.png",
    '[a]: <^a.png> "title"',
    "[![b](^b.png)](^a.png)",
    "<^a.png>",
    "<^a.png|label>",
    "[^a.png label]",
    "[label|^a.png]",
    "{{^a.png}}",
    "!^a.png!",
    '"label":^a.png.',
    "image::^a.png[Alt text]",
    "`label <^a.png>`_",
    r"\url{^a.png} \href{^b.png}{text}",
    "[img]^a.png[/img]",
    "[img]^a.png[/img][img]^b.png[/img]",
    "[url=^a.png]text[/url]",
    '[url="^a.png"]text[/url]',
    "[url]^a.png[/url]",
    '<img src="^a.png">',
    "<img src='^a.png'/>",
    "<img src=^a.png>",
    '<img src="^a.png" alt="x">',
    '<a href="^a.png">^a.png</a>',
    "<p>^a.png</p>",
    "<!-- ^a.png -->",
    "<![CDATA[^a.png]]>",
    '<img srcset="^a.png 1x, ^b.png 2x">',
    '<img srcset="^a 480w,^b 800w">',
    "background: url(^a.png) no-repeat",
    "background: url('^a.png')",
    'background: url( "^a.png" )',
    "background: url( ^a.png )",
    '@import "^a.css";',
    "url: ^a.png\nother: '^b.png'\n",
    "- ^a.png # comment",
    "{'u': '^a.png', 'v': [\"^b.png\"]}",
    "INSERT INTO t VALUES ('^a.png', \"^b.png\");",
    "curl -o x '^a.png' && wget ^b.png",
    "|^a.png|x|",
    '{"u": "^a.png", broken',
    '{"u": "^a.png"}\n{"u": "^b.png"}',
    '["^a.png","^b.png"]',
    '  "^a.png"  ',
    "data:text/html,<img src='^a.png'>",
]

SPELLED = [
    ("See https://data.storage.googleapis.com/a.png.", "See $a.png."),
    ("copy gs://data/a.png, gs://data/b.png", "copy $a.png, $b.png"),
    ("gs://data/a b.png#12", "$a%20b.png"),
    ("gs://data/a%20b.png", "$a%2520b.png"),
    ("  gs://data/a.png\n", "  $a.png\n"),
    ("^a b.png", "$a%20b.png"),
    ("^my holiday (1).png", "$my%20holiday%20%281%29.png"),
    ("^a b.png?alt=media", "$a%20b.png"),
    ("^a)", "$a%29"),
    ("^a.", "$a."),
    ("^It's.png", "$It%27s.png"),
    ("^【final】.pdf", "$%E3%80%90final%E3%80%91.pdf"),
    ('"^a b.png"', '"$a%20b.png"'),
    ("x '^a b.png' y", "x '$a%20b.png' y"),
    ("x `^a b.png` y", "x `$a%20b.png` y"),
    ("[a](^a b.png)", "[a]($a%20b.png)"),
    ('[a](^a b.png "t")', '[a]($a%20b.png "t")'),
    ("[a](<^a b>)", "[a](<$a%20b>)"),
    ("[a](^a(b).png)", "[a]($a%28b%29.png)"),
    ("[a](<^a(b>)", "[a](<$a%28b>)"),
    (r"[a](^a\)b.png)", "[a]($a%29b.png)"),
    (r"x ^a\_b.png y", r"x $a\_b.png y"),
    ("url(^a b.png)", "url($a%20b.png)"),
    ("[url=^a b.png]x[/url]", "[url=$a%20b.png]x[/url]"),
    ("<img src='^I'm.png'>", "<img src='$I%27m.png'>"),
    ("('^I''m.png', 'x')", "('$I%27m.png', 'x')"),
    ("[a](^a.png)[b](mailto:x@y.z)", "[a]($a.png)[b](mailto:x@y.z)"),
    ("x ^a_(b).png y", "x $a_%28b%29.png y"),
    ("x ^a,b;c.png y", "x $a%2Cb%3Bc.png y"),
    ("x ^a.png?v=1#t=2 y", "x $a.png#t=2 y"),
    ("^a.svg#icon", "$a.svg#icon"),
    ("x ^a?b=(c) y", "x $a y"),
    ('src="//storage.googleapis.com/data/a.png"', 'src="$a.png"'),
    ("url(//data.storage.googleapis.com/a.png)", "url($a.png)"),
    ("https://cdn.example.com/a.png", "https://s3.test/data/media/a.png"),
    ("^a.png and https://s3.test/data/x", "$a.png and https://s3.test/data/x"),
]

UNTOUCHED = [
    "s/https:\\/\\/storage.googleapis.com\\/data\\/a/x/",
    "logs://storage.googleapis.com/data/a and x-gs://data/a.png",
    "metric storage.googleapis.com/network/sent_bytes_count",
    "https://proxy.test/?url=storage.googleapis.com/data/a.png",
    "const base = '^' + name;",
    "`^${name}.png`",
    "gs://data/${DIR}/a and gs://data/$DIR/b",
    "http://{{ params.BUCKET }}.storage.googleapis.com/a",
    '"^a/../b.png"',
]


def expand(text: str) -> str:
    return text.replace("^", OLD).replace("$", NEW)


@pytest.mark.parametrize("text", PROSE + MARKUP)
def test_only_the_url_changes_and_what_surrounds_it_stays(moved: Move, text: str) -> None:
    assert moved(expand(text)) == expand(text.replace("^", "$"))


@pytest.mark.parametrize(("before", "after"), SPELLED)
def test_a_key_is_what_its_container_and_spelling_say(moved: Move, before: str, after: str) -> None:
    assert moved(expand(before)) == expand(after)


@pytest.mark.parametrize("text", UNTOUCHED)
def test_what_is_no_url_of_an_object_stays(moved: Move, text: str) -> None:
    text = text.replace("^", OLD)
    assert moved(text) == text


MARKDOWN_DOCUMENT = """\
# Release ^notes.md

Screens: ![one](^img/1.png "One"), ![two](<^img/2 b.png>) and <^img/3.png>.

| file | link |
| --- | --- |
| a | ^a.zip |
| b | [b](^b_(1).zip) |

    gsutil cp gs://data/raw/*.csv .

Bucket: ^ (do not touch). More at ^docs/index.html#top.

[ref]: ^ref.pdf 'Reference'
"""

MIGRATED_DOCUMENT = """\
# Release $notes.md

Screens: ![one]($img/1.png "One"), ![two](<$img/2%20b.png>) and <$img/3.png>.

| file | link |
| --- | --- |
| a | $a.zip |
| b | [b]($b_%281%29.zip) |

    gsutil cp gs://data/raw/*.csv .

Bucket: ^ (do not touch). More at $docs/index.html#top.

[ref]: $ref.pdf 'Reference'
"""


def test_a_markdown_document_keeps_everything_but_its_urls(moved: Move) -> None:
    assert moved(expand(MARKDOWN_DOCUMENT)) == expand(MIGRATED_DOCUMENT)


def test_an_html_page_keeps_everything_but_its_urls(moved: Move) -> None:
    page = (
        "<!doctype html>\n<html><head><style>body{background:url(^bg(1).png)}</style>\n"
        '<link rel=icon href="^icon.svg?v=2#i"><script>var u={"a":"^x.js"};</script></head>\n'
        "<body style=\"background-image:url(&quot;^a.png&quot;)\"><img src='^a&amp;b.png'\n"
        'srcset="^s.png 1x, ^m.png 2x"><a href="https://fonts.googleapis.com/x">^a.png</a></body>'
    )
    expected = (
        "<!doctype html>\n<html><head><style>body{background:url($bg%281%29.png)}</style>\n"
        '<link rel=icon href="$icon.svg#i"><script>var u={"a":"$x.js"};</script></head>\n'
        "<body style=\"background-image:url(&quot;$a.png&quot;)\"><img src='$a%26b.png'\n"
        'srcset="$s.png 1x, $m.png 2x"><a href="https://fonts.googleapis.com/x">$a.png</a></body>'
    )
    assert moved(expand(page)) == expand(expected)
