-- device: devices

CREATE TABLE device_registry (
    "id" text NOT NULL,
    "macAddress" varchar(17) NOT NULL,
    "hostname" varchar(255),
    "deviceType" varchar(100),
    "manufacturer" varchar(100),
    "firstSeenAt" timestamp(3) NOT NULL,
    "firstSeenSystem" varchar(10) NOT NULL,
    "firstSeenBusinessId" text,
    "lastSeenAt" timestamp(3) NOT NULL,
    "lastSeenSystem" varchar(10) NOT NULL,
    "lastSeenBusinessId" text,
    "totalConnections" integer NOT NULL DEFAULT 0,
    "esp32Connections" integer NOT NULL DEFAULT 0,
    "r710Connections" integer NOT NULL DEFAULT 0,
    "notes" text,
    "tags" text[],
    "createdAt" timestamp(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "updatedAt" timestamp(3) NOT NULL,
    CONSTRAINT "device_registry_pkey" PRIMARY KEY ("id"),
    CONSTRAINT "device_registry_macAddress_key" UNIQUE ("macAddress")
);

CREATE TABLE device_connection_history (
    "id" text NOT NULL,
    "deviceId" text NOT NULL,
    "system" varchar(10) NOT NULL,
    "businessId" text,
    "tokenId" text,
    "wlanSsid" varchar(255),
    "ipAddress" varchar(45),
    "signalStrength" integer,
    "radioBand" varchar(10),
    "channel" varchar(10),
    "bandwidthUsedDown" numeric(12,2),
    "bandwidthUsedUp" numeric(12,2),
    "connectedAt" timestamp(3) NOT NULL,
    "disconnectedAt" timestamp(3),
    "duration" integer,
    "createdAt" timestamp(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    CONSTRAINT "device_connection_history_pkey" PRIMARY KEY ("id")
);

CREATE INDEX "device_connection_history_businessId_idx" ON device_connection_history ("businessId");

CREATE INDEX "device_connection_history_deviceId_idx" ON device_connection_history ("deviceId");
