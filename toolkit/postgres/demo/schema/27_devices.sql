-- device: devices

CREATE TABLE device_registry (
    "id" text NOT NULL,
    "firstSeenBusinessId" text,
    "lastSeenBusinessId" text,
    "macAddress" macaddr NOT NULL,
    "hostname" text,
    "vendor" text,
    "deviceType" text,
    "firstSeen" timestamptz NOT NULL,
    "lastSeen" timestamptz NOT NULL,
    "notes" text,
    CONSTRAINT "device_registry_pkey" PRIMARY KEY ("id"),
    CONSTRAINT "device_registry_macAddress_key" UNIQUE ("macAddress")
);

CREATE TABLE device_connection_history (
    "id" text NOT NULL,
    "businessId" text,
    "deviceId" text NOT NULL,
    "ipAddress" inet,
    "connectedAt" timestamptz NOT NULL,
    "disconnectedAt" timestamptz,
    "bytesUp" bigint,
    "bytesDown" bigint,
    "signalDbm" smallint,
    CONSTRAINT "device_connection_history_pkey" PRIMARY KEY ("id")
);

CREATE INDEX "device_connection_history_businessId_idx" ON device_connection_history ("businessId");
CREATE INDEX "device_connection_history_deviceId_idx" ON device_connection_history ("deviceId");
