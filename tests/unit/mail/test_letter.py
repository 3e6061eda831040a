"""The two bodies of a mail."""

from server.mail.letter import CodeToType, Link, Paragraph, Table, write_mail


def test_writes_both_bodies() -> None:
    mail = write_mail(
        to="ada@example.com",
        subject="Tea & <biscuits>",
        blocks=[
            Paragraph("Hello <b>Ada</b>,"),
            Link("Open", "https://shop.example/?a=1&b=2"),
            CodeToType("ABCDE-12345"),
            Table([["Teapot", "2", "EUR 40.00"], ["Cup & saucer", "10", "EUR 5.00"]]),
        ],
        language="en",
    )

    assert (mail.to, mail.subject) == ("ada@example.com", "Tea & <biscuits>")
    assert mail.text == (
        "Hello <b>Ada</b>,\n\n"
        "Open:\nhttps://shop.example/?a=1&b=2\n\n"
        "    ABCDE-12345\n\n"
        "Teapot        2   EUR 40.00\n"
        "Cup & saucer  10   EUR 5.00\n"
    )
    assert mail.html is not None
    assert "<title>Tea &amp; &lt;biscuits&gt;</title>" in mail.html
    assert "<p>Hello &lt;b&gt;Ada&lt;/b&gt;,</p>" in mail.html
    assert 'href="https://shop.example/?a=1&amp;b=2">Open</a>' in mail.html
    assert "Cup &amp; saucer" in mail.html


def test_an_empty_table_is_empty() -> None:
    mail = write_mail(to="a@b.example", subject="s", blocks=[Table([])], language="en")

    assert mail.text == "\n"
