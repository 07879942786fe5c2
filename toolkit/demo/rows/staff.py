"""Employees and what hangs on them."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta

from toolkit.demo.world import Business, Owners, Row, World, employee, key, row, user

JOB_TITLES = 6
COMPENSATION_TYPES = 4
BENEFIT_TYPES = 5
FIRST_DAY = date(2025, 1, 6)


def each_employee(world: World) -> Iterator[tuple[Business, int, str, Owners]]:
    """Give every employee: primary business, number, id, businesses."""
    for business in world.businesses:
        for number in range(world.scale.employees):
            yield business, number, employee(business, number), world.employee_owners(business, number)


def supervisor(world: World, business: Business, number: int) -> str | None:
    """Say who supervises an employee: a chain within the business, whose head answers to the head of its umbrella."""
    if number:
        return employee(business, (number - 1) // 3)
    umbrella = world.umbrella(business)
    return employee(umbrella, 0) if umbrella else None


def contract(business: Business, number: int, which: int) -> str:
    """Give the id of a contract of an employee: the first (0) or the one that followed it (1)."""
    return key("employee_contracts", business.index, number, which)


def _approver(business: Business, number: int) -> str | None:
    return employee(business, 0) if number % 4 else None


def employees(world: World) -> Iterator[Row]:
    """Give the employees; the head of a business comes before the others."""
    for business, number, id_, owners in each_employee(world):
        yield row(
            owners,
            id=id_,
            employeeNumber=f"EMP-{business.prefix}-{number + 1:04}",
            email=f"{id_}@staff.example.com" if number % 5 else None,
            nationalId=f"63-{business.index:04}{number:05}-K-00",
            primaryBusinessId=business.id,
            supervisorId=supervisor(world, business, number),
            userId=user(business, number) if world.has_login(number) else None,
            jobTitleId=f"job-{number % JOB_TITLES}",
            compensationTypeId=f"compensation-{number % COMPENSATION_TYPES}",
            driverLicenseTemplateId="license-zw" if number % 3 == 0 else None,
            idFormatTemplateId="id-zw" if number % 4 else None,
        )


def employee_contracts(world: World) -> Iterator[Row]:
    """Give one each, and a second for every third; a few first contracts were with another business."""
    for business, number, id_, owners in each_employee(world):
        former = world.earlier(business, "former", id_) if number % 9 == 3 else None
        umbrella = world.umbrella(business)
        for which in range(2 if number % 3 == 0 else 1):
            place = former if former and which == 0 else business
            yield row(
                owners | place.owners,
                id=contract(business, number, which),
                contractNumber=f"CON-{business.prefix}-{number + 1:04}-{which + 1}",
                employeeId=id_,
                previousContractId=contract(business, number, 0) if which else None,
                primaryBusinessId=place.id,
                umbrellaBusinessId=umbrella.id if umbrella else None,
                supervisorId=supervisor(world, business, number),
                jobTitleId=f"job-{number % JOB_TITLES}",
                compensationTypeId=f"compensation-{number % COMPENSATION_TYPES}",
            )


def employee_business_assignments(world: World) -> Iterator[Row]:
    """Say where each employee works."""
    for business, number, id_, _ in each_employee(world):
        for place in world.workplaces(business, number):
            yield row(
                place.owners,
                id=key("employee_business_assignments", business.index, number, place.index),
                employeeId=id_,
                businessId=place.id,
            )


def employee_benefits(world: World) -> Iterator[Row]:
    """Give two each."""
    for business, number, id_, owners in each_employee(world):
        for which in range(2):
            yield row(
                owners,
                id=key("employee_benefits", business.index, number, which),
                employeeId=id_,
                benefitTypeId=f"benefit-{(number + which) % BENEFIT_TYPES}",
            )


def _approved(world: World, table: str, every: int) -> Iterator[Row]:
    for business, number, id_, owners in each_employee(world):
        if number % every == 0:
            yield row(
                owners,
                id=key(table, business.index, number),
                employeeId=id_,
                approvedBy=_approver(business, number),
            )


def employee_allowances(world: World) -> Iterator[Row]:
    """For every second employee."""
    yield from _approved(world, "employee_allowances", 2)


def employee_bonuses(world: World) -> Iterator[Row]:
    """For every third employee."""
    yield from _approved(world, "employee_bonuses", 3)


def employee_deductions(world: World) -> Iterator[Row]:
    """For every second employee."""
    yield from _approved(world, "employee_deductions", 2)


def employee_loans(world: World) -> Iterator[Row]:
    """For every third employee."""
    yield from _approved(world, "employee_loans", 3)


def employee_salary_increases(world: World) -> Iterator[Row]:
    """For every second employee."""
    yield from _approved(world, "employee_salary_increases", 2)


def employee_leave_requests(world: World) -> Iterator[Row]:
    """For every employee."""
    yield from _approved(world, "employee_leave_requests", 1)


def employee_leave_balance(world: World) -> Iterator[Row]:
    """For two years."""
    for business, number, id_, owners in each_employee(world):
        for year in (2024, 2025):
            yield row(owners, id=key("employee_leave_balance", business.index, number, year), employeeId=id_, year=year)


def employee_attendance(world: World) -> Iterator[Row]:
    """Day by day."""
    for business, number, id_, owners in each_employee(world):
        for day in range(world.scale.attendance):
            yield row(
                owners,
                id=key("employee_attendance", business.index, number, day),
                employeeId=id_,
                date=(FIRST_DAY + timedelta(days=day)).isoformat(),
            )


def employee_time_tracking(world: World) -> Iterator[Row]:
    """Month by month."""
    for business, number, id_, owners in each_employee(world):
        for month in range(1, 4):
            yield row(
                owners,
                id=key("employee_time_tracking", business.index, number, month),
                employeeId=id_,
                year=2025,
                month=month,
            )


def disciplinary_actions(world: World) -> Iterator[Row]:
    """For a few, written by the head of the business."""
    for business, number, id_, owners in each_employee(world):
        if number % 7 == 6:
            yield row(
                owners,
                id=key("disciplinary_actions", business.index, number),
                employeeId=id_,
                createdBy=employee(business, 0),
            )


def _paid_off(world: World, table: str, parent: str, column: str, every: int) -> Iterator[Row]:
    for business, number, _, owners in each_employee(world):
        for payment in range(3 if number % every == 0 else 0):
            yield row(
                owners,
                id=key(table, business.index, number, payment),
                processedBy=_approver(business, payment + 1),
                **{column: key(parent, business.index, number)},
            )


def employee_deduction_payments(world: World) -> Iterator[Row]:
    """Give three per deduction."""
    yield from _paid_off(world, "employee_deduction_payments", "employee_deductions", "deductionId", 2)


def employee_loan_payments(world: World) -> Iterator[Row]:
    """Give three per loan."""
    yield from _paid_off(world, "employee_loan_payments", "employee_loans", "loanId", 3)


def contract_benefits(world: World) -> Iterator[Row]:
    """Give one per current contract."""
    for business, number, _, owners in each_employee(world):
        which = 1 if number % 3 == 0 else 0
        yield row(
            owners,
            id=key("contract_benefits", business.index, number),
            contractId=contract(business, number, which),
            benefitTypeId=f"benefit-{number % BENEFIT_TYPES}",
        )


def contract_renewals(world: World) -> Iterator[Row]:
    """For employees with a second contract, and for some whose renewal is still open."""
    for business, number, id_, owners in each_employee(world):
        if number % 3 < 2:
            yield row(
                owners,
                id=key("contract_renewals", business.index, number),
                employeeId=id_,
                originalContractId=contract(business, number, 0),
                newContractId=contract(business, number, 1) if number % 3 == 0 else None,
            )


TABLES = (
    employees,
    employee_contracts,
    employee_business_assignments,
    employee_benefits,
    employee_allowances,
    employee_bonuses,
    employee_deductions,
    employee_loans,
    employee_salary_increases,
    employee_leave_requests,
    employee_leave_balance,
    employee_attendance,
    employee_time_tracking,
    disciplinary_actions,
    employee_deduction_payments,
    employee_loan_payments,
    contract_benefits,
    contract_renewals,
)
