"""What the system catalogs say of some tables and of all that belongs to them, as text that can be compared.

An object that was dropped and made again has another number, and the server names what it makes for foreign keys by
numbers. Both are left out, and so is what the server keeps for its own use: sizes, files, transactions.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection

from psycopg import sql

from toolkit.model.schemas import Schemas
from toolkit.postgres.schema.firing_order import acting_keys, pairs_that_matter
from toolkit.postgres.schema.naming import NAMED, parameter
from toolkit.postgres.session.connection import Connection, full_names

_NUMBERS = sql.SQL("SELECT c.oid::bigint FROM {NAMED} c WHERE c.named = ANY (%(tables)s)").format(NAMED=NAMED)

_ROWS = sql.SQL("""
WITH tables AS (SELECT c.oid FROM {NAMED} c WHERE c.named = ANY (%(tables)s)),
indexes AS (SELECT i.indexrelid AS oid FROM pg_index i JOIN tables t ON t.oid = i.indrelid),
relations AS (SELECT oid FROM tables UNION ALL SELECT oid FROM indexes),
keys AS (
    SELECT k.oid FROM pg_constraint k JOIN tables t ON t.oid = k.conrelid
    UNION SELECT k.oid FROM pg_constraint k JOIN tables t ON t.oid = k.confrelid),
triggers AS (SELECT g.oid FROM pg_trigger g JOIN tables t ON t.oid = g.tgrelid),
objects AS (
    SELECT 'pg_class'::regclass::oid AS class, oid FROM relations
    UNION ALL SELECT 'pg_constraint'::regclass, oid FROM keys
    UNION ALL SELECT 'pg_trigger'::regclass, oid FROM triggers)
SELECT concat('relation ', c.oid::regclass), (to_jsonb(c) - %(own)s::text[])::text
FROM pg_class c JOIN relations r ON r.oid = c.oid
UNION ALL
SELECT concat('column ', a.attnum, ' of ', a.attrelid::regclass), (to_jsonb(a) - %(own)s::text[])::text
FROM pg_attribute a JOIN relations r ON r.oid = a.attrelid
UNION ALL
SELECT concat('default of ', d.adrelid::regclass), to_jsonb(d)::text
FROM pg_attrdef d JOIN tables t ON t.oid = d.adrelid
UNION ALL
SELECT concat('index ', i.indexrelid::regclass),
    concat(i.indrelid::regclass, ' ', pg_get_indexdef(i.indexrelid), ' ', to_jsonb(i) - %(own)s::text[])
FROM pg_index i JOIN indexes x ON x.oid = i.indexrelid
UNION ALL
SELECT concat('constraint ', k.conname, ' of ', k.conrelid::regclass),
    concat(k.confrelid::regclass, ' ', k.conindid::regclass, ' ', p.conname, ' ', pg_get_constraintdef(k.oid), ' ',
           to_jsonb(k) - %(own)s::text[])
FROM pg_constraint k JOIN keys j ON j.oid = k.oid LEFT JOIN pg_constraint p ON p.oid = k.conparentid
UNION ALL
SELECT concat('trigger ', g.tgname, ' of ', g.tgrelid::regclass),
    concat(g.tgconstrrelid::regclass, ' ', g.tgconstrindid::regclass, ' ', k.conname, ' ', p.tgname, ' ',
           CASE WHEN NOT g.tgisinternal THEN pg_get_triggerdef(g.oid) END, ' ', to_jsonb(g) - %(own)s::text[])
FROM pg_trigger g JOIN triggers j ON j.oid = g.oid
LEFT JOIN pg_constraint k ON k.oid = g.tgconstraint LEFT JOIN pg_trigger p ON p.oid = g.tgparentid
UNION ALL
SELECT concat('comment on ', pg_describe_object(d.classoid, d.objoid, d.objsubid)), d.description
FROM pg_description d JOIN objects o ON o.class = d.classoid AND o.oid = d.objoid
UNION ALL
SELECT concat('label of ', pg_describe_object(d.classoid, d.objoid, d.objsubid)), concat(d.provider, ' ', d.label)
FROM pg_seclabel d JOIN objects o ON o.class = d.classoid AND o.oid = d.objoid
UNION ALL
SELECT concat('dependence of ', pg_describe_object(d.classid, d.objid, d.objsubid)),
    concat(d.deptype, ' ', pg_describe_object(d.refclassid, d.refobjid, d.refobjsubid))
FROM pg_depend d
WHERE EXISTS (SELECT FROM objects o WHERE o.class = d.classid AND o.oid = d.objid)
OR EXISTS (SELECT FROM objects o WHERE o.class = d.refclassid AND o.oid = d.refobjid)
UNION ALL
SELECT concat('parent of ', h.inhrelid::regclass), concat(h.inhparent::regclass, ' ', h.inhseqno)
FROM pg_inherits h
WHERE h.inhrelid = ANY (SELECT oid FROM relations) OR h.inhparent = ANY (SELECT oid FROM relations)
UNION ALL
SELECT concat('statistics of ', s.stxrelid::regclass), to_jsonb(s)::text
FROM pg_statistic_ext s JOIN tables t ON t.oid = s.stxrelid
UNION ALL
SELECT concat('publication of ', s.prrelid::regclass), to_jsonb(s)::text
FROM pg_publication_rel s JOIN tables t ON t.oid = s.prrelid
UNION ALL
SELECT concat('policy of ', s.polrelid::regclass), to_jsonb(s)::text
FROM pg_policy s JOIN tables t ON t.oid = s.polrelid
UNION ALL
SELECT concat('rule of ', s.ev_class::regclass), to_jsonb(s)::text
FROM pg_rewrite s JOIN tables t ON t.oid = s.ev_class
""").format(NAMED=NAMED)

_OWN = (
    "oid relfilenode relpages reltuples relallvisible relallfrozen relfrozenxid relminmxid attrelid attcacheoff"
    " indexrelid indrelid indcheckxmin indexprs indpred conrelid confrelid conindid conparentid conbin"
    " tgrelid tgname tgconstrrelid tgconstrindid tgconstraint tgparentid tgqual"
).split()
"""Columns that are the server's own, and those with numbers or trees in place of which names and text are compared."""

_NUMBERED = re.compile(r"(\w+_ConstraintTrigger)(_[ac])?_\d+")


def catalog_rows(connection: Connection, schemas: Schemas, tables: Collection[str]) -> Counter[tuple[str, str]]:
    """Give what there is of these tables: pairs of what it is and all that the catalogs say of it."""
    parameters = {"schemas": parameter(schemas), "tables": sorted(tables), "own": _OWN}
    with full_names(connection):
        rows = connection.execute(_ROWS, parameters).fetchall()
        numbers = [number for (number,) in connection.execute(_NUMBERS, parameters)]
        for first, second in pairs_that_matter(acting_keys(connection), numbers):
            rows.append((f"order of the foreign keys {first} and {second}", ""))
    return Counter((_NUMBERED.sub(r"\1\2", str(what)), _NUMBERED.sub(r"\1\2", str(text))) for what, text in rows)
