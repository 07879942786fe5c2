"""Vehicles, drivers and trips."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from toolkit.demo.world import ADMIN, NOBODY, Business, Owners, Row, World, key, row, user

COMMON_VEHICLES = 3
MAINTENANCE = 2


class Vehicle(NamedTuple):
    """A vehicle, and the business it belongs to (None for the pool's)."""

    id: str
    home: Business | None

    @property
    def owners(self) -> Owners:
        """Whose it is."""
        return self.home.owners if self.home else NOBODY


class Authorization(NamedTuple):
    """The driver of a business may drive a vehicle, which may be another business's or the pool's."""

    business: Business
    number: int
    driver: str
    vehicle: Vehicle


def _vehicle(business: Business, number: int) -> Vehicle:
    return Vehicle(key("vehicles", business.index, number), business)


def _pool(number: int) -> Vehicle:
    return Vehicle(f"vehicle-pool-{number}", None)


def _vehicles(world: World) -> Iterator[tuple[Vehicle, int]]:
    for number in range(COMMON_VEHICLES):
        yield _pool(number), number
    for business in world.businesses:
        for number in range(world.scale.vehicles):
            yield _vehicle(business, number), number


def _driver(business: Business, number: int) -> str:
    return key("vehicle_drivers", business.index, number)


def _allowed(world: World, business: Business, number: int) -> list[Vehicle]:
    """What the driver of that number may drive: the last driver of a business nothing at all."""
    if number == world.scale.vehicles:
        return []
    vehicles = [_vehicle(business, number)]
    if number == 0:
        vehicles.append(_pool(business.index % COMMON_VEHICLES))
    lender = world.earlier(business, "lender", business.index)
    if number == 1 and lender:
        vehicles.append(_vehicle(lender, 0))
    return vehicles


def _authorizations(world: World, business: Business) -> list[Authorization]:
    return [
        Authorization(business, number, _driver(business, number), vehicle)
        for number in range(world.scale.vehicles + 1)
        for vehicle in _allowed(world, business, number)
    ]


def vehicles(world: World) -> Iterator[Row]:
    """Give a pool of no business, then those of each."""
    for (id_, home), number in _vehicles(world):
        plate = f"{home.prefix if home else 'POOL'} {number:03}"
        yield row(
            home.owners if home else NOBODY,
            id=id_,
            businessId=home.id if home else None,
            userId=user(home, number) if home and number % 2 and number < world.scale.users else None,
            licensePlate=plate,
            vin=f"VIN{plate.replace(' ', '')}",
        )


def vehicle_drivers(world: World) -> Iterator[Row]:
    """Give one more than vehicles: drivers belong to whoever's vehicles they may drive."""
    for business in world.businesses:
        for number in range(world.scale.vehicles + 1):
            yield row(
                NOBODY.union(*(vehicle.owners for vehicle in _allowed(world, business, number))),
                id=_driver(business, number),
                licenseNumber=f"LIC-{business.prefix}-{number:03}",
                userId=user(business, number) if number % 2 == 0 and number < world.scale.users else None,
                driverLicenseTemplateId="license-zw" if number % 3 else None,
            )


def driver_authorizations(world: World) -> Iterator[Row]:
    """Say who may drive what."""
    for business in world.businesses:
        for _, number, driver, vehicle in _authorizations(world, business):
            yield row(
                vehicle.owners,
                id=f"authorization-{driver}-{vehicle.id}",
                driverId=driver,
                vehicleId=vehicle.id,
                authorizedBy=world.author(business, "authorization", business.index, number),
            )


class Trip(NamedTuple):
    """A trip, with the business it was made for (None where nobody wrote it down)."""

    id: str
    authorization: Authorization
    client: Business | None

    @property
    def owners(self) -> Owners:
        """Whose it is: the vehicle's owner's and the client's."""
        return self.authorization.vehicle.owners | (self.client.owners if self.client else NOBODY)


def _trips(world: World) -> Iterator[Trip]:
    for business in world.businesses:
        allowed = _authorizations(world, business)
        for number in range(world.scale.trips):
            id_ = key("vehicle_trips", business.index, number)
            yield Trip(id_, allowed[number % len(allowed)], business if number % 5 else None)


def vehicle_trips(world: World) -> Iterator[Row]:
    """Trips, each by an authorized driver."""
    for trip in _trips(world):
        mileage = world.draw("mileage", trip.id) % 100_000
        yield row(
            trip.owners,
            id=trip.id,
            driverId=trip.authorization.driver,
            vehicleId=trip.authorization.vehicle.id,
            businessId=trip.client.id if trip.client else None,
            startMileage=mileage,
            endMileage=mileage + 17 if mileage % 9 else None,
        )


def vehicle_expenses(world: World) -> Iterator[Row]:
    """For every third trip; every fourth of these names no business, every other one no trip."""
    for number, trip in enumerate(_trips(world)):
        if number % 3 == 0:
            client = trip.client if number % 4 else None
            yield row(
                trip.authorization.vehicle.owners | (client.owners if client else NOBODY),
                id=f"expense-of-{trip.id}",
                vehicleId=trip.authorization.vehicle.id,
                businessId=client.id if client else None,
                tripId=trip.id if number % 2 else None,
                createdBy=world.author(trip.authorization.business, "expense", trip.id),
            )


def vehicle_licenses(world: World) -> Iterator[Row]:
    """Give one per vehicle."""
    for vehicle, _ in _vehicles(world):
        yield row(vehicle.owners, id=f"license-of-{vehicle.id}", vehicleId=vehicle.id)


def _maintenance(world: World) -> Iterator[tuple[Vehicle, str]]:
    for vehicle, _ in _vehicles(world):
        for number in range(MAINTENANCE):
            yield vehicle, f"maintenance-{number}-of-{vehicle.id}"


def vehicle_maintenance_records(world: World) -> Iterator[Row]:
    """Give two per vehicle."""
    for vehicle, id_ in _maintenance(world):
        author = world.author(vehicle.home, id_) if vehicle.home else ADMIN
        yield row(vehicle.owners, id=id_, vehicleId=vehicle.id, createdBy=author)


def vehicle_maintenance_services(world: World) -> Iterator[Row]:
    """Give two per record."""
    for vehicle, record in _maintenance(world):
        for part in ("oil", "tyres"):
            yield row(vehicle.owners, id=f"{part}-{record}", maintenanceRecordId=record)


def vehicle_maintenance_service_expenses(world: World) -> Iterator[Row]:
    """Give one per service."""
    for vehicle, record in _maintenance(world):
        for part in ("oil", "tyres"):
            yield row(vehicle.owners, id=f"cost-of-{part}-{record}", serviceId=f"{part}-{record}")


def vehicle_reimbursements(world: World) -> Iterator[Row]:
    """For the use of a vehicle, now and then another business's."""
    for business in world.businesses:
        for number in range(world.scale.vehicles):
            id_ = key("vehicle_reimbursements", business.index, number)
            lender = (world.earlier(business, id_) if number == 2 else None) or business
            yield row(
                business.owners,
                id=id_,
                businessId=business.id,
                vehicleId=_vehicle(lender, number).id,
                userId=user(business, number),
                approvedBy=world.author(business, id_) if number % 2 else None,
            )


TABLES = (
    vehicles,
    vehicle_drivers,
    vehicle_expenses,
    vehicle_licenses,
    driver_authorizations,
    vehicle_maintenance_records,
    vehicle_maintenance_services,
    vehicle_maintenance_service_expenses,
    vehicle_trips,
    vehicle_reimbursements,
)
