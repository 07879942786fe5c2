"""Projects, their stages and contractors."""

from __future__ import annotations

from collections.abc import Iterator

from toolkit.demo.rows.personal import expense
from toolkit.demo.world import ADMIN, NOBODY, Business, Owners, Row, World, key, person, row

PROJECT_TYPES = 5
STAGES = 3
CONTRACTORS = 2
TRANSACTIONS = 4


def _construction(business: Business, number: int) -> str | None:
    """The building site of a project: every second project has one."""
    return key("construction_projects", business.index, number) if number % 2 == 0 else None


def _each(world: World) -> Iterator[tuple[Business, int, str]]:
    for business in world.businesses:
        for number in range(world.scale.projects):
            yield business, number, key("projects", business.index, number)


def _stage(business: Business, project: int, number: int) -> str:
    return key("project_stages", business.index, project, number)


def _contractor(business: Business, project: int, number: int) -> str:
    return key("project_contractors", business.index, project, number)


def _contracted(world: World, business: Business, project: int, number: int) -> str:
    """The person: never the same one twice in a project, and only from the first half of all persons."""
    half = world.scale.persons // 2
    return person((world.draw("contractor", business.index, project) + number) % half)


def projects(world: World) -> Iterator[Row]:
    """Give one of no business, then those of each."""
    yield row(NOBODY, id="project-of-nobody", businessId=None, createdBy=ADMIN, projectTypeId="project-type-0")
    for business, number, id_ in _each(world):
        yield row(
            business.owners,
            id=id_,
            businessId=business.id,
            createdBy=world.author(business, id_) if number % 3 else None,
            projectTypeId=f"project-type-{number % PROJECT_TYPES}",
        )


def construction_projects(world: World) -> Iterator[Row]:
    """Sites: they are owned by the projects whose stages are built there; one has none."""
    yield row(NOBODY, id="site-of-nobody", createdBy=None, projectTypeId=None)
    for business, number, _ in _each(world):
        site = _construction(business, number)
        if site:
            yield row(
                business.owners,
                id=site,
                createdBy=world.author(business, site),
                projectTypeId=f"project-type-{number % PROJECT_TYPES}" if number % 4 else None,
            )


def construction_expenses(world: World) -> Iterator[Row]:
    """Give two per site, and one of no site."""
    yield row(NOBODY, id="construction-expense-of-nobody", projectId=None, createdBy=None)
    for business, number, _ in _each(world):
        site = _construction(business, number)
        for which in range(2 if site else 0):
            id_ = key("construction_expenses", business.index, number, which)
            yield row(business.owners, id=id_, projectId=site, createdBy=world.author(business, id_))


def project_stages(world: World) -> Iterator[Row]:
    """Give three per project, and one of the project that belongs to nobody."""
    nobody: dict[str, object] = {"projectId": "project-of-nobody", "constructionProjectId": None}
    yield row(NOBODY, id="stage-of-nobody", orderIndex=0, **nobody)
    for business, number, project in _each(world):
        for stage in range(STAGES):
            yield row(
                business.owners,
                id=_stage(business, number, stage),
                projectId=project,
                constructionProjectId=_construction(business, number),
                orderIndex=stage,
            )


def project_contractors(world: World) -> Iterator[Row]:
    """Give two persons per project."""
    for business, number, project in _each(world):
        for which in range(CONTRACTORS):
            yield row(
                business.owners,
                id=_contractor(business, number, which),
                projectId=project,
                constructionProjectId=_construction(business, number) if which else None,
                personId=_contracted(world, business, number, which),
            )


def stage_contractor_assignments(world: World) -> Iterator[Row]:
    """Give every contractor at every stage."""
    for business, number, _ in _each(world):
        for stage in range(STAGES):
            for which in range(CONTRACTORS):
                yield row(
                    business.owners,
                    id=key("stage_contractor_assignments", business.index, number, stage, which),
                    stageId=_stage(business, number, stage),
                    projectContractorId=_contractor(business, number, which),
                )


def _links(world: World, business: Business, number: int, which: int) -> dict[str, str | None]:
    at_stage = which % 2 == 1
    assignment = key("stage_contractor_assignments", business.index, number, which % STAGES, 0)
    return {
        "stageId": _stage(business, number, which % STAGES) if at_stage else None,
        "stageAssignmentId": assignment if at_stage else None,
        "projectContractorId": _contractor(business, number, 0) if at_stage else None,
        "recipientPersonId": _contracted(world, business, number, 1) if which == 2 else None,
        "constructionProjectId": _construction(business, number),
    }


def project_transactions(world: World) -> Iterator[Row]:
    """Four per project, each paid from somebody's own pocket."""
    for business, number, project in _each(world):
        owners: Owners = business.owners
        for which in range(TRANSACTIONS):
            id_ = key("project_transactions", business.index, number, which)
            yield row(
                owners,
                id=id_,
                projectId=project,
                personalExpenseId=expense(business, which % world.scale.users, number % 2),
                createdBy=world.author(business, id_),
                approvedBy=world.author(business, "approval", id_) if which % 2 else None,
                **_links(world, business, number, which),
            )


TABLES = (
    projects,
    project_stages,
    project_contractors,
    project_transactions,
    construction_projects,
    construction_expenses,
    stage_contractor_assignments,
)
