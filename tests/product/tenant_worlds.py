"""Applications of several tenants made up at random, with the truth about every row: which tenants it belongs to.

The truth shares no code with what is tested. A row belongs to the tenant that it names, or to the tenants of what it is
a part of; a person to the tenants they are a member of; a loan to both sides; what names nobody, to those whose rows
point at it. Who made a row, what was visited last or is preferred says nothing. The rest is nobody's.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from random import Random

from tests.product.joined_tables import joined, lent, starred

Key = tuple[str, ...]
Owners = frozenset[str]
NOBODY: Owners = frozenset()
TENANTS = ("a", "b", "c")
TENANT_TABLES = ("shops", "organizations", "accounts", "workspaces", "clinics", "tenants", "app_companies")
MENTIONS = ("created_by", "updated_by", "approved_by", "assigned_to", "last_editor", "requested_by", "deleted_by")
PASSING = ("last_visited", "default", "current", "preferred", "home", "previous", "parent", "favorite", "active")
THINGS = "projects orders invoices tickets products campaigns pages boards patients suppliers".split()
PARTS = "items notes payments steps attachments visits prices labels entries versions".split()
SQL_TYPES = {"text": "text", "uuid": "uuid", "bigint": "bigint"}


@dataclass
class Reference:
    """Columns that point at a table; `declared` is the text after the foreign key's target, None without a key."""

    columns: Key
    parent: MadeTable
    declared: str | None


@dataclass
class MadeRow:
    """A row, whose it is in truth, and the rows that it points at."""

    values: dict[str, str | None]
    owners: Owners
    points_at: list[MadeRow] = field(default_factory=list)


@dataclass
class MadeTable:
    """A table with its rows."""

    name: str
    key: Key = ("id",)
    columns: dict[str, str] = field(default_factory=dict)
    unique: list[Key] = field(default_factory=list)
    references: list[Reference] = field(default_factory=list)
    rows: list[MadeRow] = field(default_factory=list)

    def key_of(self, row: MadeRow) -> Key:
        """A row's key."""
        return tuple(str(row.values[name]) for name in self.key)


class TenantWorld:
    """One application: `tables` in an order in which parents come first, `tenants` the table of the tenants."""

    def __init__(self, seed: int) -> None:
        self.random = Random(seed)
        self.camel = self._often(0.4)
        self.bare = self._often(0.12)
        self.prefix = self.random.choice(("", "wp_", "app_")) if self.bare else ""
        self.kind = self.random.choice(("text", "text", "bigint", "uuid"))
        self.tables: list[MadeTable] = []
        self.owned: list[MadeTable] = []
        self.lists: list[MadeTable] = []
        self.followed: list[MadeTable] = []
        self._number = 0
        self.tenants = self._tenant_table()
        self.users, self.members = self._people()
        for make in (self._lookup, self._thing, self._thing, self._part, self._part):
            make()
        kinds = (
            *(self._thing, self._part, self._part, self._part_by_composite, self._nullable_part, self._of_person),
            *(
                self._loan,
                self._mentioning,
                self._pathless,
                self._thread,
                self._lonely,
                self._rival,
                self._polymorphic,
                self._lookup,
                self._of_either,
                lambda: joined(self),
                lambda: lent(self),
                lambda: starred(self),
            ),
        )
        for _ in range(self.random.randint(3, 8)):
            self.random.choice(kinds)()
        if self._often(0.5):
            self._migrations()

    # what a test asks

    def script(self, *, rows: bool) -> str:
        """The statements that make the tables, with or without their rows."""
        lines = []
        for table in self.tables:
            parts = [f'"{name}" {kind}' for name, kind in table.columns.items()]
            parts.append(f"PRIMARY KEY ({_list(table.key)})")
            parts += [f"UNIQUE ({_list(each)})" for each in table.unique]
            lines.append(f'CREATE TABLE "{table.name}" ({", ".join(parts)})')
        for table in self.tables if rows else ():
            for row in table.rows:
                values = ", ".join("NULL" if value is None else f"'{value}'" for value in row.values.values())
                lines.append(f'INSERT INTO "{table.name}" ({_list(row.values)}) VALUES ({values})')
        for table in self.tables:
            for each in table.references:
                if each.declared is not None and not self.bare:
                    target = f'"{each.parent.name}" ({_list(self.target(each))})'
                    lines.append(
                        f'ALTER TABLE "{table.name}" ADD FOREIGN KEY ({_list(each.columns)}) REFERENCES {target}'
                        f" {each.declared}"
                    )
        return ";\n".join(lines)

    def target(self, reference: Reference) -> Key:
        """The columns that a reference leads to."""
        return self.tenant_key if reference.parent is self.tenants else reference.parent.key

    def rows_of(self, tenant: str) -> Iterator[tuple[str, Key]]:
        """The rows that belong to a tenant."""
        for table in self.tables:
            yield from ((table.name, table.key_of(row)) for row in table.rows if tenant in row.owners)

    def foreign_rows(self, tenant: str) -> set[tuple[str, Key]]:
        """Rows of other tenants only, at which no row of this one points, directly or through others."""
        own = [row for table in self.tables for row in table.rows if tenant in row.owners]
        reached = {id(row) for row in own}
        while own:
            for row in own.pop().points_at:
                if id(row) not in reached:
                    reached.add(id(row))
                    own.append(row)
        return {
            (table.name, table.key_of(row))
            for table in self.tables
            for row in table.rows
            if row.owners and tenant not in row.owners and id(row) not in reached
        }

    # tables

    def _often(self, share: float) -> bool:
        return self.random.random() < share

    def _name(self, words: str) -> str:
        first, *rest = words.split("_")
        return first + "".join(map(str.title, rest)) if self.camel else words

    def _id(self) -> str:
        self._number += 1
        return f"00000000-0000-0000-0000-{self._number:012}" if self.kind == "uuid" else str(self._number)

    def make_table(self, name: str, *, prefixed: bool = True) -> MadeTable:
        """Add a table with the key `id`."""
        prefix = self.prefix if prefixed else ""
        taken = {table.name for table in self.tables}
        while prefix + name in taken:
            name = f"{self.random.choice(('big', 'own', 'old', 'side', 'web'))}_{name}"
        name = prefix + name
        made = MadeTable(name=name, columns={"id": f"{self.kind} NOT NULL"})
        self.tables.append(made)
        return made

    def _tenant_table(self) -> MadeTable:
        made = self.make_table(self.random.choice(TENANT_TABLES))
        self.tenant_key: Key = ("id",)
        self.tenant_type = self.kind
        made.columns["name"] = "text"
        if self._often(0.25):
            self.tenant_key, self.tenant_type = (("uuid",), "uuid")
            made.columns["uuid"] = "uuid NOT NULL"
            made.unique.append(("uuid",))
        for tenant in TENANTS:
            values: dict[str, str | None] = {"id": self._id(), "name": tenant}
            if self.tenant_key == ("uuid",):
                values["uuid"] = f"10000000-0000-0000-0000-{TENANTS.index(tenant):012}"
            made.rows.append(MadeRow(values, frozenset((tenant,))))
        return made

    def singular(self, table: MadeTable) -> str:
        """What one row of a table is called."""
        name = table.name.removeprefix(self.prefix)
        return name.removesuffix("ies") + "y" if name.endswith("ies") else name.removesuffix("s")

    def tenant_column(self, *, plain: bool = False) -> str:
        """What the key to the tenants is called: after them, shortened, or something else."""
        ending = self.tenant_key[0]
        called = f"{self.singular(self.tenants)}_{ending}"
        others = ("tenant", "org_id", "account", "workspace_uuid", "belongs_to", "firm_no", "t_id")
        return self._name(called if plain or self.bare or self._often(0.5) else self.random.choice(others))

    def to_tenant(self, table: MadeTable, column: str, *, nullable: bool = False) -> None:
        """Give a table a foreign key to the tenants."""
        table.columns[column] = self.tenant_type + ("" if nullable else " NOT NULL")
        action = self.random.choice(("", "ON DELETE CASCADE", "ON DELETE RESTRICT"))
        table.references.append(Reference((column,), self.tenants, action))

    def reference_name(self, table: MadeTable) -> str:
        """The column by which others point at a table."""
        return self._name(f"{self.singular(table)}_id")

    def refer(self, table: MadeTable, column: str, parent: MadeTable, action: str, *, nullable: bool = False) -> None:
        """Give a table a foreign key to another's rows."""
        table.columns[column] = self.kind + ("" if nullable else " NOT NULL")
        table.references.append(Reference((column,), parent, action))

    def make_row(self, table: MadeTable, *, owners: Owners = NOBODY, identity: str | None = None) -> MadeRow:
        """Add a row with a key of its own, or with this one."""
        table.rows.append(MadeRow({"id": identity or self._id()}, owners))
        return table.rows[-1]

    def point(self, row: MadeRow, column: str, at: MadeRow | None, key: str) -> None:
        """Set a column of a row to another row's key, or to NULL."""
        row.values[column] = None if at is None else at.values[key]
        row.points_at += [] if at is None else [at]

    def _people(self) -> tuple[MadeTable, MadeTable]:
        users = self.make_table(self.random.choice(("users", "people", "app_users", "customers")))
        users.columns["email"] = "text NOT NULL"
        users.unique.append(("email",))
        weak = [
            self._name(f"{word}_{self.singular(self.tenants)}_{self.tenant_key[0]}")
            for word in self.random.sample(PASSING, self.random.randint(0, 3))
            if not self.bare
        ]
        for column in weak:
            self.to_tenant(users, column, nullable=True)
        for number in range(5):
            row = MadeRow({"id": self._id(), "email": f"{number}@x"}, NOBODY)
            for column in weak:
                self.point(row, column, self.random.choice((None, *self.tenants.rows)), self.tenant_key[0])
            users.rows.append(row)
        singular = self.singular(self.tenants)
        members = self.make_table(self.random.choice(("members", "memberships", f"{singular}_users")))
        user, tenant = (
            self._name(f"{'person' if users.name.endswith('people') else self.singular(users)}_id"),
            # people may be tied to tenants by names alone, where all other tables have foreign keys
            self.tenant_column(plain=(loose := self._often(0.2) and not self.bare)),
        )
        members.columns[user] = f"{self.kind} NOT NULL"
        members.references.append(Reference((user,), users, self._action(nullable=False)))
        self.to_tenant(members, tenant)
        for each in members.references if loose else ():
            each.declared = None
        shape = self.random.choice(("key", "unique"))
        if shape == "key":
            del members.columns["id"]
            members.key = (user, tenant)
        else:
            members.unique.append((tenant, user))
        for number, row in enumerate(users.rows):
            # every tenant has somebody, the last person nobody, the first several
            homes = self.tenants.rows[:2] if number == 0 else self.tenants.rows[number - 1 : number]
            row.owners = frozenset().union(*(home.owners for home in homes))
            for home in homes:
                member = MadeRow({}, home.owners)
                if shape != "key":
                    member.values["id"] = self._id()
                self.point(member, user, row, "id")
                self.point(member, tenant, home, self.tenant_key[0])
                members.rows.append(member)
        self.owned.append(members) if shape != "key" else None
        return users, members

    def _action(self, *, nullable: bool) -> str:
        return self.random.choice(("", "ON DELETE CASCADE", "ON DELETE SET NULL" if nullable else "ON DELETE RESTRICT"))

    def _decorate(self, table: MadeTable) -> None:
        """Columns that mention people, other rows of the table and lists; they change nobody's ownership."""
        if self.bare:
            return
        if self._often(0.5):
            column = self._name(self.random.choice(MENTIONS) + self.random.choice(("", "_id")))
            nullable = self._often(0.6)
            table.columns[column] = self.kind + ("" if nullable else " NOT NULL")
            table.references.append(Reference((column,), self.users, ""))
            for row in table.rows:
                at = None if nullable and self._often(0.3) else self.random.choice(self.users.rows)
                self.point(row, column, at, "id")
        if self._often(0.25):
            column = self._name(f"{self.random.choice(PASSING)}_{self.singular(self.tenants)}")
            self.to_tenant(table, column, nullable=True)
            for row in table.rows:
                self.point(row, column, self.random.choice((None, *self.tenants.rows)), self.tenant_key[0])
        if self._often(0.3) and table.key == ("id",):
            column = self._name("parent_id")
            if column in table.columns:
                return
            table.columns[column] = self.kind
            table.references.append(Reference((column,), table, ""))
            for row in table.rows:
                near = [each for each in table.rows if each.owners == row.owners]
                self.point(row, column, self.random.choice((None, *near)), "id")
        if self._often(0.4) and self.lists:
            other = self.random.choice(self.lists)
            column = self._name(f"{self.singular(other)}_id")
            if column not in table.columns:
                table.columns[column] = self.kind
                table.references.append(Reference((column,), other, ""))
                for row in table.rows:
                    self.point(row, column, self.random.choice((None, *other.rows)), "id")

    def _lookup(self) -> None:
        table = self.make_table(self.random.choice(("colours", "countries", "statuses", "currencies", "job_titles")))
        table.columns["name"] = "text NOT NULL"
        table.unique.append(("name",))
        table.rows += [MadeRow({"id": self._id(), "name": name}, NOBODY) for name in ("red", "blue")]
        if self._often(0.3):
            self._decorate(table)
        self.lists.append(table)

    def _thing(self) -> None:
        """A table whose rows name their tenant, in a column of any name; sometimes it may be nobody."""
        table, nullable = self.make_table(self.random.choice(THINGS)), self._often(0.25)
        column = self.tenant_column(plain=nullable)
        self.to_tenant(table, column, nullable=nullable)
        for tenant in (*self.tenants.rows, *self.tenants.rows, None):
            if tenant is not None or nullable:
                row = MadeRow({"id": self._id()}, NOBODY if tenant is None else tenant.owners)
                self.point(row, column, tenant, self.tenant_key[0])
                table.rows.append(row)
        self._decorate(table)
        self.owned.append(table)

    def _under(self, parent: MadeTable, name: str, *, nullable: bool, action: str, column: str = "") -> MadeTable:
        table = self.make_table(name)
        column = column or self._name(f"{self.singular(parent)}_id")
        table.columns[column] = self.kind + ("" if nullable else " NOT NULL")
        table.references.append(Reference((column,), parent, action))
        for at in (*parent.rows, None):
            if at is not None or nullable:
                row = MadeRow({"id": self._id()}, NOBODY if at is None else at.owners)
                self.point(row, column, at, "id")
                table.rows.append(row)
        self._decorate(table)
        return table

    def _part(self) -> None:
        parent = self.random.choice([each for each in self.owned if each.key == ("id",)])
        name = f"{self.singular(parent)}_{self.random.choice(PARTS)}"
        self.owned.append(self._under(parent, name, nullable=False, action=self._action(nullable=False)))

    def _nullable_part(self) -> None:
        """A part whose reference may be NULL, perhaps with parts of its own, which follow it."""
        parent = self.random.choice([each for each in self.owned if each.key == ("id",)])
        name = f"{self.singular(parent)}_{self.random.choice(PARTS)}"
        self.owned.append(self._under(parent, name, nullable=True, action=self._action(nullable=True)))

    def _thread(self) -> None:
        """Rows of which the first names something of a tenant, and each answer only the row before it."""
        if self.bare:
            return
        parent = self.random.choice([each for each in self.owned if each.key == ("id",)])
        table = self.make_table(self.random.choice(("posts", "folders", "remarks", "threads")))
        names = (
            f"{self.singular(parent)}_id",
            self.random.choice(("parent_id", f"{self.singular(table)}_id", "reply_to")),
        )
        column, above = map(self._name, names)
        for each, whole in ((column, parent), (above, table)):
            table.columns[each] = self.kind
            table.references.append(Reference((each,), whole, self.random.choice(("", "ON DELETE CASCADE"))))
        for first in parent.rows:
            before: MadeRow | None = None
            for _ in range(3):
                row = MadeRow({"id": self._id()}, first.owners)
                self.point(row, column, first if before is None else None, "id")
                self.point(row, above, before, "id")
                table.rows.append(row)
                before = row
        self._decorate(table)
        self.owned.append(table)

    def _part_by_composite(self) -> None:
        """A table whose key begins with the tenant, and a part that points at it by both columns."""
        whole, tenant = self.make_table(self.random.choice(THINGS)), self.tenant_column(plain=True)
        self.to_tenant(whole, tenant)
        whole.columns["number"] = "integer NOT NULL"
        del whole.columns["id"]
        whole.key = (tenant, "number")
        part = self.make_table(f"{self.singular(whole)}_{self.random.choice(PARTS)}")
        column = self._name(f"{self.singular(whole)}_number")
        part.columns |= {tenant: f"{self.tenant_type} NOT NULL", column: "integer NOT NULL"}
        part.references.append(Reference((tenant, column), whole, self._action(nullable=False)))
        for home in self.tenants.rows:
            for number in ("1", "2"):
                row = MadeRow({"number": number}, home.owners)
                self.point(row, tenant, home, self.tenant_key[0])
                whole.rows.append(row)
                below = MadeRow({"id": self._id(), column: number, tenant: row.values[tenant]}, home.owners, [row])
                part.rows.append(below)
        self._decorate(part)

    def _of_person(self) -> None:
        """What belongs to a person is that of all their tenants: sessions, tokens, addresses."""
        name = self.random.choice(("sessions", "api_tokens", "addresses", "devices", "user_settings"))
        column = next(each.columns[0] for each in self.members.references if each.parent is self.users)
        table = self._under(self.users, name, nullable=False, action=self._action(nullable=False), column=column)
        things = [each for each in self.owned if each.key == ("id",) and each is not self.members]
        thing = self.random.choice(things)
        column = self._name(f"{self.singular(thing)}_id")
        if self._often(0.3) and column not in table.columns:
            # what a person has of a thing is the thing's
            table.columns[column] = self.kind
            table.references.append(Reference((column,), thing, self._action(nullable=True)))
            for row in table.rows:
                at = self.random.choice((None, *thing.rows))
                self.point(row, column, at, "id")
                row.owners = NOBODY if at is None else at.owners

    def _of_either(self) -> None:
        """A row that names one thing or another of its tenant, or both."""
        things = [each for each in self.owned if each.key == ("id",) and each is not self.members]
        one, other = self.random.choice(things), self.random.choice(things)
        if one is other:
            return
        table = self.make_table(self.random.choice(("remarks", "links", "files")))
        columns = [self._name(f"{self.singular(each)}_id") for each in (one, other)]
        for column, parent in zip(columns, (one, other), strict=True):
            table.columns[column] = self.kind
            table.references.append(Reference((column,), parent, self._action(nullable=True)))
        for at in one.rows:
            beside = [each for each in other.rows if each.owners == at.owners]
            for left, right in ((at, None), (None, next(iter(beside), None)), (at, next(iter(beside), None))):
                row = MadeRow({"id": self._id()}, (left or right or MadeRow({}, NOBODY)).owners)
                self.point(row, columns[0], left, "id")
                self.point(row, columns[1], right, "id")
                table.rows.append(row)

    def _loan(self) -> None:
        """A row of two tenants."""
        if self.bare:
            return
        table = self.make_table(self.random.choice(("loans", "transfers")))
        left, right = map(self._name, self.random.choice((("lender_id", "borrower_id"), ("from_id", "to_id"))))
        self.to_tenant(table, left)
        self.to_tenant(table, right)
        for number in range(4):
            one, other = self.tenants.rows[number % 3], self.tenants.rows[(number + 1) % 3]
            row = MadeRow({"id": self._id()}, one.owners | other.owners)
            self.point(row, left, one, self.tenant_key[0])
            self.point(row, right, other, self.tenant_key[0])
            table.rows.append(row)
        self.owned.append(table)

    def _mentioning(self) -> None:
        """Only mentions lead anywhere: nobody's rows."""
        if self.bare:
            return
        table = self.make_table(self.random.choice(("announcements", "drafts", "audit_entries")))
        table.columns["body"] = "text"
        table.rows += [MadeRow({"id": self._id(), "body": text}, NOBODY) for text in "xyz"]
        column = self._name(self.random.choice(MENTIONS))
        table.columns[column] = self.kind
        table.references.append(Reference((column,), self.users, "ON DELETE SET NULL"))
        for row in table.rows:
            self.point(row, column, self.random.choice(self.users.rows), "id")
        self._decorate(table)

    def _pathless(self) -> None:
        """Rows with no way to an owner: they are those tenants' whose rows point at them, and so are their parts."""
        named = self._often(0.4)
        whole = self.make_table(
            self.random.choice(("sites", "repositories") if named else ("addresses", "templates", "photos"))
        )
        whole.columns["name"] = "text NOT NULL"
        # unique over all tenants, and yet no list for all of them
        whole.unique += [("name",)] if named else []
        whole.rows += [MadeRow({"id": self._id(), "name": text}, NOBODY) for text in "pqr"]
        child = self.random.choice([each for each in self.owned if each.key == ("id",)])
        column = self._name(f"{self.singular(whole)}_id")
        if column not in child.columns:
            child.columns[column] = self.kind
            # where all else has foreign keys, one may be missing
            child.references.append(Reference((column,), whole, None if self._often(0.3) else ""))
            for row in child.rows:
                at = self.random.choice((None, *whole.rows))
                self.point(row, column, at, "id")
                if at is not None:
                    at.owners |= row.owners
        if self._often(0.4):
            self._under(whole, f"{self.singular(whole)}_{self.random.choice(PARTS)}", nullable=False, action="")

    def _lonely(self) -> None:
        table = self.make_table(
            self.random.choice(("webhooks", "background_jobs", "sync_state", "settings", "cache_entries"))
        )
        table.columns["payload"] = "text"
        table.rows += [MadeRow({"id": self._id(), "payload": text}, NOBODY) for text in "lm"]

    def _rival(self) -> None:
        """Another table that tenants might be, with what belongs to it: nobody's, as far as the tenants go."""
        whole = self.make_table(self.random.choice(("teams", "agencies", "brands")))
        whole.columns["title"] = "text"
        whole.rows += [MadeRow({"id": self._id(), "title": text}, NOBODY) for text in "uv"]
        self._under(whole, self.random.choice(("seasons", "offers")), nullable=False, action="")

    def _polymorphic(self) -> None:
        table = self.make_table(self.random.choice(("comments", "taggings", "activities")))
        stem = self.random.choice(("commentable", "record", "item"))
        kind, key = self._name(f"{stem}_type"), self._name(f"{stem}_id")
        table.columns |= {kind: "text NOT NULL", key: f"{self.kind} NOT NULL"}
        for whole in self.random.sample(self.owned, min(2, len(self.owned))):
            if whole.key == ("id",):
                for row in whole.rows:
                    values = {"id": self._id(), kind: whole.name, key: row.values["id"]}
                    table.rows.append(MadeRow(values, row.owners))
        if self._often(0.5) and not self.bare:
            column = self._name("author_id")
            table.columns[column] = f"{self.kind} NOT NULL"
            table.references.append(Reference((column,), self.users, "ON DELETE CASCADE"))
            for row in table.rows:
                self.point(row, column, self.random.choice(self.users.rows), "id")

    def _migrations(self) -> None:
        table = self.make_table(
            self.random.choice(("schema_migrations", "_prisma_migrations", "flyway_schema_history")), prefixed=False
        )
        table.columns = {"id": "integer NOT NULL", "version": "text", "migration_name": "text"}
        table.rows.append(MadeRow({"id": "1", "version": "20260101", "migration_name": "first"}, NOBODY))


def _list(names: object) -> str:
    return ", ".join(f'"{name}"' for name in names)  # type: ignore[attr-defined]  # any iterable of names
