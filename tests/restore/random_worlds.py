"""Applications made up at random: three to seven small tables with every kind of key, reference and rule."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from random import Random

from tests.restore.cut_ways import DAYS, with_cut_ways
from tests.restore.random_actions import filled_columns, with_actions
from tests.restore.spec import Columns, Reference, Row, Table, World
from tests.restore.worlds import KEYS, NAMES, TENANTS

DEFERRABLE = ("", "", "", "DEFERRABLE", "DEFERRABLE INITIALLY DEFERRED")
CONTRIB = {
    "types.ltree": ("a", "a.b", "b", "b.c"),
    "types.hstore": ('"a"=>"1"', '"a"=>"2"', '"b"=>NULL', ""),
    "types.cube": ("(1)", "(1, 2)", "(2)", "(1),(2)"),
    "types.isbn13": ("978-0-393-04002-9", "978-3-16-148410-0", "978-0-306-40615-7", "978-1-56619-909-4"),
    "int4range": ("[1,3)", "[2,5)", "[7,9)", "empty"),
}
"""Types whose operators are an extension's, in the schema that the application does not look into, and ranges."""

SPELLINGS = {"numeric": ("1", "2.0", "2.00", "3"), "types.caseless": ("p", "q", "Q", "r"), **CONTRIB}
"""Values of a key some of which are equal, by its type."""

PARTS = (("",), ("_low", "_high"), ("_low", "_mid", "_rest"), ("_high", "_low"))
"""Which of the relations of a partitioned table declare its foreign keys; together they have all rows."""

LOUD = """
CREATE FUNCTION loud() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'a trigger fired'; END $$;
CREATE TRIGGER loud BEFORE INSERT OR UPDATE OR DELETE ON {} FOR EACH {} EXECUTE FUNCTION loud()
"""
LOUD_RULE = "CREATE RULE loud AS ON {} TO {} DO INSTEAD NOTHING"


@dataclass
class _Draft:
    """A table while it is being made up; what it lacks is as in `Table`."""

    name: str
    category: str
    columns: dict[str, str] = field(default_factory=dict)
    values: dict[str, tuple[str | None, ...]] = field(default_factory=dict)
    key: Columns = ()
    unique: list[Columns] = field(default_factory=list)
    late: list[Columns] = field(default_factory=list)
    references: list[Reference] = field(default_factory=list)
    computed: dict[str, str] = field(default_factory=dict)

    def may_be_null(self, name: str) -> bool:
        """Whether a column can be NULL."""
        return name not in self.key and "NOT NULL" not in self.columns[name]

    def targets(self) -> list[Columns]:
        """The keys that a reference can lead to."""
        return [each for each in (self.key, *self.unique) if each and each not in self.late]


def make_world(random: Random) -> World:
    """A world; a quarter of them has a user trigger, or a rule, that lets nobody write."""
    drafts = [_tenants(random)]
    for number in range(random.randint(2, 6)):
        category = random.choice(("business",) * 6 + ("device", "transient", "transient")) if number else "business"
        drafts.append(_table(random, f"t{number + 1}", category, drafts))
    for child in drafts[1:]:
        for number in range(random.choice((1, 1, 2, 2, 3))):
            _refer(random, child, drafts, f"r{number}")
        if child.references and child.category == "business" and _often(random, 0.17):
            child.unique.append(random.choice(child.references).columns)
    for draft in drafts:
        draft.references = [with_actions(random, each, draft.may_be_null) for each in draft.references]
    tables = with_cut_ways(random, [_finished(random, draft, drafts) for draft in drafts])
    tables += random.choice((_members, _members, _below_shops, _below_shops, _below_shops, _nothing, _nothing))(random)
    if random.randint(0, 3) == 0:
        chosen = random.randint(1, len(tables) - 1)
        tables[chosen] = replace(tables[chosen], statements=(_loud(random, tables[chosen]),))
    return World(name="random", tables=tuple(tables))


def _members(random: Random) -> list[Table]:
    """People who may be members of several businesses, and what they have: of both, or of nobody once they are gone."""
    person = Reference(columns=("person",), parent="people", parent_columns=("id",), action="set null")
    tenant = Reference(columns=("tenant",), parent="tenants", parent_columns=("id",), action="cascade")
    named: dict[str, tuple[str | None, ...]] = {"id": KEYS, "name": NAMES}
    return [
        Table(
            name="people",
            columns={"id": "integer", "name": "text"},
            key=("id",),
            owned_by=(("members", ("person",)),),
            values=named,
        ),
        Table(
            name="members",
            columns={"id": "integer", "person": "integer", "tenant": TENANTS.columns["id"]},
            key=("id",),
            references=(person, tenant),
            owned_by=(("", ("tenant",)),),
            values={"id": (*KEYS, "5", "6")},
        ),
        Table(
            name="things",
            columns={"id": "integer", "person": "integer", "name": "text"},
            key=("id",),
            references=(person,),
            owned_by=(("", ("person",)),),
            unowned=random.choice(("", "", "never")),
            values=named,
        ),
    ]


def _below_shops(random: Random) -> list[Table]:
    """What hangs on a tenant's rows alone, two levels deep: another tenant's once those are."""
    tenant = Reference(columns=("tenant",), parent="tenants", parent_columns=("id",), action="cascade")
    shop = Reference(columns=("shop",), parent="shops", parent_columns=("id",), action="cascade")
    sale = Reference(columns=("sale",), parent="sales", parent_columns=("id",), action="cascade")
    key = random.choice((("id",), ()))
    return [
        Table(
            name="shops",
            columns={"id": "integer", "tenant": "text NOT NULL", "name": "text"},
            key=("id",),
            references=(tenant,),
            owned_by=(("", ("tenant",)),),
            values={"id": KEYS[:2], "name": NAMES},
        ),
        Table(
            name="sales",
            columns={"id": "integer", "shop": "integer NOT NULL", "name": "text"},
            key=("id",),
            references=(shop,),
            owned_by=(("", ("shop",)),),
            values={"id": (*KEYS, "5", "6"), "name": NAMES},
        ),
        Table(
            name="lines",
            columns={"id": "integer", "sale": "integer", "name": "text"},
            key=key,
            references=(sale,),
            owned_by=(("", ("sale",)),),
            values={"id": KEYS, "name": NAMES},
        ),
    ]


def _nothing(_: Random) -> list[Table]:
    return []


def _loud(random: Random, table: Table) -> str:
    """A trigger, of rows on one of the partitions, if there are any, or a rule."""
    kind = random.choice(("ROW", "ROW", "STATEMENT", "rule"))
    if kind == "rule":
        return LOUD_RULE.format(random.choice(("INSERT", "UPDATE", "DELETE")), table.name)
    return LOUD.format(f"{table.name}_rest" if table.parts and kind == "ROW" else table.name, kind)


def loud_reason(table: Table) -> str:
    """Why a role that owns nothing is refused."""
    (statement,) = table.statements
    rule = "RULE loud" in statement
    relation = table.name if rule or "STATEMENT" in statement or not table.parts else f"{table.name}_rest"
    what, verb = ("rule", "applying") if rule else ("trigger", "firing")
    placed = relation if "." in relation else f"public.{relation}"
    return f"{what} loud of table {placed} can be kept from {verb} by the table's owner only"


def _often(random: Random, share: float) -> bool:
    return random.random() < share


# tables


def _tenants(random: Random) -> _Draft:
    draft = _Draft("tenants", "business", dict(TENANTS.columns), dict(TENANTS.values), TENANTS.key)
    if _often(random, 0.33):
        _code(random, draft)
    return draft


def _table(random: Random, name: str, category: str, earlier: list[_Draft]) -> _Draft:
    draft = _Draft(name, category)
    shapes = ("id", "id", "id", "id", "pair", "part", "code", "none")
    shape = random.choice(shapes)
    if shape == "id":
        kinds = ("integer", "integer", "text", "numeric", "types.caseless")
        identities = ("integer GENERATED ALWAYS AS IDENTITY", "integer GENERATED BY DEFAULT AS IDENTITY")
        kind = random.choice((*kinds, *identities, random.choice(tuple(CONTRIB))))
        draft.columns["id"], draft.key = kind, ("id",)
        draft.values["id"] = SPELLINGS.get(kind, KEYS)
    elif shape == "pair":
        draft.columns |= {"first": "integer", "second": "text"}
        draft.values |= {"first": ("1", "2"), "second": NAMES}
        draft.key = ("first", "second")
    elif shape == "part":
        parents = [each for each in earlier if len(each.key) == 1 and each.category == "business"]
        parent = random.choice(parents)
        draft.columns |= {"whole": _type(parent, parent.key[0]), "number": "integer"}
        draft.values["number"] = ("1", "2")
        draft.key = ("whole", "number")
        action = random.choice(("cascade", "restrict", "no action"))
        draft.references.append(
            Reference(columns=("whole",), parent=parent.name, parent_columns=parent.key, action=action)
        )
    elif shape == "code":
        _code(random, draft, nullable=False)
    draft.columns["name"], draft.values["name"] = "text", (*NAMES, None)
    if _often(random, 0.33):
        draft.columns["size"], draft.values["size"] = "numeric", ("1", "1.0", "2.5")
        draft.computed["doubled"] = "numeric GENERATED ALWAYS AS (size * 2) STORED"
    if shape != "code" and _often(random, 0.33):
        _code(random, draft)
    if _often(random, 0.17):
        draft.columns |= {"sku": random.choice(("text", "text NOT NULL"))}
        draft.values["sku"] = ("x", "y", "z")
        draft.unique.append(("sku", "name"))
    return draft


def _code(random: Random, draft: _Draft, *, nullable: bool | None = None) -> None:
    """Another unique key of one column."""
    if nullable is None:
        nullable = _often(random, 0.5)
    draft.columns["code"] = "integer" if nullable else "integer NOT NULL"
    draft.values["code"] = (*KEYS, "5", None) if nullable else (*KEYS, "5")
    draft.unique.append(("code",))
    late: bool = _often(random, 0.17)
    if draft.key and late:
        draft.late.append(("code",))


def _type(draft: _Draft, column: str) -> str:
    return draft.columns[column].partition(" ")[0]


# references


def _refer(random: Random, child: _Draft, drafts: list[_Draft], prefix: str) -> None:
    """Add a reference to any table, earlier or later, or to the same one."""
    allowed = {"business": ("business", "business", "device", "transient"), "device": ("business", "device")}
    categories = allowed.get(child.category, ("business", "device", "transient"))
    weights = {"transient": 0.17, "device": 0.33, "business": 1.0}
    parents = [
        each
        for each in drafts
        if each.targets() and each.category in categories and _often(random, weights[each.category])
    ]
    again = [each for each in parents if each.name in {reference.parent for reference in child.references}]
    to_tenants, to_the_same = _often(random, 0.33), _often(random, 0.33)
    if child.category == "business" and to_tenants:
        parents = drafts[:1]
    elif again and to_the_same:
        parents = again
    parent = random.choice(parents)
    target = random.choice(parent.targets())
    nullable = _often(random, 0.75)
    columns: list[str] = []
    for number, theirs in enumerate(target):
        shared = _shared(child, parent, theirs)
        name = shared if shared and len(target) > 1 and _often(random, 0.5) else f"{prefix}_{number}"
        if name not in child.columns:
            child.columns[name] = f"{_type(parent, theirs)}{'' if nullable else ' NOT NULL'}"
        columns.append(name)
    if any(set(each.columns) == set(columns) for each in child.references):
        return
    empty = all(child.may_be_null(name) for name in columns)
    actions = ["no action", "restrict", "cascade", *(["set null"] if empty else [])]
    if parent.category == "device" and child.category == "business":
        actions.append("")
    if child.category != "business" and empty:
        actions += ["set null", "set null"]
    action = random.choice(actions)
    child.references.append(
        Reference(
            columns=tuple(columns),
            parent=parent.name,
            parent_columns=target,
            action=action,
            deferrable=random.choice(DEFERRABLE) if action else "",
        )
    )


def _shared(child: _Draft, parent: _Draft, theirs: str) -> str:
    """A column of the child that points at the same table as a column of the parent's key does, such as the tenant."""
    for reference in parent.references:
        for ours in child.references:
            if reference.columns == (theirs,) and (ours.parent, ours.parent_columns) == (
                reference.parent,
                reference.parent_columns,
            ):
                return ours.columns[0]
    return ""


# rules


def _finished(random: Random, draft: _Draft, drafts: list[_Draft]) -> Table:
    made = Table(
        name=draft.name,
        columns=draft.columns,
        key=draft.key,
        unique=tuple(draft.unique),
        late=tuple(draft.late),
        references=tuple(draft.references),
        computed=draft.computed,
        category=draft.category,
        values=draft.values,
    )
    if draft.name == "tenants":
        return replace(made, kind="tenant")
    whole_numbers = draft.key == ("id",) and draft.columns["id"].startswith("integer")
    if whole_numbers and not draft.unique and _often(random, 0.33):
        made = replace(made, parts=random.choice(PARTS))
    if draft.category != "business":
        made = replace(made, filled=filled_columns(random, made.references))
        return replace(made, cascade=draft.category == "transient" and _often(random, 0.5))
    edges = _edges(draft, drafts)
    kinds = (*(("owned",) * 6 if edges else ()), "shared", "referenced")
    made = replace(made, kind=random.choice(kinds), unowned=random.choice(("",) * 6 + ("always", "never")))
    if made.kind == "owned":
        chosen = set(random.sample(edges, random.randint(1, min(2, len(edges)))))
        made = replace(made, owned_by=tuple(sorted(chosen)))
    if _often(random, 0.17):
        return replace(made, where=("name OPERATOR(pg_catalog.=) 'x'", _is_x))
    if made.kind == "owned" and made.key == ("id",) and "integer" in made.columns["id"] and _often(random, 0.17):
        columns, values = made.columns | {"day": "date"}, made.values | {"day": DAYS}
        return replace(made, columns=columns, values=values, newest_by="day")
    return made


def _edges(draft: _Draft, drafts: list[_Draft]) -> list[tuple[str, Columns]]:
    """What the table may be owned by: what it points at, and what points at it."""
    business = {each.name for each in drafts if each.category == "business"}
    edges = [("", each.columns) for each in draft.references if each.parent in business and each.parent != draft.name]
    for other in drafts:
        for each in other.references:
            if each.parent == draft.name and other.name in business - {draft.name}:
                edges.append((other.name, each.columns))
    towards_tenants = [("", each.columns) for each in draft.references if each.parent == "tenants"]
    return [*edges, *towards_tenants, *towards_tenants]


def _is_x(row: Row) -> bool:
    return row["name"] == "x"
