import logging

from seq2seq_demo import console


def test_tables_align_columns():
    assert console.table(["ab", "c"], [["d", "ef"], ["", "ghi"]]) == "ab    c\nd    ef\n    ghi"
    assert console.table(["ab", "c", "d"], [["e", "fgh", "i"]], str.ljust) == "ab  c    d\ne   fgh  i"
    rows = [["한국", "a"], ["e\u0301", "中"], ["سلام", "b"], ["😀", "c"]]  # wide and zero-width characters
    assert console.table(["", "x"], rows) == "       x\n한국   a\ne\u0301     中\nسلام   b\n😀     c"
    wide = console.table(["", "x", "y"], [["a", "中", "b"], ["a", "bcd", "e"]], str.ljust)
    assert wide == "   x    y\na  中   b\na  bcd  e"


def test_invisible_symbols_are_escaped():
    symbols = [" ", "\u00a0", "\t", "\x1b", "\u0301", "👩\u200d👧", 7]  # joiners are kept
    expected = ["\u2423", "\u237d", "\\t", "\\x1b", "\u0301", "👩\u200d👧", "7"]
    assert [*map(console.visible_symbol, symbols)] == expected


def test_control_characters_are_escaped_in_text():
    for text in ("한국어 سلام\u00e9\n👩\u200d👧", "a\u00a0b\u3000c\td", "می\u200cخواهم\n"):
        assert console.printable(text) == text
    escaped = console.printable("a\x1b[2J\r\u202e\u2066\ud800b\u2028\u200b")
    assert escaped == r"a\x1b[2J\r\u202e\u2066\ud800b\u2028\u200b"
    assert console.one_line("한\n\u200d") == "한\\n\u200d"
    assert console.one_line("a\tb\\t") == "a\\tb\\t"


def test_a_notice_is_one_escaped_line_that_names_options_unless_quiet(capsys, caplog):
    with console.show_notices():
        console.notice("`in_len` 3\x1b\n% of `x`")
    assert capsys.readouterr().err == "--in-len 3\\x1b\\n% of `x`\n"
    with console.show_notices(is_quiet=True):
        console.notice("a")
        console.print_line("b")
        console.print_error("c")
    assert capsys.readouterr() == ("b\n", "c\n")
    assert not caplog.records


def test_python_gets_notices_as_warnings_of_the_program_s_logger(capsys, caplog):
    with console.show_notices(is_quiet=True):
        pass
    console.notice("`in_len` 3%")
    assert caplog.record_tuples == [("seq2seq_demo", logging.WARNING, "`in_len` 3%")]
    assert capsys.readouterr() == ("", "")


def test_messages_hide_the_visible_bar(monkeypatch, capsys):
    monkeypatch.setattr("sys.stderr.isatty", lambda: True)
    monkeypatch.setattr("seq2seq_demo.console.SHOW_AFTER", -1)
    with console.show_notices(), console.ProgressBar("Predicting", 5) as progress:
        for message in (console.notice, console.print_error):
            progress.advance(1)
            assert progress.bar.live.is_started
            message("a")
            assert not progress.bar.live.is_started
            assert capsys.readouterr().err.endswith("a\n")
