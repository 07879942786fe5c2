"""Three small applications that between them have every kind of table a restore treats in its own way."""

from __future__ import annotations

from tests.restore.spec import Reference, Table, World

KEYS = ("1", "2", "3", "4")
NAMES = ("x", "y")

TENANTS = Table(
    name="tenants",
    columns={"id": "text", "name": "text", "demo": "boolean"},
    key=("id",),
    kind="tenant",
    values={"id": ("a", "b", "c"), "name": NAMES, "demo": ("false", "false", "true", None)},
)


def to(parent: str, column: str, action: str = "no action") -> Reference:
    """A reference to the `id` of a table."""
    return Reference(columns=(column,), parent=parent, parent_columns=("id",), action=action)


OWNED = (("", ("tenant",)),)

LOUD = """
CREATE FUNCTION loud() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN NEW.name := 'changed by a trigger'; RETURN NEW; END $$;
CREATE TRIGGER loud BEFORE INSERT OR UPDATE ON products FOR EACH ROW EXECUTE FUNCTION loud()
"""

SHOP = World(
    name="shop",
    tables=(
        TENANTS,
        Table(
            name="users",
            columns={"id": "integer", "email": "text"},
            key=("id",),
            unique=(("email",),),
            owned_by=(("members", ("person",)),),
            values={"id": KEYS, "email": ("p", "q", "r", "s", None)},
        ),
        Table(
            name="members",
            columns={"tenant": "text", "person": "integer", "role": "text"},
            key=("tenant", "person"),
            owned_by=OWNED,
            references=(to("tenants", "tenant", "cascade"), to("users", "person", "cascade")),
            values={"role": NAMES},
        ),
        Table(
            name="categories",
            columns={"id": "integer", "tenant": "text", "parent": "integer", "name": "text"},
            key=("id",),
            owned_by=OWNED,
            references=(to("tenants", "tenant", "cascade"), to("categories", "parent", "set null")),
            values={"id": KEYS, "name": NAMES},
        ),
        Table(
            name="products",
            columns={
                "id": "integer GENERATED ALWAYS AS IDENTITY",
                "tenant": "text NOT NULL",
                "category": "integer",
                "maker": "integer",
                "sku": "text",
                "name": "text",
                "price": "numeric",
            },
            computed={"doubled": "numeric GENERATED ALWAYS AS (price * 2) STORED"},
            key=("id",),
            unique=(("tenant", "sku"),),
            owned_by=OWNED,
            references=(
                to("tenants", "tenant", "restrict"),
                to("categories", "category", "restrict"),
                to("users", "maker", "set null"),
            ),
            values={"id": KEYS, "sku": (*NAMES, "z", None), "name": NAMES, "price": ("1", "1.0", "2.5")},
            statements=(LOUD,),
        ),
        Table(
            name="shelves",
            columns={"id": "integer", "product": "integer", "name": "text"},
            key=("id",),
            category="device",
            references=(to("products", "product", "set null"),),
            values={"id": KEYS, "name": NAMES},
        ),
        Table(
            name="drafts",
            columns={"id": "integer", "product": "integer"},
            key=("id",),
            category="transient",
            references=(to("products", "product", "cascade"),),
            values={"id": ("1",)},
        ),
        Table(
            name="sessions",
            columns={"id": "integer", "person": "integer"},
            key=("id",),
            category="transient",
            cascade=True,
            references=(to("users", "person", "cascade"),),
            values={"id": KEYS},
        ),
        Table(
            name="pages",
            columns={"id": "integer", "session": "integer"},
            key=("id",),
            category="transient",
            references=(to("sessions", "session", "cascade"),),
            values={"id": ("1",)},
        ),
    ),
)

LEDGER = World(
    name="ledger",
    tables=(
        TENANTS,
        Table(
            name="countries",
            columns={"id": "text", "name": "text"},
            key=("id",),
            unique=(("name",),),
            kind="shared",
            values={"id": ("de", "fr", "it"), "name": ("x", "y", "z", None)},
        ),
        Table(
            name="persons",
            columns={"id": "integer", "country": "text", "name": "text"},
            key=("id",),
            kind="referenced",
            references=(to("countries", "country"),),
            values={"id": KEYS, "name": NAMES},
        ),
        Table(
            name="accounts",
            columns={"id": "numeric", "tenant": "text", "holder": "integer", "name": "text"},
            key=("id",),
            owned_by=OWNED,
            references=(to("tenants", "tenant"), to("persons", "holder")),
            values={"id": ("1", "2.0", "2.00", "3"), "name": NAMES},
        ),
        Table(
            name="entries",
            columns={"account": "numeric", "at": "timestamptz", "amount": "numeric", "approver": "integer"},
            key=("account", "at"),
            owned_by=(("", ("account",)),),
            references=(to("accounts", "account", "cascade"), to("persons", "approver")),
            values={
                "at": ("2026-01-01 00:00:00+00", "2026-01-02 00:00:00+00", "2026-01-02 00:00:00.5+00"),
                "amount": ("1", "1.0"),
            },
        ),
        Table(
            name="remarks",
            columns={"id": "integer", "account": "numeric", "at": "timestamptz", "text": "text"},
            key=("id",),
            owned_by=(("", ("account", "at")),),
            references=(
                Reference(
                    columns=("account", "at"), parent="entries", parent_columns=("account", "at"), action="cascade"
                ),
            ),
            unowned="always",
            values={"id": KEYS, "text": ("", None, "\\N", "t\tab")},
        ),
        Table(
            name="loans",
            columns={"id": "integer", "lender": "text", "borrower": "text", "person": "integer", "amount": "numeric"},
            key=("id",),
            owned_by=(("", ("lender",)), ("", ("borrower",))),
            references=(to("tenants", "lender"), to("tenants", "borrower"), to("persons", "person")),
            values={"id": KEYS, "amount": ("1", "2")},
        ),
        Table(
            name="logs",
            columns={"tenant": "text", "line": "text"},
            owned_by=OWNED,
            references=(to("tenants", "tenant"),),
            values={"line": NAMES},
        ),
        Table(
            name="jobs",
            columns={"id": "integer", "tenant": "text", "loan": "integer", "status": "text"},
            key=("id",),
            owned_by=OWNED,
            references=(to("tenants", "tenant"), to("loans", "loan", "set null")),
            where=("status = 'done'", lambda row: row["status"] == "done"),
            values={"id": KEYS, "status": ("done", "done", "open")},
        ),
    ),
)

FLEET = World(
    name="fleet",
    tables=(
        TENANTS,
        Table(
            name="nodes",
            columns={"id": "text", "name": "text"},
            key=("id",),
            category="device",
            values={"id": ("n1", "n2"), "name": NAMES},
        ),
        Table(
            name="printers",
            columns={"id": "integer", "node": "text", "name": "text"},
            key=("id",),
            kind="shared",
            references=(to("nodes", "node", ""),),
            values={"id": KEYS, "name": NAMES},
        ),
        Table(
            name="drivers",
            columns={"id": "integer", "tenant": "text", "vehicle": "integer", "name": "text"},
            key=("id",),
            owned_by=OWNED,
            references=(to("tenants", "tenant", "cascade"), to("vehicles", "vehicle", "set null")),
            values={"id": KEYS, "name": NAMES},
        ),
        Table(
            name="vehicles",
            columns={"id": "integer", "driver": "integer", "plate": "text"},
            key=("id",),
            unique=(("plate",),),
            owned_by=(("", ("driver",)),),
            references=(to("drivers", "driver", "cascade"),),
            unowned="never",
            values={"id": KEYS, "plate": (*NAMES, "z", None)},
        ),
        Table(
            name="printouts",
            columns={"id": "integer", "printer": "integer", "driver": "integer"},
            key=("id",),
            category="transient",
            references=(to("printers", "printer"), to("drivers", "driver", "set null")),
            values={"id": ("1", "2")},
        ),
        Table(
            name="runs",
            columns={"id": "integer", "driver": "integer"},
            key=("id",),
            category="transient",
            cascade=True,
            references=(to("drivers", "driver", "cascade"),),
            values={"id": ("1", "2")},
        ),
        Table(
            name="steps",
            columns={"id": "integer", "run": "integer", "vehicle": "integer"},
            key=("id",),
            category="transient",
            cascade=True,
            references=(to("runs", "run", "cascade"), to("vehicles", "vehicle", "set null")),
            values={"id": ("1", "2")},
        ),
        Table(
            name="audits",
            columns={"id": "integer", "tenant": "text", "day": "date", "text": "text"},
            key=("id",),
            owned_by=OWNED,
            references=(to("tenants", "tenant"),),
            newest_by="day",
            values={
                "id": (*KEYS, "5", "6"),
                "day": ("2026-01-01", "2026-01-02", "2026-01-03", "2026-01-04"),
                "text": NAMES,
            },
        ),
    ),
)

WORLDS = (SHOP, LEDGER, FLEET)
