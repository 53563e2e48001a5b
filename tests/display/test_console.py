from seq2seq_demo.display.console import say, table


def test_a_table():
    assert table(["ab", "c"], [["d", "ef"], ["", "ghi"]]) == "ab    c\nd    ef\n    ghi"


def test_a_table_with_columns_to_the_left():
    assert table(["ab", "c", "d"], [["e", "fgh", "i"]], str.ljust) == "ab  c    d\ne   fgh  i"


def test_notices_are_said_once_on_standard_error(capsys):
    notices = ["one", "two"]
    say(notices)
    say(notices)
    assert capsys.readouterr() == ("", "one\ntwo\n")
