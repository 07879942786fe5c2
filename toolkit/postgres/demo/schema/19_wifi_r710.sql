-- business: wifi r710

CREATE TABLE r710_device_registry (
    "id" text NOT NULL,
    "createdBy" text NOT NULL,
    "ipAddress" inet NOT NULL,
    "description" text,
    "adminUsername" text NOT NULL,
    "encryptedPassword" bytea NOT NULL,
    "firmware" text,
    "connectionStatus" text,
    "lastHealthCheck" timestamptz,
    "deviceInfo" jsonb,
    "createdAt" timestamp(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "updatedAt" timestamp(3) NOT NULL,
    CONSTRAINT "r710_device_registry_pkey" PRIMARY KEY ("id"),
    CONSTRAINT "r710_device_registry_ipAddress_key" UNIQUE ("ipAddress")
);

CREATE TABLE r710_business_integrations (
    "id" text NOT NULL,
    "businessId" text NOT NULL,
    "deviceRegistryId" text NOT NULL,
    "isActive" boolean NOT NULL DEFAULT true,
    "connectedAt" timestamptz NOT NULL,
    "settings" jsonb,
    CONSTRAINT "r710_business_integrations_pkey" PRIMARY KEY ("id"),
    CONSTRAINT "r710_business_integrations_businessId_deviceRegistryId_key" UNIQUE ("businessId", "deviceRegistryId")
);

CREATE TABLE r710_wlans (
    "id" text NOT NULL,
    "businessId" text NOT NULL,
    "deviceRegistryId" text NOT NULL,
    "wlanId" text NOT NULL,
    "ssid" text NOT NULL,
    "guestServiceId" text,
    "title" text,
    "validDays" smallint,
    "enableFriendlyKey" boolean NOT NULL DEFAULT false,
    "createdAt" timestamp(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "updatedAt" timestamp(3) NOT NULL,
    CONSTRAINT "r710_wlans_pkey" PRIMARY KEY ("id"),
    CONSTRAINT "r710_wlans_deviceRegistryId_wlanId_key" UNIQUE ("deviceRegistryId", "wlanId")
);

CREATE INDEX "r710_wlans_businessId_idx" ON r710_wlans ("businessId");

CREATE TABLE r710_token_configs (
    "id" text NOT NULL,
    "businessId" text NOT NULL,
    "wlanId" text NOT NULL,
    "name" text NOT NULL,
    "durationValue" integer NOT NULL,
    "durationUnit" text NOT NULL,
    "deviceLimit" smallint,
    "basePrice" numeric(10,2) NOT NULL,
    "createdAt" timestamp(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "updatedAt" timestamp(3) NOT NULL,
    CONSTRAINT "r710_token_configs_pkey" PRIMARY KEY ("id")
);

CREATE INDEX "r710_token_configs_businessId_idx" ON r710_token_configs ("businessId");
CREATE INDEX "r710_token_configs_wlanId_idx" ON r710_token_configs ("wlanId");

CREATE TABLE r710_tokens (
    "id" text NOT NULL,
    "businessId" text NOT NULL,
    "tokenConfigId" text NOT NULL,
    "wlanId" text NOT NULL,
    "username" text NOT NULL,
    "password" text NOT NULL,
    "status" "TokenStatus" NOT NULL,
    "expiresAtR710" timestamptz,
    "syncAttempts" integer NOT NULL DEFAULT 0,
    "createdAt" timestamp(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    CONSTRAINT "r710_tokens_pkey" PRIMARY KEY ("id"),
    CONSTRAINT "r710_tokens_password_key" UNIQUE ("password"),
    CONSTRAINT "r710_tokens_username_key" UNIQUE ("username"),
    CONSTRAINT "r710_tokens_username_password_key" UNIQUE ("username", "password")
);

CREATE INDEX "r710_tokens_businessId_idx" ON r710_tokens ("businessId");
CREATE INDEX "r710_tokens_tokenConfigId_idx" ON r710_tokens ("tokenConfigId");
CREATE INDEX "r710_tokens_wlanId_idx" ON r710_tokens ("wlanId");

CREATE TABLE r710_token_sales (
    "id" text NOT NULL,
    "businessId" text NOT NULL,
    "expenseAccountId" text NOT NULL,
    "soldBy" text NOT NULL,
    "tokenId" text NOT NULL,
    "saleAmount" numeric(10,2) NOT NULL,
    "paymentMethod" "PaymentMethod" NOT NULL,
    "saleChannel" text,
    "soldAt" timestamptz NOT NULL,
    CONSTRAINT "r710_token_sales_pkey" PRIMARY KEY ("id")
);

CREATE INDEX "r710_token_sales_businessId_idx" ON r710_token_sales ("businessId");
CREATE INDEX "r710_token_sales_tokenId_idx" ON r710_token_sales ("tokenId");

CREATE TABLE r710_device_tokens (
    "id" text NOT NULL,
    "tokenId" text NOT NULL,
    "macAddress" macaddr NOT NULL,
    "deviceName" text,
    "firstSeen" timestamptz NOT NULL,
    "bytesUsed" bigint,
    CONSTRAINT "r710_device_tokens_pkey" PRIMARY KEY ("id"),
    CONSTRAINT "r710_device_tokens_tokenId_macAddress_key" UNIQUE ("tokenId", "macAddress")
);

CREATE TABLE r710_business_token_menu_items (
    "id" text NOT NULL,
    "businessId" text NOT NULL,
    "tokenConfigId" text NOT NULL,
    "price" numeric(10,2) NOT NULL,
    "displayOrder" integer NOT NULL DEFAULT 0,
    "isActive" boolean NOT NULL DEFAULT true,
    CONSTRAINT "r710_business_token_menu_items_pkey" PRIMARY KEY ("id"),
    CONSTRAINT "r710_business_token_menu_items_businessId_tokenConfigId_key" UNIQUE ("businessId", "tokenConfigId")
);

CREATE INDEX "r710_business_token_menu_items_tokenConfigId_idx" ON r710_business_token_menu_items ("tokenConfigId");

CREATE TABLE r710_sync_logs (
    "id" text NOT NULL,
    "businessId" text NOT NULL,
    "deviceRegistryId" text NOT NULL,
    "syncType" text NOT NULL,
    "status" text NOT NULL,
    "tokensChecked" integer NOT NULL DEFAULT 0,
    "duration" interval,
    "errorMessage" text,
    "startedAt" timestamptz NOT NULL,
    CONSTRAINT "r710_sync_logs_pkey" PRIMARY KEY ("id")
);

CREATE INDEX "r710_sync_logs_businessId_idx" ON r710_sync_logs ("businessId");
CREATE INDEX "r710_sync_logs_deviceRegistryId_idx" ON r710_sync_logs ("deviceRegistryId");
