"""`/catalog`: the tables of a host, whose their rows are, and what a backup takes of them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Final
from urllib.parse import urlencode

from markupsafe import Markup
from starlette.datastructures import QueryParams
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from toolkit.app.commands import businesses, explain, find, graph
from toolkit.app.commands.backups import Listed
from toolkit.app.console.answers import PATIENCE, answer_of
from toolkit.app.console.pages.backups import everywhere
from toolkit.app.console.site import Site, site_of
from toolkit.errors import DatabaseError, InputError, RefusedError
from toolkit.model.host import Host
from toolkit.model.scope import BackupType, Demo
from toolkit.output.graph_svg import LEGEND, style_within, svg, svg_within
from toolkit.planning.graph import Graph
from toolkit.planning.graph_layout import lay_out

KINDS: Final = {
    "tenant": ("the businesses", "Every row is a business."),
    "owned": ("belongs to a business", "Every row belongs to one business, or to several together."),
    "shared": ("shared", "All businesses use the same rows. Every backup has all of them."),
    "referenced": ("goes along", "A row is in a backup when another row in it points at it."),
    "device": ("this computer", "Rows about one computer. They are only in full device backups."),
    "transient": ("never backed up", "Rows that are only good for a moment, such as who is logged in."),
    "unclassified": ("not decided", "Nobody has said yet what these rows are, so no backup has them."),
}
"""By the kind of a table: what it is called on the page, and what that means."""

_NAMES: Final = ("name", "displayname", "fullname", "title", "label", "username", "email", "number", "code")
"""Columns by which people call a row, the best first."""

ZOOMS: Final = (25, 50, 75, 100, 150, 200)


def catalog(request: Request) -> Response:
    """Show the tables of a host, and what a search found."""
    site, query = site_of(request), request.query_params
    hosts = _hosts(site)
    host = _host(query, hosts)
    text, found, tables, groups, wrong = query.get("q", "").strip(), None, 0, [], None
    try:
        if host:
            drawn = _graph(site, host)
            tables, groups = len(drawn.tables), list(_groups(drawn))
        if host and text:
            found = answer_of(site, find.COMMAND, find.Options(text=(text,)), host=host)
    except (DatabaseError, RefusedError, InputError) as error:
        if host not in {each.name for each in hosts}:
            raise
        wrong = error  # the others can still be chosen
    return site.page(
        request,
        "catalog.html",
        title="Catalog",
        wrong=wrong,
        hosts=hosts,
        host=host,
        q=text,
        found=found,
        tables=tables,
        groups=groups,
        kinds=KINDS,
    )


def _hosts(site: Site) -> Sequence[Host]:
    """The hosts with a catalog file."""
    return [host for host in site.inventory().select("all") if host.catalog]


def _host(query: QueryParams, hosts: Sequence[Host]) -> str:
    """The host that is asked for; where none is, the first."""
    return query.get("host", "") or (hosts[0].name if hosts else "")


def _named(query: QueryParams, name: str) -> str:
    """A part of the address that has to be there."""
    if value := query.get(name, ""):
        return value
    raise InputError(f"the address does not say which {name}", hint="choose one on the page Catalog")


def _graph(site: Site, host: str) -> Graph:
    _, found = graph.graph_asked(site.call(graph.COMMAND, host=host, seconds=PATIENCE))
    return found


def _groups(found: Graph) -> Iterable[tuple[str, list[dict[str, object]]]]:
    """The tables by the heading that they have in the catalog file."""
    groups: dict[str, list[dict[str, object]]] = {}
    for table in found.tables:
        row = {"name": table.name, "kind": table.kind, "optional": table.optional, "owner": table.owner}
        groups.setdefault(_heading(table.group), []).append(row)
    return groups.items()


def _heading(group: str) -> str:
    """A group of the catalog file as it is called on the page, e.g. `Hr payroll` for `business/hr_payroll`."""
    category, _, name = group.partition("/")
    words = " ".join(name.replace("_", " ").split())
    called = {"business": "", "device": " (this computer)", "transient": " (never backed up)"}.get(category)
    return group if called is None or not words else words[0].upper() + words[1:] + called


def picture(request: Request) -> Response:
    """Show the picture, as large as is asked for, with links to the tables."""
    site, query = site_of(request), request.query_params
    host = _named(query, "host")
    zoom = int(query["zoom"]) if query.get("zoom", "") in map(str, ZOOMS) else 100
    found = _graph(site, host)
    drawn = svg_within(
        lay_out(found, top=LEGEND),
        _title(host, found),
        link=lambda table: f"/catalog/table?{urlencode({'host': host, 'table': table})}",
        zoom=zoom / 100,
    )
    return site.page(
        request,
        "catalog_picture.html",
        title=f"Picture of {host}",
        host=host,
        zoom=zoom,
        zooms=ZOOMS,
        picture=Markup(drawn),  # all names in it are escaped
        tables=len(found.tables),
        references=len(found.edges),
    )


def picture_file(request: Request) -> Response:
    """Give the picture as a file to keep."""
    site, host = site_of(request), _named(request.query_params, "host")
    found = _graph(site, host)
    text = svg(lay_out(found, top=LEGEND), _title(host, found))
    return Response(
        text, media_type="image/svg+xml", headers={"Content-Disposition": 'attachment; filename="tables.svg"'}
    )


def picture_style(_: Request) -> Response:
    """Give the style of pictures within pages."""
    return Response(style_within(), media_type="text/css")


def _title(host: str, found: Graph) -> str:
    return f"{host}: {len(found.tables)} tables, {len(found.edges)} references"


def table(request: Request) -> Response:
    """Show a table: whose its rows are, what a backup takes of it, what it points at; and search in it."""
    site, query = site_of(request), request.query_params
    host, name, text = _named(query, "host"), _named(query, "table"), query.get("q", "").strip()
    business, device = (
        answer_of(site, explain.COMMAND, explain.Options(row=(name,), scope=scope.value), host=host)
        for scope in (BackupType.BUSINESS, BackupType.FULL_DEVICE)
    )
    found = None
    if text:
        found = answer_of(site, find.COMMAND, find.Options(text=(text,), table=name), host=host)
    return site.page(
        request,
        "catalog_table.html",
        title=business.explanation.table,
        host=host,
        table=business.explanation,
        rows=business.rows,
        scopes=(("Business backup", business.explanation), ("Full device backup", device.explanation)),
        kind=_kind(business),
        kinds=KINDS,
        rule=business.document()["rule"],
        q=text,
        found=found,
    )


def _kind(answer: explain.ExplainedTable | explain.Explained) -> str:
    rule = answer.explanation.rule
    if rule is None:
        return "unclassified"
    return rule.kind.value if rule.category.value == "business" else rule.category.value


def row(request: Request) -> Response:
    """Show a row: whose it is by which way, and whether a backup of a scope takes it."""
    site, query = site_of(request), request.query_params
    host, name, key = _named(query, "host"), _named(query, "table"), query.getlist("key")
    if not key:
        raise InputError("the address does not say which row", hint="choose one on the page of its table")
    optional = name if query.get("optional") else ""
    asked = explain.Options(
        row=(name, *key),
        scope=query.get("scope", ""),
        businesses=query.get("business", ""),
        demo=query.get("demo", ""),
        optional=optional,
    )
    found = answer_of(site, explain.COMMAND, asked, host=host)
    census = answer_of(site, businesses.COMMAND, businesses.Options(no_rows=True), host=host)
    return site.page(
        request,
        "catalog_row.html",
        title=f"A row of {name}",
        host=host,
        table=name,
        key=key,
        row=found.explanation,
        taken=found.explanation.mark is not None,
        scope=found.scope,
        optional=bool(optional),
        name=_name(found.explanation.values),
        newest=_newest(site, host, found.scope.type),
        businesses=census.census.businesses,
        demos=[each.value for each in Demo],
        kind=_kind(found),
        kinds=KINDS,
        command=_command(host, asked),
    )


def _name(values: Mapping[str, str | None]) -> str:
    """What a person would call a row; empty where none of its columns says."""
    known = {column.lower().replace("_", ""): value for column, value in values.items() if value}
    return next((value for column in _NAMES if (value := known.get(column))), "")


def _newest(site: Site, host: str, kind: BackupType) -> tuple[Listed | None, bool]:
    """The newest backup of that kind that there is of a host, and whether every place could be asked."""
    answer = everywhere(site)
    found = [each for each in answer.backups if _is_of(each, host, kind)]
    return found[-1] if found else None, not answer.unreadable and not any(each.exit_code for each in answer.unread)


def _is_of(backup: Listed, host: str, kind: BackupType) -> bool:
    about = backup.outline.metadata
    return (about.host, about.backup_type) == (host, kind)


def _command(host: str, asked: explain.Options) -> str:
    """The command that says the same."""
    options = {
        "--scope": asked.scope,
        "--businesses": asked.businesses,
        "--demo": asked.demo,
        "--optional": asked.optional,
    }
    given = [word for option, value in options.items() if value for word in (option, value)]
    return " ".join(map(_word, ["invoke", "explain", "--host", host, *asked.row, *given]))


def _word(text: str) -> str:
    """A word of a command line, in the quotes that both kinds of shells know where it needs any."""
    plain = text and all(each.isalnum() or each in "-_.,=:@/" for each in text)
    return text if plain else '"' + text.replace('"', '\\"') + '"'


ROUTES = (
    Route("/catalog", catalog, name="catalog"),
    Route("/catalog/picture", picture, name="catalog.picture"),
    Route("/catalog/picture.svg", picture_file, name="catalog.picture_file"),
    Route("/catalog/picture.css", picture_style, name="catalog.picture_style"),
    Route("/catalog/table", table, name="catalog.table"),
    Route("/catalog/row", row, name="catalog.row"),
)
