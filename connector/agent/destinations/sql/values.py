"""Values of JSON as values of columns, and back."""

import base64
import json
from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import Any, Final

import sqlalchemy as sa

_MOST: Final = 2**63 - 1


class Number(sa.types.UserDefinedType[Any]):
    """A number of any size, exactly as it is. SQLAlchemy's own type rounds in SQLite."""

    cache_ok = True

    def get_col_spec(self, **_: Any) -> str:
        """Return the database's name for it."""
        return "NUMERIC"

    def bind_processor(self, dialect: sa.Dialect) -> Any:
        """Return the conversion of a value to write: PostgreSQL would round a float to 15 digits."""
        if dialect.name != "postgresql":
            return None
        return lambda value: Decimal(repr(value)) if isinstance(value, float) else value


def column_type(value: Any, *, is_key: bool) -> sa.types.TypeEngine[Any]:
    """Return the type of a new column for a value: a text, a number, a boolean or JSON."""
    if isinstance(value, bool):
        return sa.Boolean()
    if isinstance(value, int | float):
        return sa.BigInteger() if is_key else Number()  # a key is whole, another number may not stay so
    if isinstance(value, dict | list):
        return sa.JSON(none_as_null=True)
    return sa.Text()


def stored(value: Any, column: "sa.Column[Any]") -> Any:
    """Return a value as its column stores it. Raises ValueError with the reason if it doesn't fit."""
    kind = column.type
    if value is None or isinstance(kind, sa.JSON):
        return value
    if isinstance(kind, sa.Boolean):
        return _require(value, bool, "must be true or false")
    if isinstance(kind, Number | sa.Float | sa.Integer):
        return _number(value, whole=isinstance(kind, sa.Integer))
    if isinstance(kind, sa.DateTime | sa.Date | sa.Time):
        return _moment(value, kind)
    if isinstance(kind, sa.String):
        return _text(value)
    return value


def shown(value: Any) -> Any:
    """Return a value of a row as JSON."""
    if isinstance(value, Decimal):
        is_whole = abs(value) <= _MOST and value == value.to_integral_value()
        return int(value) if is_whole else float(value)
    if isinstance(value, datetime | date | time):
        return value.isoformat().replace("+00:00", "Z")
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    if value is None or isinstance(value, str | bool | int | float | dict | list):
        return value
    return str(value)


def _text(value: Any) -> str:
    if isinstance(value, str):
        if "\0" in value:
            raise ValueError("has a zero character, which a database can't store")
        return value
    return json.dumps(value, ensure_ascii=False)


def _number(value: Any, *, whole: bool) -> Any:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ValueError("must be a number, as in the other rows")  # noqa: TRY004 - as for all values
    if whole and value != int(value):
        raise ValueError("must be a whole number, as in the other rows")
    if abs(value) > _MOST and isinstance(value, int):
        raise ValueError("is too large for a database")
    return int(value) if whole else value


def _moment(value: Any, kind: sa.types.TypeEngine[Any]) -> Any:
    text = _require(value, str, "must be a time such as 2026-11-18T09:00:00Z")
    if isinstance(kind, sa.Date):
        return date.fromisoformat(text[:10])
    if isinstance(kind, sa.Time):
        return time.fromisoformat(text)
    moment = datetime.fromisoformat(text)
    if isinstance(kind, sa.DateTime) and kind.timezone:
        return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return moment.astimezone(UTC).replace(tzinfo=None) if moment.tzinfo else moment


def _require(value: Any, kind: type, otherwise: str) -> Any:
    if not isinstance(value, kind):
        raise ValueError(otherwise)  # noqa: TRY004 - as for all values
    return value
