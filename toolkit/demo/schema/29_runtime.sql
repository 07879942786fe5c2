-- transient: runtime

CREATE TABLE sessions (
    "id" text NOT NULL,
    "sessionToken" text NOT NULL,
    "userId" text NOT NULL,
    "expires" timestamp(3) NOT NULL,
    CONSTRAINT "sessions_pkey" PRIMARY KEY ("id"),
    CONSTRAINT "sessions_sessionToken_key" UNIQUE ("sessionToken")
);

CREATE INDEX "sessions_userId_idx" ON sessions ("userId");

CREATE TABLE r710_connected_clients (
    "id" text NOT NULL,
    "deviceRegistryId" text NOT NULL,
    "wlanId" text NOT NULL,
    "businessId" text NOT NULL,
    "macAddress" varchar(17) NOT NULL,
    "ipAddress" varchar(45),
    "hostname" varchar(255),
    "deviceType" varchar(100),
    "tokenUsername" varchar(50),
    "connectedAt" timestamp(3) NOT NULL,
    "signalStrength" integer,
    "radioBand" varchar(10),
    "channel" varchar(10),
    "rxBytes" bigint NOT NULL DEFAULT 0,
    "txBytes" bigint NOT NULL DEFAULT 0,
    "rxPackets" integer NOT NULL DEFAULT 0,
    "txPackets" integer NOT NULL DEFAULT 0,
    "lastSyncedAt" timestamp(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "createdAt" timestamp(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "updatedAt" timestamp(3) NOT NULL,
    CONSTRAINT "r710_connected_clients_pkey" PRIMARY KEY ("id"),
    CONSTRAINT "r710_connected_clients_deviceRegistryId_macAddress_key" UNIQUE ("deviceRegistryId", "macAddress")
);

CREATE INDEX "r710_connected_clients_businessId_idx" ON r710_connected_clients ("businessId");

CREATE INDEX "r710_connected_clients_wlanId_idx" ON r710_connected_clients ("wlanId");
