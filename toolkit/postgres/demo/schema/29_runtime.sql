-- transient: runtime

CREATE TABLE sessions (
    "id" text NOT NULL,
    "userId" text NOT NULL,
    "sessionToken" text NOT NULL,
    "expires" timestamp(3) NOT NULL,
    "userAgent" text,
    "ipAddress" inet,
    CONSTRAINT "sessions_pkey" PRIMARY KEY ("id"),
    CONSTRAINT "sessions_sessionToken_key" UNIQUE ("sessionToken")
);

CREATE INDEX "sessions_userId_idx" ON sessions ("userId");

CREATE TABLE esp32_connected_clients (
    "id" text NOT NULL,
    "tokenId" text NOT NULL,
    "macAddress" macaddr NOT NULL,
    "ipAddress" inet,
    "connectedAt" timestamptz NOT NULL,
    "isOnline" boolean NOT NULL DEFAULT true,
    CONSTRAINT "esp32_connected_clients_pkey" PRIMARY KEY ("id")
);

CREATE INDEX "esp32_connected_clients_tokenId_idx" ON esp32_connected_clients ("tokenId");

CREATE TABLE r710_connected_clients (
    "id" text NOT NULL,
    "businessId" text NOT NULL,
    "deviceRegistryId" text NOT NULL,
    "wlanId" text NOT NULL,
    "macAddress" macaddr NOT NULL,
    "ipAddress" inet,
    "rssi" smallint,
    "connectedAt" timestamptz NOT NULL,
    "lastSyncedAt" timestamptz,
    CONSTRAINT "r710_connected_clients_pkey" PRIMARY KEY ("id"),
    CONSTRAINT "r710_connected_clients_deviceRegistryId_macAddress_key" UNIQUE ("deviceRegistryId", "macAddress")
);

CREATE INDEX "r710_connected_clients_businessId_idx" ON r710_connected_clients ("businessId");
CREATE INDEX "r710_connected_clients_wlanId_idx" ON r710_connected_clients ("wlanId");
