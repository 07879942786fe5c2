"""`/backups/REPOSITORY/LABEL`: one backup: what is in it, what is not, what was tried with it, and what one can do."""

from __future__ import annotations

from urllib.parse import quote

from markupsafe import Markup
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from toolkit import wording
from toolkit.app.commands import graph, show
from toolkit.app.commands.show import Shown
from toolkit.app.console import downloads
from toolkit.app.console.site import site_of
from toolkit.errors import InputError
from toolkit.model.outline import outline_of
from toolkit.output.graph_svg import LEGEND, svg_within
from toolkit.planning.backup_graph import graph_of_backup
from toolkit.planning.graph_layout import lay_out

ZOOMS = (50, 100, 150, 200)
"""Sizes of the picture, in percent."""

REASONS = (
    ("owned", "Own", "of the businesses themselves"),
    ("shared", "For all", "used by every business, such as settings"),
    ("unowned", "Of nobody", "of no business; only backups of all businesses take them along"),
    ("referenced", "Needed", "taken along because rows in the backup point at them"),
)
"""The reasons for which rows are in a backup: as `show` calls them, for people, and what they mean."""

LEFT_OUT = {
    "optional": "not asked for, such as logs: a backup takes these only where one ticks them",
    "device": "of this device alone: a full device backup has them",
    "transient": "only for a moment, such as queues: never in a backup",
    "unclassified": "nobody has said yet what these are",
    "schema": "in a part of the database that is left out",
    "file": "not in the file that was imported",
}
"""What it means for people that a table was left out, by the reason in the manifest."""


def details(request: Request) -> Response:
    """Show a backup."""
    site, shown = site_of(request), shown_backup(request)
    manifest = shown.manifest
    document = shown.document()
    drawn = graph_of_backup(manifest)
    return site.page(
        request,
        "backup_details.html",
        title=f"Backup of {manifest.metadata.host}",
        shown=shown,
        about=manifest.metadata,
        outline=outline_of(manifest),
        tables=document["tables"],
        reasons=REASONS,
        left_out=[(LEFT_OUT.get(reason, reason), names) for reason, names in document["left_out"].items()],
        put_aside=wording.put_aside_text(manifest.put_aside) if manifest.put_aside else "",
        owners={table.name: table.owner for table in drawn.tables},
        references=len(drawn.edges),
        address=address_of(shown.repository, manifest.metadata.label),
        ready=downloads.ready(site.control.directory, shown.repository, manifest.metadata.label),
    )


def picture(request: Request) -> Response:
    """Show the picture of its tables and what points at what, as large as is asked for."""
    shown, asked = shown_backup(request), request.query_params.get("zoom", "")
    label = shown.manifest.metadata.label
    address, zoom = address_of(shown.repository, label), int(asked) if asked in map(str, ZOOMS) else 100
    found = graph_of_backup(shown.manifest)
    drawn = svg_within(
        lay_out(found, top=LEGEND),
        graph.drawn_of(found, label).title,
        link=lambda table: f"{address}#table-{quote(table)}",
        zoom=zoom / 100,
    )
    return site_of(request).page(
        request,
        "backup_picture.html",
        title="Picture of a backup",
        address=address,
        zoom=zoom,
        zooms=ZOOMS,
        picture=Markup(drawn),  # all names in it are escaped
        tables=len(found.tables),
        references=len(found.edges),
    )


def picture_file(request: Request) -> Response:
    """Give the picture as a file to keep, as `graph LABEL` writes it."""
    shown = shown_backup(request)
    label, found = shown.manifest.metadata.label, graph_of_backup(shown.manifest)
    text = graph.picture(found, graph.drawn_of(found, label).title)
    return Response(
        text, media_type="image/svg+xml", headers={"Content-Disposition": f'attachment; filename="{label}.svg"'}
    )


def shown_backup(request: Request) -> Shown:
    """Give the backup that an address names, as `show` finds it; InputError where there is none."""
    site, repository = site_of(request), request.path_params["repository"]
    if repository not in site.inventory().repositories:
        raise InputError(f"there is no place {repository} for backups here", hint="look it up among the backups")
    options = show.Options(label=(request.path_params["label"],))
    (shown,) = show.COMMAND.body(options, site.call(show.COMMAND, repository=repository))
    assert isinstance(shown, Shown)
    return shown


def address_of(repository: str, label: str) -> str:
    """Give the address of a backup's page."""
    return f"/backups/{quote(repository, safe='')}/{quote(label, safe='')}"


ROUTES = (
    Route("/backups/{repository}/{label}", details, name="backup_details"),
    Route("/backups/{repository}/{label}/picture", picture, name="backup_picture"),
    Route("/backups/{repository}/{label}/picture.svg", picture_file, name="backup_picture_file"),
)
