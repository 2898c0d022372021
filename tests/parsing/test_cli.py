"""`mydia parse`."""

import io
import json

from mydia.parsing.cli import main


def test_text_output_shows_fields_spans_and_confidence(capsys):
    assert main(["--hint", "tv", "Copper.Lane.S02E07.720p.HDTV.x264-GRP"]) == 0
    shown = capsys.readouterr().out
    assert "Copper Lane" in shown
    assert "HDTV-720p" in shown
    assert "at 12-15" in shown
    assert "99% sure" in shown


def test_json_output_has_spans_and_confidence(capsys):
    assert main(["--json", "Orchard.2012.1080p.BluRay-GRP"]) == 0
    (answer,) = json.loads(capsys.readouterr().out)
    assert answer["fields"]["title"] == "Orchard"
    assert answer["spans"]["year"] == [[8, 12]]
    assert 0 < answer["confidence"]["title"] <= 1
    assert answer["quality"]["name"] == "Bluray-1080p"


def test_a_refused_name_prints_the_reason_and_exits_with_1(capsys):
    assert main(["08bbc153931ce3ca5fcafe1b92d3297285feb061.mkv"]) == 1
    assert "refused: a checksum" in capsys.readouterr().out


def test_a_dash_reads_names_from_standard_input(capsys, monkeypatch):
    monkeypatch.setattr("sys.stdin", io.StringIO("Orchard.2012\nCopper.Lane.S01E01\n"))
    assert main(["-"]) == 0
    shown = capsys.readouterr().out
    assert "Orchard" in shown
    assert "Copper Lane" in shown
