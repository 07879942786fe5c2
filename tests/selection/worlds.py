"""Random worlds and scopes: few rows, every kind of rule, reference and key, and names that break careless SQL."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.strategies import DrawFn

from tests.caseless import respelled
from tests.selection.statements import SCHEMAS, quoted
from tests.selection.world import (
    CASELESS,
    LEFT_OUT,
    SECOND,
    Column,
    Condition,
    Declared,
    Edge,
    Reference,
    Row,
    Rule,
    Table,
    Value,
    World,
)
from tests.sweeps import examples
from toolkit.model.scope import BackupType, Demo, Scope

TABLE_NAMES = (
    *("businesses", "Order", "select", 'qu"ote', "it's", "100%", "{brace}", "ünï", "back\\slash", "why", "t"),
    *(f"{SECOND}.t", f"{SECOND}.Order", f"{SECOND}.a.b", f"{LEFT_OUT}.t", f"{LEFT_OUT}.other"),
)
COLUMN_NAMES = (
    *("id", "Name", "from", 'dou"ble', "o'clock", "%s", "{x}", "ß", "\\", "why", "mine", "round", "row_id", "part_id"),
    *("k0", "t", "s", "o", "$1", ":p", "xmin_", "a-b", "UPPER", "table", "b", "c", "i", "n", "u", "q"),
)
TEXTS = ("", "a", "A", "b'", "\\N", "é", "%a%", 'x"y', "\t", "NULL")
INTEGERS, STRINGS = ("integer", "bigint"), ("text", "character varying", 'text COLLATE "C"')


def search(count: int, swept: int = 0) -> settings:
    """Random search; the worlds of one laboratory take turns, so no test needs a clean one."""
    return settings(
        max_examples=examples(count, swept),
        derandomize=False,
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
    )


often = st.sampled_from([True, True, True, False])
sometimes = st.sampled_from([False, False, True])
seldom = st.sampled_from([False, False, False, False, True])


@dataclass(slots=True)
class _Draft:
    """A table while it is being made up; rows are changed in place."""

    name: str
    names: list[str]
    columns: dict[str, Column] = field(default_factory=dict)
    key: tuple[str, ...] = ()
    unique: list[tuple[str, ...]] = field(default_factory=list)
    rows: list[dict[str, Value]] = field(default_factory=list)
    rule: Rule = field(default_factory=lambda: Rule(category=""))
    present: bool = True
    partitioned: bool = False
    kind: str = ""
    rank: str = ""

    def add(self, kind: str, *, nullable: bool = False) -> str:
        """A new column with the next free name."""
        name = self.names.pop()
        self.columns[name] = Column(type=kind, nullable=nullable)
        return name

    @property
    def targets(self) -> list[tuple[str, ...]]:
        """The keys that a foreign key can point at."""
        return [key for key in (self.key, *self.unique) if key]


@st.composite
def worlds(draw: DrawFn) -> World:
    """A world of 2 to 7 tables, 0 to 6 rows each and up to 4 tenants, whose foreign keys hold."""
    names = draw(st.permutations(TABLE_NAMES))[: draw(st.integers(2, 7))]
    # the tenants are in a schema that is covered
    names.sort(key=lambda name: name.startswith(LEFT_OUT))
    if names[0].startswith(LEFT_OUT):
        names[0] = TABLE_NAMES[0]
    drafts = {name: _table(draw, name, tenant=not number) for number, name in enumerate(names)}
    tenant = drafts[names[0]]
    pointing = _references(draw, drafts)
    _repair(drafts, pointing)
    _classify(draw, drafts, tenant)
    references = _declarable(drafts, pointing)
    for draft in drafts.values():
        if draft.rule.category == "business":
            draft.rule = _rule(draw, drafts, references, draft, is_tenant=draft is tenant)
    keys = [key[0] for key in tenant.targets if len(key) == 1 and not tenant.columns[key[0]].nullable]
    flags = [name for name, column in tenant.columns.items() if column.type == "boolean"]
    return World(
        tables={name: _finished(draft) for name, draft in drafts.items()},
        references=tuple(references),
        schema=draw(st.sampled_from(SCHEMAS)),
        tenant=tenant.name,
        key=draw(st.sampled_from(keys)),
        label=draw(st.sampled_from(["", tenant.kind])),
        demo=draw(st.sampled_from(["", flags[0], flags[0]])),
    )


@st.composite
def scopes(draw: DrawFn, world: World) -> Scope:
    """A scope that fits a world."""
    key = world.tables[world.tenant].columns[world.key]
    keys = sorted(str(row[world.key]) for row in world.tables[world.tenant].rows)
    named = draw(st.lists(st.sampled_from(keys), unique=True, min_size=1, max_size=3)) if keys else []
    optional: dict[str, int | None] = {}
    for name, table in world.tables.items():
        if table.rule.optional and draw(often):
            limited = table.rule.newest_by and draw(often)
            optional[name] = draw(st.integers(1, 3)) if limited else None
    return Scope(
        type=draw(st.sampled_from(BackupType)),
        businesses=tuple(str(_spelled(draw, key, name)) for name in named) if draw(st.booleans()) else (),
        demo=draw(st.sampled_from([*Demo, Demo.INCLUDE])),
        optional=optional,
    )


# tables and rows


def _table(draw: DrawFn, name: str, *, tenant: bool) -> _Draft:
    first = draw(st.integers(0, len(COLUMN_NAMES) - 1))
    draft = _Draft(name, [*COLUMN_NAMES[first:], *COLUMN_NAMES[:first]])
    count = draw(st.integers(0 if draw(seldom) else 1, 4)) if tenant else draw(st.integers(0, 6))
    shape = "single" if tenant else draw(st.sampled_from(["single", "single", "double", "none"]))
    values: list[Mapping[str, Value]] = [{} for _ in range(count)]
    if shape == "single":
        text = draw(st.booleans())
        column = draft.add(draw(st.sampled_from((*STRINGS, CASELESS) if text else INTEGERS)))
        draft.key = (column,)
        # no two of the first are equal whatever their case
        texts = [each for each in TEXTS[1:] if each != "A" or draft.columns[column].type != CASELESS]
        values = [{column: value} for value in (texts if text else range(count))[:count]]
    elif shape == "double":
        draft.key = (draft.add("integer"), draft.add("integer"))
        values = [dict(zip(draft.key, divmod(number, 2), strict=True)) for number in range(count)]
    # the type has no hash by which rows could be distributed
    hashed = bool(draft.key) and draft.columns[draft.key[0]].type != CASELESS
    draft.partitioned = hashed and not tenant and draw(sometimes)
    if not draft.partitioned and draw(st.booleans()):
        nullable = draw(st.booleans())
        code = draft.add(draw(st.sampled_from((*STRINGS, CASELESS))), nullable=nullable)
        draft.unique.append((code,))
        values = [
            {**row, code: None if nullable and draw(seldom) else TEXTS[-1 - number]}
            for number, row in enumerate(values)
        ]
    draft.kind, draft.rank = draft.add("text", nullable=True), draft.add("integer", nullable=True)
    data = {draft.kind: st.sampled_from([None, "a", "b"]), draft.rank: st.sampled_from([None, 1, 1, 2])}
    if tenant:
        data[draft.add("boolean", nullable=True)] = st.sampled_from([None, False, False, True])
    draft.rows = [{**row, **draw(st.fixed_dictionaries(data))} for row in values]
    return draft


def _finished(draft: _Draft) -> Table:
    return Table(
        name=draft.name,
        columns=draft.columns,
        key=draft.key,
        unique=tuple(draft.unique),
        rows=tuple(draft.rows),
        rule=draft.rule,
        present=draft.present,
        partitioned=draft.partitioned,
    )


# references


def _references(draw: DrawFn, drafts: dict[str, _Draft]) -> list[Reference]:
    """Random references, their columns added to the children and filled."""
    made: list[Reference] = []
    for child in drafts.values():
        for _ in range(draw(st.integers(0, 3))):
            # most applications point at their tenants, and at the table itself, more than at any other
            parent = drafts[draw(st.sampled_from([*drafts, *list(drafts)[:1] * 2, child.name]))]
            reference = _reference(draw, child, parent)
            made.append(reference)
            if draw(seldom):
                made.append(_twin(draw, child, parent, reference))
    return list(dict.fromkeys(made))


def _twin(draw: DrawFn, child: _Draft, parent: _Draft, reference: Reference) -> Reference:
    """The same columns pointing at other columns of the same parent, as only the catalog file can say."""
    wanted = [_family(child.columns[name]) for name in reference.columns]
    columns = [name for name, column in parent.columns.items() if _family(column) in wanted]
    chosen = draw(st.permutations(columns))[: len(wanted)]
    fits = [_family(parent.columns[name]) for name in chosen] == wanted
    target = tuple(chosen) if fits else reference.parent_columns
    return replace(reference, parent_columns=target, declared=Declared.CATALOG)


def _family(column: Column) -> tuple[str, ...]:
    """The types that can be compared with a column's."""
    return next((family for family in (INTEGERS, STRINGS, (CASELESS,)) if column.type in family), ())


def _reference(draw: DrawFn, child: _Draft, parent: _Draft) -> Reference:
    loose = not parent.targets or draw(seldom)
    # a reference that only the catalog file declares may lead to any column, even one that is not unique
    target = (parent.kind,) if loose else draw(st.permutations(draw(st.sampled_from(parent.targets))))
    declared = Declared.CATALOG if loose else draw(st.sampled_from(Declared))
    if declared is Declared.NOT_VALID and (child.partitioned or parent.partitioned):
        declared = Declared.FOREIGN_KEY
    reused = _reusable(draw, child, parent, target) if draw(seldom) else ()
    columns = reused or _new_columns(draw, child, parent, target)
    reference = Reference(
        child=child.name, columns=columns, parent=parent.name, parent_columns=tuple(target), declared=declared
    )
    if not reused:
        _point(draw, child, parent, reference)
    return reference


def _reusable(draw: DrawFn, child: _Draft, parent: _Draft, target: Sequence[str]) -> tuple[str, ...]:
    """Columns of the child that fit the target's types, its own key's among them; empty when there are none."""
    chosen: list[str] = []
    for name in target:
        family = _family(parent.columns[name])
        fitting = [each for each, column in child.columns.items() if column.type in family and each not in chosen]
        if not fitting:
            return ()
        chosen.append(draw(st.sampled_from(fitting)))
    return tuple(chosen)


def _new_columns(draw: DrawFn, child: _Draft, parent: _Draft, target: Sequence[str]) -> tuple[str, ...]:
    nullable = draw(st.booleans())
    families = (_family(parent.columns[name]) for name in target)
    return tuple(child.add(draw(st.sampled_from(family)), nullable=nullable) for family in families)


def _point(draw: DrawFn, child: _Draft, parent: _Draft, reference: Reference) -> None:
    """Let the rows of the child point at rows of the parent, at nothing, or, where nothing forbids it, nowhere."""
    nullable = child.columns[reference.columns[0]].nullable
    for row in child.rows:
        goal = draw(st.sampled_from(parent.rows)) if parent.rows else None
        for name, theirs in zip(reference.columns, reference.parent_columns, strict=True):
            nowhere: Value = 99 if parent.columns[theirs].type in INTEGERS else "nowhere"
            row[name] = nowhere if goal is None else _spelled(draw, child.columns[name], goal[theirs])
            if (nullable and draw(seldom)) or (row[name] is None and not nullable):
                row[name] = None if nullable else nowhere
            elif not reference.enforced and draw(seldom):
                row[name] = nowhere


def _spelled(draw: DrawFn, column: Column, value: Value) -> Value:
    """A value as it is, or otherwise where that is equal."""
    return respelled(value) if isinstance(value, str) and column.type == CASELESS and draw(st.booleans()) else value


def _repair(drafts: Mapping[str, _Draft], references: Sequence[Reference]) -> None:
    """Make every enforced reference hold: set NULL what may be, drop the row otherwise, until nothing dangles."""
    changed = True
    while changed:
        changed = False
        for reference in references:
            child, parent = drafts[reference.child], drafts[reference.parent]
            if reference.enforced:
                for row in list(child.rows):
                    if _dangles(row, reference, parent):
                        changed = True
                        free = [name for name in reference.columns if child.columns[name].nullable]
                        row.update(dict.fromkeys(free)) if free else child.rows.remove(row)


def _dangles(row: Row, reference: Reference, parent: _Draft) -> bool:
    columns = [parent.columns[name] for name in reference.parent_columns]
    values = [column.normal(row[name]) for column, name in zip(columns, reference.columns, strict=True)]
    goals = ([parent.columns[name].normal(each[name]) for name in reference.parent_columns] for each in parent.rows)
    return None not in values and values not in goals


# rules


def _classify(draw: DrawFn, drafts: Mapping[str, _Draft], tenant: _Draft) -> None:
    """Settle every table's category; sometimes the database lacks a table that the catalog file names."""
    for draft in drafts.values():
        category = draw(st.sampled_from(["business"] * 7 + ["device", "transient", ""]))
        draft.rule = Rule(category="business" if draft is tenant else category)
        if draft.name.startswith(LEFT_OUT):
            draft.rule = Rule(category="transient")
    covered = [draft for draft in drafts.values() if not draft.name.startswith(LEFT_OUT)]
    candidates = [draft for draft in covered if draft is not tenant and draft.rule.category]
    if draw(seldom) and candidates:
        candidates[draw(st.integers(0, len(candidates) - 1))].present = False


def _declarable(drafts: Mapping[str, _Draft], references: Sequence[Reference]) -> list[Reference]:
    """The references that can be declared: as they are, otherwise, or, left out, not at all."""
    written: set[tuple[str, tuple[str, ...]]] = set()
    made = []
    for reference in references:
        child, parent = drafts[reference.child], drafts[reference.parent]
        declared = reference.declared if child.present and parent.present else Declared.CATALOG
        place = (child.name, reference.columns)
        listed = parent.rule.category != "" and not parent.name.startswith(LEFT_OUT)
        sayable = child.rule.category == "business" and listed and place not in written
        if not sayable and declared is Declared.CATALOG:
            continue
        if not sayable and declared is Declared.BOTH:
            declared = Declared.FOREIGN_KEY
        if declared in (Declared.CATALOG, Declared.BOTH):
            written.add(place)
        made.append(replace(reference, declared=declared))
    return made


def _rule(
    draw: DrawFn, drafts: Mapping[str, _Draft], references: Sequence[Reference], draft: _Draft, *, is_tenant: bool
) -> Rule:
    edges = [] if is_tenant else _edges(drafts, references, draft)
    chosen = draw(st.lists(st.sampled_from(edges), min_size=1, max_size=3, unique=True)) if edges else []
    kinds = ["tenant"] if is_tenant else [*(["owned"] * 4 if chosen else []), "shared", "referenced"]
    kind = draw(st.sampled_from(kinds))
    optional = draw(sometimes)
    return Rule(
        category="business",
        kind=kind,
        owned_by=tuple(replace(edge, columns=tuple(draw(st.permutations(edge.columns)))) for edge in chosen)
        if kind == "owned"
        else (),
        where=draw(st.sampled_from(_conditions(draft))) if draw(seldom) else None,
        optional=optional,
        newest_by=draft.rank if optional and draw(often) else "",
        unowned=draw(st.sampled_from(["", "", "", "always", "never"])),
    )


def _edges(drafts: Mapping[str, _Draft], references: Sequence[Reference], draft: _Draft) -> list[Edge]:
    """Every entry that may stand in this table's `owned_by`: all that it means lead to business tables."""
    business = {name for name, each in drafts.items() if each.rule.category == "business"}
    found = []
    for reference in references:
        columns = tuple(sorted(reference.columns))
        if reference.child == draft.name:
            alike = [each for each in references if (each.child, set(each.columns)) == (draft.name, set(columns))]
            if all(each.parent in business for each in alike):
                found.append(Edge(columns=columns))
        if reference.parent == draft.name and reference.child in business:
            found.append(Edge(columns=columns, table=reference.child))
    return list(dict.fromkeys(found))


def _conditions(draft: _Draft) -> list[Condition]:
    kind, rank = draft.kind, draft.rank
    return [
        Condition(text=f"{quoted(kind)} = 'a'", holds=lambda row: row[kind] == "a"),
        Condition(
            text=f"{quoted(kind)} LIKE '%b' OR {quoted(rank)} > 1",
            holds=lambda row: row[kind] == "b" or row[rank] == 2,
        ),
        Condition(text=f"{quoted(rank)} IS NULL", holds=lambda row: row[rank] is None),
    ]
