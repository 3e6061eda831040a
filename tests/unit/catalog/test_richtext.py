import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.features.catalog.importing.richtext_rules import plain_text, sanitize_html


@pytest.mark.parametrize(
    ("html", "safe"),
    [
        ("<p>Plain <strong>and</strong> <em>simple</em>.</p>", "<p>Plain <strong>and</strong> <em>simple</em>.</p>"),
        ("No markup, 3 < 4 & more", "No markup, 3 &lt; 4 &amp; more"),
        ("<script>alert(1)</script><p>x</p>", "<p>x</p>"),
        ("<style>p{color:red}</style><p style='color:red' class='a' id='b'>x</p>", "<p>x</p>"),
        ("<p onclick='x()'>x</p>", "<p>x</p>"),
        ("<iframe src='https://videos.example/1'></iframe><p>x</p>", "<p>x</p>"),
        ("<svg><script>alert(1)</script></svg>x", "x"),
        ("<meta charset='utf-8'><font color=red>x</font>", "x"),
        ("<!-- note --><p>x</p>", "<p>x</p>"),
        ("<p>never closed", "<p>never closed</p>"),
        ("<a href='javascript:alert(1)'>x</a>", '<a rel="noopener noreferrer nofollow">x</a>'),
        ("<a href='jAvA\tscript:alert(1)'>x</a>", '<a rel="noopener noreferrer nofollow">x</a>'),
        ("<a href='data:text/html,x'>x</a>", '<a rel="noopener noreferrer nofollow">x</a>'),
        ("<a href='/collections/all'>x</a>", '<a rel="noopener noreferrer nofollow">x</a>'),
        ("<a href='//evil.example'>x</a>", '<a rel="noopener noreferrer nofollow">x</a>'),
        (
            "<a href='https://a.example/?x=1' target='_blank'>x</a>",
            '<a href="https://a.example/?x=1" rel="noopener noreferrer nofollow">x</a>',
        ),
        (
            "<a href='mailto:shop@kontor.example'>x</a>",
            '<a href="mailto:shop@kontor.example" rel="noopener noreferrer nofollow">x</a>',
        ),
        (
            "<img src='https://images.kontor.example/a.jpg' alt='A' onerror='x()'>",
            '<img src="https://images.kontor.example/a.jpg" alt="A">',
        ),
        ("<img src='mailto:a@b.example' alt='A'>", '<img alt="A">'),
    ],
)
def test_keeps_what_is_safe(html, safe):
    assert sanitize_html(html) == safe


@pytest.mark.parametrize(
    ("html", "words"),
    [
        ("", ""),
        ("<p>one</p><p>two</p>", "one two"),
        ("<ul><li>a</li><li>b</li></ul>", "a b"),
        ("line<br>break", "line break"),
        ("un<b>break</b>able", "unbreakable"),
        ("230&nbsp;g &amp; more &lt;3", "230 g & more <3"),
        ('<img alt="a > b" src="https://a.example/x.jpg">text', "text"),
    ],
)
def test_takes_the_words_out_of_the_markup(html, words):
    assert plain_text(html) == words


@given(st.text() | st.text(alphabet="<>/\"'= aonerscipthf:#&;!-"))
def test_cleaning_what_is_clean_changes_nothing(html):
    once = sanitize_html(html)

    assert sanitize_html(once) == once
    assert "<script" not in once
