"""Many rows at once, past the ORM's compiler of SQL, which costs several times what the database does.

For `record`, `rows` and what changes the past, inside their transaction and under the write lock. Names of tables and
columns come from the models, values are bound as parameters.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from functools import cache, lru_cache
from typing import Any, TypeAlias

from django.db import connection, models

Convert = Callable[[Any], Any]
Field: TypeAlias = "models.Field[Any, Any]"


def insert(model: type[models.Model], columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    """New rows without objects; the database gives them their primary keys."""
    _execute(_insert_sql(model, tuple(columns), connection.vendor), _fields(model, columns), rows)


def save(model: type[models.Model], objects: Sequence[Any]) -> None:
    """Insert those without a primary key, which they get here, and update the others, whole."""
    new = [one for one in objects if one.pk is None]
    for one, pk in zip(new, reserve(model, len(new)), strict=True):
        one.pk = pk
    columns = tuple(field.attname for field in model._meta.concrete_fields)
    rows = ([getattr(one, name) for name in columns] for one in objects)
    _execute(_upsert_sql(model, connection.vendor), _fields(model, columns), rows)


def update(model: type[models.Model], columns: Sequence[str], rows: Mapping[int, Sequence[Any]]) -> None:
    """Some columns of rows that are there, by primary key."""
    fields = _fields(model, columns)
    changes = ", ".join(f"{_quoted(field)} = %s" for field in fields)
    table, key = connection.ops.quote_name(model._meta.db_table), _quoted(model._meta.pk)
    sql = f"UPDATE {table} SET {changes} WHERE {key} = %s"  # noqa: S608
    _execute(sql, [*fields, model._meta.pk], ([*values, pk] for pk, values in rows.items()))


def reserve(model: type[models.Model], count: int) -> list[int]:
    """Primary keys that nobody else will use."""
    if not count:
        return []
    table, key = model._meta.db_table, model._meta.pk.column
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            sequence = "SELECT nextval(pg_get_serial_sequence(%s, %s)) FROM generate_series(1, %s)"
            cursor.execute(sequence, [table, key, count])
            return [pk for (pk,) in cursor.fetchall()]
        # an AUTOINCREMENT table remembers the greatest key that it ever had; an insert with a key moves it on
        cursor.execute("SELECT coalesce(max(seq), 0) FROM sqlite_sequence WHERE name = %s", [table])
        (last,) = cursor.fetchone()
        return list(range(last + 1, last + 1 + count))


def _execute(sql: str, fields: Sequence[Field], rows: Iterable[Sequence[Any]]) -> None:
    converts = [_converter(field) for field in fields]
    bound = [[convert(value) for convert, value in zip(converts, row, strict=True)] for row in rows]
    if bound:
        with connection.cursor() as cursor:
            cursor.executemany(sql, bound)


def _fields(model: type[models.Model], columns: Iterable[str]) -> list[Field]:
    by_name = {field.attname: field for field in model._meta.concrete_fields}
    return [by_name[name] for name in columns]


def _converter(field: Field) -> Convert:
    """From a value to what the database's driver takes."""
    match field:
        case models.DateTimeField():
            return _instant
        case models.JSONField():
            return lambda value: connection.ops.adapt_json_value(value, field.encoder)
        case models.CharField() | models.TextField():
            return _text
        case _:
            return _same


def _same(value: Any) -> Any:
    return value


def _text(value: Any) -> str:
    return value if type(value) is str else str(value)  # members of enumerations are text, too, but not to drivers


@lru_cache(maxsize=4096)
def _instant(value: datetime | None) -> Any:
    return connection.ops.adapt_datetimefield_value(value)


@cache
def _insert_sql(model: type[models.Model], columns: tuple[str, ...], vendor: str) -> str:  # noqa: ARG001
    names = [_quoted(field) for field in _fields(model, columns)]
    marks = ", ".join(["%s"] * len(names))
    return f"INSERT INTO {connection.ops.quote_name(model._meta.db_table)} ({', '.join(names)}) VALUES ({marks})"  # noqa: S608


@cache
def _upsert_sql(model: type[models.Model], vendor: str) -> str:
    columns = tuple(field.attname for field in model._meta.concrete_fields)
    changed = [_quoted(field) for field in model._meta.concrete_fields if not field.primary_key]
    updates = ", ".join(f"{name} = excluded.{name}" for name in changed)
    key = _quoted(model._meta.pk)
    return f"{_insert_sql(model, columns, vendor)} ON CONFLICT ({key}) DO UPDATE SET {updates}"


def _quoted(field: Field) -> str:
    return connection.ops.quote_name(str(field.column))
