-- business: fleet

CREATE TABLE vehicles (
    "id" text NOT NULL,
    "licensePlate" text NOT NULL,
    "vin" text NOT NULL,
    "make" text NOT NULL,
    "model" text NOT NULL,
    "year" integer NOT NULL,
    "color" text,
    "weight" numeric(10,2),
    "driveType" "DriveType" NOT NULL,
    "ownershipType" "OwnershipType" NOT NULL,
    "currentMileage" integer NOT NULL,
    "businessId" text,
    "userId" text,
    "isActive" boolean NOT NULL DEFAULT true,
    "purchaseDate" timestamp(3),
    "purchasePrice" numeric(12,2),
    "notes" text,
    "createdAt" timestamp(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "updatedAt" timestamp(3) NOT NULL,
    "hasInitialMileage" boolean NOT NULL DEFAULT false,
    "mileageUnit" text NOT NULL DEFAULT 'km',
    CONSTRAINT "vehicles_pkey" PRIMARY KEY ("id"),
    CONSTRAINT "vehicles_licensePlate_key" UNIQUE ("licensePlate"),
    CONSTRAINT "vehicles_vin_key" UNIQUE ("vin")
);

CREATE INDEX "vehicles_businessId_idx" ON vehicles ("businessId");

CREATE TABLE vehicle_drivers (
    "id" text NOT NULL,
    "fullName" text NOT NULL,
    "licenseNumber" text NOT NULL,
    "licenseExpiry" timestamp(3),
    "phoneNumber" text,
    "emailAddress" text,
    "emergencyContact" text,
    "emergencyPhone" text,
    "userId" text,
    "isActive" boolean NOT NULL DEFAULT true,
    "dateOfBirth" timestamp(3),
    "address" text,
    "createdAt" timestamp(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "updatedAt" timestamp(3) NOT NULL,
    "licenseCountryOfIssuance" text NOT NULL,
    "driverLicenseTemplateId" text,
    CONSTRAINT "vehicle_drivers_pkey" PRIMARY KEY ("id"),
    CONSTRAINT "vehicle_drivers_licenseNumber_key" UNIQUE ("licenseNumber")
);

CREATE TABLE vehicle_expenses (
    "id" text NOT NULL,
    "vehicleId" text NOT NULL,
    "tripId" text,
    "businessId" text,
    "expenseType" "ExpenseType" NOT NULL,
    "expenseCategory" text,
    "amount" numeric(10,2) NOT NULL,
    "currency" text NOT NULL DEFAULT 'USD',
    "expenseDate" timestamp(3) NOT NULL,
    "isBusinessDeductible" boolean NOT NULL DEFAULT false,
    "receiptUrl" text,
    "vendorName" text,
    "description" text,
    "mileageAtExpense" integer,
    "fuelQuantity" numeric(8,2),
    "fuelType" "FuelType",
    "createdBy" text NOT NULL,
    "createdAt" timestamp(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "updatedAt" timestamp(3) NOT NULL,
    CONSTRAINT "vehicle_expenses_pkey" PRIMARY KEY ("id")
);

CREATE INDEX "vehicle_expenses_businessId_idx" ON vehicle_expenses ("businessId");

CREATE INDEX "vehicle_expenses_vehicleId_idx" ON vehicle_expenses ("vehicleId");

CREATE TABLE vehicle_licenses (
    "id" text NOT NULL,
    "vehicleId" text NOT NULL,
    "licenseType" "LicenseType" NOT NULL,
    "licenseNumber" text NOT NULL,
    "issuingAuthority" text,
    "issueDate" timestamp(3) NOT NULL,
    "expiryDate" timestamp(3) NOT NULL,
    "renewalCost" numeric(10,2),
    "isActive" boolean NOT NULL DEFAULT true,
    "documentUrl" text,
    "reminderDays" integer NOT NULL DEFAULT 30,
    "createdAt" timestamp(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "updatedAt" timestamp(3) NOT NULL,
    CONSTRAINT "vehicle_licenses_pkey" PRIMARY KEY ("id")
);

CREATE INDEX "vehicle_licenses_vehicleId_idx" ON vehicle_licenses ("vehicleId");

CREATE TABLE driver_authorizations (
    "id" text NOT NULL,
    "driverId" text NOT NULL,
    "vehicleId" text NOT NULL,
    "authorizedBy" text NOT NULL,
    "authorizedDate" timestamp(3) NOT NULL,
    "expiryDate" timestamp(3),
    "isActive" boolean NOT NULL DEFAULT true,
    "authorizationLevel" "AuthorizationLevel" NOT NULL DEFAULT 'BASIC'::"AuthorizationLevel",
    "notes" text,
    "createdAt" timestamp(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "updatedAt" timestamp(3) NOT NULL,
    CONSTRAINT "driver_authorizations_pkey" PRIMARY KEY ("id"),
    CONSTRAINT "driver_authorizations_driverId_vehicleId_key" UNIQUE ("driverId", "vehicleId")
);

CREATE INDEX "driver_authorizations_vehicleId_idx" ON driver_authorizations ("vehicleId");

CREATE TABLE vehicle_maintenance_records (
    "id" text NOT NULL,
    "vehicleId" text NOT NULL,
    "serviceType" "ServiceType" NOT NULL,
    "serviceCategory" text,
    "serviceName" text NOT NULL,
    "serviceDate" timestamp(3) NOT NULL,
    "mileageAtService" integer NOT NULL,
    "nextServiceDue" timestamp(3),
    "nextServiceMileage" integer,
    "serviceCost" numeric(10,2) NOT NULL,
    "serviceProvider" text,
    "serviceLocation" text,
    "partsReplaced" jsonb,
    "warrantyInfo" text,
    "receiptUrl" text,
    "notes" text,
    "isScheduledService" boolean NOT NULL DEFAULT false,
    "createdBy" text NOT NULL,
    "createdAt" timestamp(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "updatedAt" timestamp(3) NOT NULL,
    CONSTRAINT "vehicle_maintenance_records_pkey" PRIMARY KEY ("id")
);

CREATE INDEX "vehicle_maintenance_records_vehicleId_idx" ON vehicle_maintenance_records ("vehicleId");

CREATE TABLE vehicle_maintenance_services (
    "id" text NOT NULL,
    "maintenanceRecordId" text NOT NULL,
    "serviceName" text NOT NULL,
    "serviceType" text NOT NULL,
    "cost" numeric(10,2) NOT NULL,
    "currency" text NOT NULL DEFAULT 'USD',
    "serviceProvider" text,
    "description" text,
    "isScheduledService" boolean NOT NULL DEFAULT false,
    "warrantyUntil" text,
    "receiptUrl" text,
    "createdAt" timestamp(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "updatedAt" timestamp(3) NOT NULL,
    CONSTRAINT "vehicle_maintenance_services_pkey" PRIMARY KEY ("id")
);

CREATE INDEX "vehicle_maintenance_services_maintenanceRecordId_idx" ON vehicle_maintenance_services ("maintenanceRecordId");

CREATE TABLE vehicle_maintenance_service_expenses (
    "id" text NOT NULL,
    "serviceId" text NOT NULL,
    "expenseType" text NOT NULL,
    "amount" numeric(10,2) NOT NULL,
    "currency" text NOT NULL DEFAULT 'USD',
    "description" text,
    "vendorName" text,
    "isBusinessDeductible" boolean NOT NULL DEFAULT false,
    "receiptUrl" text,
    "createdAt" timestamp(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "updatedAt" timestamp(3) NOT NULL,
    CONSTRAINT "vehicle_maintenance_service_expenses_pkey" PRIMARY KEY ("id")
);

CREATE INDEX "vehicle_maintenance_service_expenses_serviceId_idx" ON vehicle_maintenance_service_expenses ("serviceId");

CREATE TABLE vehicle_trips (
    "id" text NOT NULL,
    "vehicleId" text NOT NULL,
    "driverId" text NOT NULL,
    "businessId" text,
    "startMileage" integer NOT NULL,
    "endMileage" integer,
    "tripMileage" integer NOT NULL DEFAULT 0,
    "tripPurpose" text NOT NULL,
    "tripType" "TripType" NOT NULL,
    "startLocation" text,
    "endLocation" text,
    "startTime" timestamp(3) NOT NULL,
    "endTime" timestamp(3),
    "isCompleted" boolean NOT NULL DEFAULT false,
    "notes" text,
    "gpsTrackingData" jsonb,
    "createdAt" timestamp(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "updatedAt" timestamp(3) NOT NULL,
    CONSTRAINT "vehicle_trips_pkey" PRIMARY KEY ("id")
);

CREATE INDEX "vehicle_trips_businessId_idx" ON vehicle_trips ("businessId");

CREATE INDEX "vehicle_trips_driverId_idx" ON vehicle_trips ("driverId");

CREATE INDEX "vehicle_trips_vehicleId_idx" ON vehicle_trips ("vehicleId");

CREATE TABLE vehicle_reimbursements (
    "id" text NOT NULL,
    "userId" text NOT NULL,
    "vehicleId" text NOT NULL,
    "businessId" text NOT NULL,
    "reimbursementPeriod" text NOT NULL,
    "totalMileage" integer NOT NULL,
    "businessMileage" integer NOT NULL,
    "personalMileage" integer NOT NULL,
    "statutoryRate" numeric(8,4) NOT NULL,
    "totalAmount" numeric(10,2) NOT NULL,
    "status" "ReimbursementStatus" NOT NULL DEFAULT 'PENDING'::"ReimbursementStatus",
    "submissionDate" timestamp(3) NOT NULL,
    "approvalDate" timestamp(3),
    "paymentDate" timestamp(3),
    "approvedBy" text,
    "notes" text,
    "createdAt" timestamp(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "updatedAt" timestamp(3) NOT NULL,
    CONSTRAINT "vehicle_reimbursements_pkey" PRIMARY KEY ("id")
);

CREATE INDEX "vehicle_reimbursements_businessId_idx" ON vehicle_reimbursements ("businessId");
