-- business: fleet

CREATE TABLE vehicles (
    "id" text NOT NULL,
    "businessId" text,
    "userId" text,
    "licensePlate" text NOT NULL,
    "vin" text NOT NULL,
    "make" text NOT NULL,
    "model" text,
    "year" smallint NOT NULL,
    "mileage" integer,
    "fuelLevel" real,
    "ownershipType" text,
    "isActive" boolean NOT NULL DEFAULT true,
    "features" text[],
    "createdAt" timestamp(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "updatedAt" timestamp(3) NOT NULL,
    CONSTRAINT "vehicles_pkey" PRIMARY KEY ("id"),
    CONSTRAINT "vehicles_licensePlate_key" UNIQUE ("licensePlate"),
    CONSTRAINT "vehicles_vin_key" UNIQUE ("vin")
);

CREATE INDEX "vehicles_businessId_idx" ON vehicles ("businessId");

CREATE TABLE vehicle_drivers (
    "id" text NOT NULL,
    "driverLicenseTemplateId" text,
    "userId" text,
    "licenseNumber" text NOT NULL,
    "fullName" text NOT NULL,
    "phone" text,
    "licenseExpiry" date,
    "emergencyContact" jsonb,
    "isActive" boolean NOT NULL DEFAULT true,
    "createdAt" timestamp(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "updatedAt" timestamp(3) NOT NULL,
    CONSTRAINT "vehicle_drivers_pkey" PRIMARY KEY ("id"),
    CONSTRAINT "vehicle_drivers_licenseNumber_key" UNIQUE ("licenseNumber")
);

CREATE TABLE vehicle_expenses (
    "id" text NOT NULL,
    "businessId" text,
    "createdBy" text NOT NULL,
    "tripId" text,
    "vehicleId" text NOT NULL,
    "expenseType" text NOT NULL,
    "amount" numeric(12,2) NOT NULL,
    "currency" char(3) NOT NULL DEFAULT 'USD',
    "receipt" bytea,
    "expenseDate" date NOT NULL,
    "odometer" integer,
    "createdAt" timestamp(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    CONSTRAINT "vehicle_expenses_pkey" PRIMARY KEY ("id")
);

CREATE INDEX "vehicle_expenses_businessId_idx" ON vehicle_expenses ("businessId");
CREATE INDEX "vehicle_expenses_vehicleId_idx" ON vehicle_expenses ("vehicleId");

CREATE TABLE vehicle_licenses (
    "id" text NOT NULL,
    "vehicleId" text NOT NULL,
    "licenseType" text NOT NULL,
    "licenseNumber" text NOT NULL,
    "issuedOn" date NOT NULL,
    "validity" daterange,
    "document" bytea,
    "createdAt" timestamp(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    CONSTRAINT "vehicle_licenses_pkey" PRIMARY KEY ("id")
);

CREATE INDEX "vehicle_licenses_vehicleId_idx" ON vehicle_licenses ("vehicleId");

CREATE TABLE driver_authorizations (
    "id" text NOT NULL,
    "authorizedBy" text NOT NULL,
    "driverId" text NOT NULL,
    "vehicleId" text NOT NULL,
    "level" text NOT NULL,
    "validFrom" date NOT NULL,
    "validUntil" date,
    "notes" text,
    "createdAt" timestamp(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    CONSTRAINT "driver_authorizations_pkey" PRIMARY KEY ("id"),
    CONSTRAINT "driver_authorizations_driverId_vehicleId_key" UNIQUE ("driverId", "vehicleId")
);

CREATE INDEX "driver_authorizations_vehicleId_idx" ON driver_authorizations ("vehicleId");

CREATE TABLE vehicle_maintenance_records (
    "id" text NOT NULL,
    "createdBy" text NOT NULL,
    "vehicleId" text NOT NULL,
    "serviceType" text NOT NULL,
    "odometer" integer,
    "cost" numeric(12,2) NOT NULL,
    "performedAt" timestamptz NOT NULL,
    "workshop" text,
    "notes" text,
    "createdAt" timestamp(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    CONSTRAINT "vehicle_maintenance_records_pkey" PRIMARY KEY ("id")
);

CREATE INDEX "vehicle_maintenance_records_vehicleId_idx" ON vehicle_maintenance_records ("vehicleId");

CREATE TABLE vehicle_maintenance_services (
    "id" text NOT NULL,
    "maintenanceRecordId" text NOT NULL,
    "name" text NOT NULL,
    "durationMinutes" integer,
    "laborHours" double precision,
    "notes" text,
    CONSTRAINT "vehicle_maintenance_services_pkey" PRIMARY KEY ("id")
);

CREATE INDEX "vehicle_maintenance_services_maintenanceRecordId_idx" ON vehicle_maintenance_services ("maintenanceRecordId");

CREATE TABLE vehicle_maintenance_service_expenses (
    "id" text NOT NULL,
    "serviceId" text NOT NULL,
    "description" text,
    "amount" numeric(12,2) NOT NULL,
    "partNumber" text,
    "quantity" integer NOT NULL DEFAULT 1,
    CONSTRAINT "vehicle_maintenance_service_expenses_pkey" PRIMARY KEY ("id")
);

CREATE INDEX "vehicle_maintenance_service_expenses_serviceId_idx" ON vehicle_maintenance_service_expenses ("serviceId");

CREATE TABLE vehicle_trips (
    "id" text NOT NULL,
    "businessId" text,
    "driverId" text NOT NULL,
    "vehicleId" text NOT NULL,
    "purpose" text,
    "startMileage" integer NOT NULL,
    "endMileage" integer,
    "distance" integer GENERATED ALWAYS AS ("endMileage" - "startMileage") STORED,
    "startedAt" timestamptz NOT NULL,
    "endedAt" timestamptz,
    "route" jsonb,
    "createdAt" timestamp(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    CONSTRAINT "vehicle_trips_pkey" PRIMARY KEY ("id")
);

CREATE INDEX "vehicle_trips_businessId_idx" ON vehicle_trips ("businessId");
CREATE INDEX "vehicle_trips_driverId_idx" ON vehicle_trips ("driverId");
CREATE INDEX "vehicle_trips_vehicleId_idx" ON vehicle_trips ("vehicleId");

CREATE TABLE vehicle_reimbursements (
    "id" text NOT NULL,
    "approvedBy" text,
    "businessId" text NOT NULL,
    "userId" text NOT NULL,
    "vehicleId" text NOT NULL,
    "totalMiles" numeric(10,1) NOT NULL,
    "ratePerMile" numeric(6,4) NOT NULL,
    "totalAmount" numeric(18,5) GENERATED ALWAYS AS ("totalMiles" * "ratePerMile") STORED,
    "status" text NOT NULL,
    "notes" text,
    "paidAt" timestamptz,
    "createdAt" timestamp(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    CONSTRAINT "vehicle_reimbursements_pkey" PRIMARY KEY ("id")
);

CREATE INDEX "vehicle_reimbursements_businessId_idx" ON vehicle_reimbursements ("businessId");
