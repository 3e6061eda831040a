from tests.bench import frames


def test_a_frame_begins_with_its_length_kind_flags_and_stream():
    assert frames.frame(frames.DATA, frames.END_STREAM, 5, b"ab") == b"\x00\x00\x02\x00\x01\x00\x00\x00\x05ab"


def test_a_call_is_headers_and_one_message():
    sent = frames.call(1, b"HEADERS", b"message")

    assert sent == (
        frames.frame(frames.HEADERS, frames.END_HEADERS, 1, b"HEADERS")
        + frames.frame(frames.DATA, frames.END_STREAM, 1, b"\x00\x00\x00\x00\x07message")
    )


def test_writes_the_length_of_long_headers_in_more_than_a_byte():
    # RFC 7541 5.1: 127 + 73 * 1, and 127 + (17 + 3 * 128).
    assert b"\x00\x01a\x7f\x49" + b"x" * 200 in frames.call_headers("/x", [("a", "x" * 200)])
    assert b"\x00\x01a\x7f\x91\x03" + b"x" * 528 in frames.call_headers("/x", [("a", "x" * 528)])


def test_knows_a_good_end():
    assert frames.ended_well(b"\x00\x0bgrpc-status\x010\x00\x0cx-request-id\x01a")
    assert not frames.ended_well(b"\x00\x0bgrpc-status\x0213")
    assert not frames.ended_well(b"")
