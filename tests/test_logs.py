"""Log lines as text and as JSON."""

from __future__ import annotations

import json
import logging

import pytest

from mydia.logs import JsonFormatter, TextFormatter


@pytest.mark.parametrize("name", ["a\n12:00:00 error mydia.web  forged", "a\r\nb", "a\x1b[2Jb", "a\x85b", "a\u2028b"])
def test_a_line_break_in_a_file_name_does_not_start_a_log_line(name: str) -> None:
    record = logging.makeLogRecord({"name": "mydia.test", "levelname": "INFO", "msg": "file found", "file": name})
    text = TextFormatter().format(record)
    assert len(text.splitlines()) == 1
    assert "\x1b" not in text
    line = JsonFormatter().format(record)
    assert "\n" not in line
    assert "\r" not in line
    assert json.loads(line)["file"] == name
