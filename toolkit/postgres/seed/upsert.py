"""Seeding: rows on stage, checked, compared, and what is missing or differs written, in one transaction."""

from __future__ import annotations

from collections.abc import Sequence

import psycopg
from msgspec import Struct
from psycopg import sql

from toolkit.errors import InputError, Problem, RefusedError
from toolkit.model.outcome import Progress
from toolkit.model.schema import DatabaseSchema
from toolkit.model.seeding import Ids, Seeded, Seeding
from toolkit.postgres.compare.sequence_outlook import behind
from toolkit.postgres.schema.introspection import read_schema, schemas_with_tables
from toolkit.postgres.schema.naming import text
from toolkit.postgres.schema.relation import assigned
from toolkit.postgres.seed.checks import Checks, refuse_incomparable, target
from toolkit.postgres.seed.layout import Layout, lay_out
from toolkit.postgres.seed.matching import Matching
from toolkit.postgres.seed.staging import LIMIT, STAGE, Stage, fill, staged_value
from toolkit.postgres.session.connection import Connection, refuse_standby
from toolkit.postgres.write.fate import Deed
from toolkit.postgres.write.recovery import Open, told_transaction
from toolkit.postgres.write.sequence_moves import advance
from toolkit.wording import counted


def seed(
    connection: Connection,
    reopen: Open,
    seeding: Seeding,
    *,
    schemas: Sequence[str],
    progress: Progress,
    check: bool = False,
    samples: bool = False,
) -> Seeded:
    """See that the rows are in their table. Without `check` what is missing is inserted, and what differs updated.

    Args:
        reopen: opens another session, to ask how a commit ended whose answer was lost.
        schemas: those of the application; names without a schema are of the first.
        samples: give some rows of every kind.

    Raises:
        InputError: the seeding does not fit the table, or rows are wrong; every problem, with its line.
        RefusedError: the table has a natural key several times, the role may not lock it, or a trigger changes the key.
            Nothing was changed.
        psycopg.Error: the server refused a row; everything was rolled back.
        UndecidedError: the connection was lost in the commit, and nobody can say how it ended.
    """
    refuse_standby(connection)
    schema = _schema(connection, seeding, schemas)
    layout = lay_out(seeding, schema)
    refuse_incomparable(connection, schema, seeding)
    deed = Deed(does=f"which seeds {seeding.table}", done=f"{seeding.table} is seeded")
    committed = told_transaction(connection, reopen, deed)
    with connection.transaction(force_rollback=True) if check else committed:
        return _Upsert(connection, schema, seeding, layout, progress).carry_out(check=check, samples=samples)


def _schema(connection: Connection, seeding: Seeding, schemas: Sequence[str]) -> DatabaseSchema:
    """The tables of the application, and of any other schema that the seeding names."""
    named = [seeding.table, *(lookup.table for lookup in seeding.lookups.values())]
    others = {name.partition(".")[0] for name in named if "." in name}
    there = others.intersection(schemas_with_tables(connection)).difference(schemas) if others else ()
    return read_schema(connection, [*schemas, *sorted(there)])


class _Upsert(Struct, frozen=True):
    connection: Connection
    schema: DatabaseSchema
    seeding: Seeding
    layout: Layout
    progress: Progress

    def carry_out(self, *, check: bool, samples: bool) -> Seeded:
        self.progress.start("read the rows")
        stage, problems = fill(self.connection, self.seeding, self.layout)
        self.progress.start("compare", rows=stage.rows)
        checks = Checks(self.connection, self.schema, self.seeding, self.layout, stage)
        unfound = checks.look_up()
        waiting = _waiting(unfound) if check else ()
        problems += [*(() if waiting else unfound), *checks.problems()]
        if problems and checks.cut:
            problems.append(Problem(message=f"only the first {LIMIT} problems of a kind are listed"))
        if problems:
            raise InputError(problems)
        warnings = waiting
        matching = Matching(self.connection, self.schema, self.layout, stage)
        found = self._look(checks, matching)
        shown = matching.samples() if samples else ()
        if found.renamed and self.seeding.ids is Ids.KEPT:
            what = f"{counted(found.renamed, 'row')} with an id that another natural key has"
            warnings += (f"{what}: not inserted; --diff shows them",)
        inserted, updated = found.inserted, found.updated
        if (inserted or updated) and not check:
            self._lock()
            # others may have written meanwhile
            self._look(checks, matching)
            self.progress.start("write", rows=inserted + updated)
            missing = matching.missing()
            inserted, updated = self._insert(matching, stage), self._update(matching)
            warnings += self._advance_sequences()
            found = self._look(checks, matching)
            self._refuse_unfound(found.inserted - (missing - inserted))
            warnings += _unlike(found, self.layout)
        return Seeded(
            rows=stage.rows,
            there=stage.rows - found.inserted,
            inserted=inserted,
            updated=updated,
            kept=found.kept,
            renamed=found.renamed,
            samples=shown,
            warnings=warnings,
        )

    def _look(self, checks: Checks, matching: Matching) -> Seeded:
        """Compare; gives what is to be done."""
        matching.match()
        checks.refuse_ambiguous()
        return Seeded(
            rows=0,
            there=0,
            inserted=matching.missing(),
            updated=matching.differing(self.layout.update),
            kept=matching.kept(),
            renamed=matching.renamed(),
        )

    def _lock(self) -> None:
        """Keep others from writing to the table until the commit, so that nobody inserts the same row beside us."""
        name, table = target(self.schema, self.layout), self.layout.table
        try:
            with self.connection.transaction():
                self.connection.execute(sql.SQL("LOCK TABLE {} IN SHARE ROW EXCLUSIVE MODE").format(name))
        except psycopg.errors.InsufficientPrivilege as error:
            keys = [table.primary_key, *(key.columns for key in table.unique_keys if not key.partial)]
            if not any(key and set(key) <= set(self.layout.key) for key in keys):
                raise RefusedError(
                    f"role {self.connection.info.user} may not lock {table.name}, and no unique key of it has"
                    f" {', '.join(self.layout.key)}: others could insert the same row at the same time",
                    hint=f"GRANT UPDATE ON {text(self.schema.schemas, table.name)}, or add a unique key",
                ) from error

    def _insert(self, matching: Matching, stage: Stage) -> int:
        inserted = 0
        own = {each.name: each for each in self.layout.inserted}
        always = any(self.layout.table.column(name).identity == "always" for name in own)
        for number in range(len(stage.sets)):
            columns = [each for name, each in own.items() if name in stage.sets[number]]
            statement = sql.SQL(
                "INSERT INTO {} ({}){} SELECT {} FROM {} s"
                " WHERE s.new_ AND NOT s.renamed_ AND s.set_ = {} ORDER BY s.n_"
            ).format(
                target(self.schema, self.layout),
                sql.SQL(", ").join(sql.Identifier(each.name) for each in columns),
                sql.SQL(" OVERRIDING SYSTEM VALUE" if always else ""),
                sql.SQL(", ").join(sql.Identifier("s", each.stage_name) for each in columns),
                STAGE,
                sql.Literal(number),
            )
            inserted += self.connection.execute(statement).rowcount
        return inserted

    def _refuse_unfound(self, rows: int) -> None:
        """Raise RefusedError where rows that were inserted cannot be found again: every run would insert them anew."""
        if rows > 0:
            name, key = self.layout.table.name, ", ".join(self.layout.key)
            raise RefusedError(
                f"{counted(rows, 'row')} inserted into {name} cannot be found again by {key}: a trigger of {name}"
                " changes the key, or takes the rows away, and every run would insert them once more",
                hint=f"write {key} as the trigger leaves it, or name another key; nothing was changed",
            )

    def _update(self, matching: Matching) -> int:
        updated = 0
        for number, names in matching.by_set(self.layout.update):
            statement = sql.SQL("UPDATE {} t SET {} FROM {} s WHERE NOT s.new_ AND s.set_ = {} AND {} AND ({})").format(
                matching.source,
                sql.SQL(", ").join(assigned(name, staged_value(self.layout, name)) for name in names),
                STAGE,
                sql.Literal(number),
                matching.same_key,
                sql.SQL(" OR ").join(map(matching.differs, names)),
            )
            updated += self.connection.execute(statement).rowcount
        return updated

    def _advance_sequences(self) -> tuple[str, ...]:
        """Move the sequences that number the table past the ids of the rows; gives what is to be said."""
        if self.seeding.ids is not Ids.KEPT:
            return ()
        outlook = behind(self.connection, self.schema.schemas, (), [self.layout.table.name])
        advance(self.connection, self.schema.schemas, list(outlook.moves))
        return outlook.said


def _waiting(unfound: Sequence[Problem]) -> tuple[str, ...]:
    """Say in check mode that lookups found nothing."""
    said = "rows that are looked up are not there yet; an earlier task may insert them"
    return (f"{said}: {unfound[0]}",) if unfound else ()


def _unlike(found: Seeded, layout: Layout) -> tuple[str, ...]:
    """Say what is not as the rows have it although it was written: triggers of the application changed it."""
    said, name = list[str](), layout.table.name
    if found.inserted:
        said.append(f"{counted(found.inserted, 'row')} inserted and not there: a trigger of {name} left them out")
    if found.updated:
        said.append(f"{counted(found.updated, 'row')} not as they were written: a trigger of {name} changed them")
    return tuple(said)
