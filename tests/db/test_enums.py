"""Enum columns: stored as text, read as members."""

from __future__ import annotations

import pytest
from sqlalchemy import Column, Integer, MetaData, Table, create_engine, select, text

from mydia.db import EnumText
from mydia.vocabulary import MediaType

_TABLE = Table("titles", MetaData(), Column("id", Integer, primary_key=True), Column("type", EnumText(MediaType)))


@pytest.fixture
def connection():
    with create_engine("sqlite://").begin() as open_connection:
        _TABLE.metadata.create_all(open_connection)
        yield open_connection


def test_a_member_is_stored_as_its_text_and_read_as_a_member(connection):
    connection.execute(_TABLE.insert(), [{"type": MediaType.TV_SHOW}, {"type": None}])
    assert connection.scalars(text("SELECT type FROM titles ORDER BY id")).all() == ["tv_show", None]
    read = connection.scalars(select(_TABLE.c.type).order_by(_TABLE.c.id)).all()
    assert read[0] is MediaType.TV_SHOW and read[1] is None


def test_an_unknown_value_raises_when_it_is_read(connection):
    connection.execute(text("INSERT INTO titles (type) VALUES ('opera')"))
    with pytest.raises(KeyError, match="opera"):
        connection.scalars(select(_TABLE.c.type)).all()
