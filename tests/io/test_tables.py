"""Tables: every way to write one gives the same columns, every slip its sentence naming the cell."""

import numpy as np
import pytest

from latentinv.errors import InputError, StorageError
from latentinv.io._tables import read_table


@pytest.fixture
def write(tmp_path):
    def write(text, encoding="utf-8"):
        path = tmp_path / "wells.csv"
        path.write_bytes(text.encode(encoding))
        return path

    return write


PLAIN = "x,y,facies\n1.5,2,0\n-3e1,4,1\n"


@pytest.mark.parametrize(
    ("text", "encoding"),
    [
        (PLAIN, "utf-8"),
        (PLAIN, "utf-8-sig"),
        (PLAIN.replace(",", ";"), "utf-8"),
        (PLAIN.replace(",", "\t"), "utf-8"),
        (PLAIN.replace("\n", "\r\n"), "utf-8"),
        (PLAIN.rstrip("\n"), "utf-8"),
        (PLAIN.upper().replace(",", " , "), "utf-8"),
        ('"x","y","facies"\n"1.5","2","0"\n"-3e1","4","1"\n', "utf-8"),
        ("name,facies,y,x\nB1,0,2,1.5\nB2,1,4,-30\n", "utf-8"),
        ("sep=;\nx;y;facies\n1,5;2;0\n-30,0;4;1\n", "utf-8"),
        ("x\ty\tfacies\n1,5\t2\t0\n-30\t4\t1\n", "utf-8"),
        ("  x  y   facies\n 1.5  2  0\n-30  4 1\n", "utf-8"),
        ("Easting [m],Y_UTM,Lith\n1.5,2,0\n-30,4,1\n", "utf-8"),
        ("X (metres);North;Facies-Code\n1.5;2;0\n-30;4;1\n", "utf-8-sig"),
        ("boreholes of May\n3\nX\nY\nfacies\n1.5 2 0\n-30 4 1\n", "utf-8"),
    ],
    ids=[
        "plain",
        "byte order mark",
        "semicolon",
        "tab",
        "crlf",
        "no last newline",
        "case",
        "quoted",
        "others",
        "sep and decimal commas",
        "tabs and decimal commas",
        "blanks",
        "synonyms",
        "units",
        "point set of GSLIB",
    ],
)
def test_that_a_table_reads_the_same_however_it_is_written(write, text, encoding):
    table = read_table(write(text, encoding), ("x", "y", "facies"))
    assert list(table.columns) == ["x", "y", "facies"]
    np.testing.assert_array_equal(table.columns["x"], [1.5, -30.0])
    np.testing.assert_array_equal(table.columns["y"], [2.0, 4.0])
    np.testing.assert_array_equal(table.columns["facies"], [0.0, 1.0])
    assert table.file == "wells.csv"
    first = 1 + text.rstrip("\n").count("\n") - 1
    assert table.lines == (first, first + 1)


def test_that_blank_lines_and_comments_are_skipped_but_counted(write):
    table = read_table(write("# survey of May\n\nx,y\n  \n1,2\n # moved\n3,4\n"), ("x", "y"))
    np.testing.assert_array_equal(table.columns["x"], [1.0, 3.0])
    assert table.lines == (5, 7)


def test_that_an_optional_column_is_read_only_where_it_is(write):
    path = write("x,y,e\n1,2,0.5\n")
    assert list(read_table(path, ("x", "y"), ("e", "f")).columns) == ["x", "y", "e"]


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", r"wells\.csv is empty; expected a header line"),
        ("# only a remark\n\n", r"wells\.csv is empty; expected a header line"),
        ("x,y,facies\n", r"wells\.csv has a header but no data"),
        (
            "x,facies\n1,2\n",
            r"has no column y; its columns are x, facies; expected x, y, facies and if wanted e",
        ),
        ("x,y,y,facies\n1,2,2,0\n", "has more than one column for y: 'y' and 'y'; keep one"),
        ("East,x_utm,y,facies\n1,2,2,0\n", "has more than one column for x: 'East' and 'x_utm'; keep one"),
        ("x (ft),y (ft),facies\n1,2,0\n", r"has the column 'x \(ft\)', but coordinates are in metres; convert it"),
        ("x,y,facies\n1,-999.25,0\n", r"line 2, column y holds '-999.25', which usually stands for a missing value"),
        ("x,y,facies\n1,2,-9999\n", r"line 2, column facies holds '-9999', which usually stands for a missing"),
        ("x,y,facies\n1,2,0\n\n1,2\n", r"wells\.csv, line 4 has 2 cells, but the header has 3 columns"),
        ("x,y,facies\n1,2,0,7\n", r"line 2 has 4 cells, but the header has 3 columns"),
        ("x,y,facies\n1,2,0\n1,two,0\n", r"wells\.csv, line 3, column y holds 'two', which is not a number"),
        (
            "x;y;facies\n1;2,5;0\n3.5;2;0\n",
            r"numbers with a decimal comma \(line 2\) and with a decimal point \(line 3\); write all",
        ),
        (
            "x;y;facies\n1,500;2;0\n",
            r"line 2 holds '1,500', which can mean 1\.500 or 1500; write numbers with a",
        ),
        ("x,y,facies\n1,2_0,0\n", r"line 2, column y holds '2_0', which is not a number"),
        ("x,y,facies\n1,2,nan\n", r"line 2, column facies holds 'nan', which is not finite"),
        ("x,y,facies\n1,-inf,0\n", r"line 2, column y holds '-inf', which is not finite"),
        ("x,y,facies\n1, ,0\n", r"line 2, column y is empty; give a number or remove the line"),
        ("x,y,facies,e\n1,2,0,maybe\n", r"line 2, column e holds 'maybe', which is not a number"),
    ],
)
def test_that_a_slip_is_named_by_file_line_and_column(write, text, sentence):
    with pytest.raises(InputError, match=sentence):
        read_table(write(text), ("x", "y", "facies"), ("e",))


def test_that_columns_that_are_not_used_are_told(write):
    table = read_table(write("id,x,z,y,unit\nB1,1,9,2,m\n"), ("x", "y"))
    assert table.unused == ("id", "z")


def test_that_an_exact_name_goes_before_a_synonym(write):
    table = read_table(write("x,easting,y\n1,9,2\n"), ("x", "y"))
    assert (table.columns["x"].tolist(), table.unused) == ([1.0], ("easting",))


def test_that_a_file_in_another_encoding_is_refused(write):
    with pytest.raises(InputError, match=r"wells\.csv is not text in UTF-8"):
        read_table(write("x,y\n1,2\n# größer\n", "latin-1"), ("x", "y"))


def test_that_a_missing_file_and_a_folder_are_refused(tmp_path):
    with pytest.raises(StorageError, match=r"There is no file .*absent\.csv; check the path"):
        read_table(tmp_path / "absent.csv", ("x",))
    with pytest.raises(StorageError, match="cannot be read"):
        read_table(tmp_path, ("x",))
