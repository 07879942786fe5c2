"""What rows give, beside the columns of their table: settled, or refused with every problem, before a row is read."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from msgspec.structs import replace

from toolkit.errors import InputError, Problem
from toolkit.model.schema import Column, DatabaseSchema, Table
from toolkit.model.seeding import Ids, Lookup, Seeding
from toolkit.wording import meant

_UUID = 36
"""Characters of a UUID."""
_TEXTS = ("text", "character varying", "character", "uuid")


@dataclass(frozen=True, slots=True)
class Staged:
    """A column on stage.

    Attributes:
        number: its place, which its name on stage has.
        name: the column of a row, which may be one that only lookups need.
    """

    number: int
    name: str
    type: str

    @property
    def stage_name(self) -> str:
        """What it is called on stage."""
        return f"v{self.number}_"


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """How rows stand beside their table.

    Attributes:
        source: the columns that are read, in the order of the source's.
        fixed: those that are the same for every row.
        found: those that lookups fill.
        derived: the id that follows from the natural key; None where there is none to derive.
        ids: the primary key, where it is no part of the natural key and is known before the row is inserted.
        update: what is set in rows that are there.
        compared: what else of rows that are there is compared.
    """

    table: Table
    key: tuple[str, ...]
    source: tuple[Staged, ...]
    fixed: tuple[Staged, ...]
    found: tuple[Staged, ...]
    derived: Staged | None
    ids: tuple[str, ...]
    lookups: Mapping[str, Lookup]
    update: tuple[str, ...]
    compared: tuple[str, ...]
    _by_name: Mapping[str, Staged] = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_by_name", {each.name: each for each in self.all})

    @property
    def all(self) -> tuple[Staged, ...]:
        """Every column on stage."""
        return (*self.source, *self.fixed, *self.found, *((self.derived,) if self.derived else ()))

    @property
    def inserted(self) -> tuple[Staged, ...]:
        """Those that a new row gets."""
        own = self.table.column_names
        return tuple(each for each in self.all if each.name in own)

    def staged(self, name: str) -> str:
        """Give what a column is called on stage."""
        return self._by_name[name].stage_name


def lay_out(seeding: Seeding, schema: DatabaseSchema) -> Layout:
    """Settle how the rows of a seeding stand beside its table; InputError with every problem."""
    maker = _Maker(seeding, schema)
    problems = list(maker.problems())
    if problems:
        raise InputError(problems)
    return maker.layout()


@dataclass(slots=True)
class _Maker:
    seeding: Seeding
    schema: DatabaseSchema
    derives: str = ""

    @property
    def table(self) -> Table:
        return self.schema.tables[self.seeding.table]

    @property
    def given(self) -> tuple[str, ...]:
        """What a row gives: by itself, by `set`, and by what lookups find."""
        return (*self.seeding.source.columns, *self.seeding.fixed, *self.seeding.lookups)

    def layout(self) -> Layout:
        seeding, table = self.seeding, self.table
        numbers = iter(range(len(self.given) + 1))

        def staged(names: Iterable[str]) -> tuple[Staged, ...]:
            return tuple(Staged(next(numbers), name, self._type(name)) for name in names)

        fixed = staged(seeding.fixed)
        source, found = staged(seeding.source.columns), staged(seeding.lookups)
        derived = staged([self.derives])[0] if self.derives else None
        settable = [name for name in self.given if name in table.column_names and name not in self._unchanging()]
        update = tuple(settable if seeding.update is None else seeding.update)
        return Layout(
            table=table,
            key=seeding.key,
            source=source,
            fixed=fixed,
            found=found,
            derived=derived,
            ids=self._ids() if self.derives or all(name in self.given for name in table.primary_key) else (),
            lookups={name: self._completed(name, each) for name, each in seeding.lookups.items()},
            update=update,
            compared=tuple(name for name in settable if name not in update and name not in seeding.fixed),
        )

    def problems(self) -> Iterator[Problem]:
        seeding, tables = self.seeding, self.schema.tables
        if seeding.table not in tables:
            yield _wrong("table", f"there is no table {seeding.table}{meant(seeding.table, tables)}")
            return
        yield from self._lookup_problems()
        yield from self._column_problems()
        yield from self._id_problems()
        yield from self._required_problems()
        for name in seeding.key:
            if name not in self.table.column_names:
                yield _wrong("key", f"{self.table.name} has no column {name}{meant(name, self.table.column_names)}")
            elif name not in self.given:
                yield _wrong("key", f"no row gives {name}; add it to the rows, or to `set` or `lookup`")
        for name in seeding.update or ():
            if name not in self.given or name not in self.table.column_names:
                yield _wrong("update", f"no row gives {name}{meant(name, self.given)}")
            elif name in self._unchanging():
                yield _wrong("update", f"{name} says which row it is, and cannot be updated")

    def _column_problems(self) -> Iterator[Problem]:
        seeding, table = self.seeding, self.table
        needed = {name for lookup in seeding.lookups.values() for name in lookup.key.values()}
        for name in (*seeding.source.columns, *seeding.fixed):
            own = name in seeding.source.columns
            message = ""
            if own and name in seeding.fixed:
                message = f"rows give {name}, and `set` does as well; leave it out of one"
            elif name in seeding.lookups:
                message = f"{name} is given, and `lookup` finds it as well; leave it out of one"
            elif name in table.column_names:
                if table.column(name).generated:
                    message = f"{name} is computed by the database; leave it out"
            elif name not in needed:
                message = f"{table.name} has no column {name}{meant(name, table.column_names)}"
            if message:
                yield seeding.source.problem(0, name, message) if own else _wrong(f"set.{name}", message)

    def _lookup_problems(self) -> Iterator[Problem]:
        tables, given = self.schema.tables, (*self.seeding.source.columns, *self.seeding.fixed)
        for name, lookup in self.seeding.lookups.items():
            at = f"lookup.{name}"
            if name not in self.table.column_names:
                yield _wrong(at, f"{self.table.name} has no column {name}{meant(name, self.table.column_names)}")
            if lookup.table not in tables:
                yield _wrong(f"{at}.table", f"there is no table {lookup.table}{meant(lookup.table, tables)}")
                continue
            columns = tables[lookup.table].column_names
            for theirs, ours in lookup.key.items():
                if theirs not in columns:
                    yield _wrong(f"{at}.key", f"{lookup.table} has no column {theirs}{meant(theirs, columns)}")
                if ours not in given:
                    yield _wrong(f"{at}.key.{theirs}", f"no row gives {ours}{meant(ours, given)}")
            taken = self._completed(name, lookup).column
            if taken not in columns:
                what = f"{lookup.table} has no column {taken}" if taken else "no foreign key leads there"
                yield _wrong(f"{at}.column", f"{what}; say which column of {lookup.table} is taken")

    def _id_problems(self) -> Iterator[Problem]:
        ids, given = self._ids(), self.given
        names = ", ".join(ids)
        if self.seeding.ids is Ids.KEPT:
            for name in ids:
                if name not in given:
                    yield _wrong("ids", f"the rows do not give {name}; `ids: derived` makes it of the natural key")
        elif any(name in given for name in ids):
            yield _wrong("ids", f"the rows give {names} themselves: say `ids: kept`, or leave it out of them")
        elif self.seeding.ids is Ids.DERIVED and ids:
            kinds = [self.table.column(name).type for name in ids]
            if len(ids) > 1 or not _takes_uuid(kinds[0]):
                what = f"{names} is {kinds[0]}" if len(ids) == 1 else f"{names} are several columns"
                yield _wrong(
                    "ids", f"{what}, and a UUID is no value of it: `ids: database` takes its default, `kept` the rows'"
                )
            else:
                self.derives = ids[0]

    def _required_problems(self) -> Iterator[Problem]:
        for column in self.table.columns:
            if column.name not in (*self.given, *self.seeding.key, self.derives) and _required(column):
                if column.name in self._ids() and self.seeding.ids is not Ids.DATABASE:
                    continue
                message = f"no row gives {column.name}, which must have a value and has no default"
                yield self.seeding.source.problem(0, column.name, message)

    def _ids(self) -> tuple[str, ...]:
        return tuple(name for name in self.table.primary_key if name not in self.seeding.key)

    def _unchanging(self) -> frozenset[str]:
        return frozenset((*self.seeding.key, *self.table.primary_key))

    def _completed(self, name: str, lookup: Lookup) -> Lookup:
        if lookup.column:
            return lookup
        pointing = [key for key in self.table.foreign_keys if key.parent == lookup.table and name in key.columns]
        taken = {key.parent_columns[key.columns.index(name)] for key in pointing}
        primary = self.schema.tables[lookup.table].primary_key
        if not taken and len(primary) == 1:
            taken = {primary[0]}
        return replace(lookup, column=taken.pop() if len(taken) == 1 else "")

    def _type(self, name: str) -> str:
        """The type of a value: of the table's column, else of what a lookup compares it with."""
        if name in self.table.column_names:
            return self.table.column(name).type
        return next(
            self.schema.tables[lookup.table].column(theirs).type
            for lookup in self.seeding.lookups.values()
            for theirs, ours in lookup.key.items()
            if ours == name
        )


def _takes_uuid(kind: str) -> bool:
    name, _, length = kind.partition("(")
    return name in _TEXTS and (not length or int(length.rstrip(")")) >= _UUID)


def _required(column: Column) -> bool:
    return not (column.nullable or column.has_default or column.identity or column.generated)


def _wrong(argument: str, message: str) -> Problem:
    return Problem(path=f"seed.{argument}", message=message)
