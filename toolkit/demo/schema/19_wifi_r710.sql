-- business: wifi r710

CREATE TABLE r710_device_registry (
    "id" text NOT NULL,
    "ipAddress" varchar(45) NOT NULL,
    "adminUsername" varchar(255) NOT NULL,
    "encryptedAdminPassword" text NOT NULL,
    "firmwareVersion" varchar(50),
    "model" varchar(50) NOT NULL DEFAULT 'R710',
    "description" text,
    "isActive" boolean NOT NULL DEFAULT true,
    "lastHealthCheck" timestamp(3),
    "connectionStatus" "R710ConnectionStatus" NOT NULL DEFAULT 'DISCONNECTED'::"R710ConnectionStatus",
    "lastConnectedAt" timestamp(3),
    "lastError" text,
    "createdBy" text NOT NULL,
    "createdAt" timestamp(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "updatedAt" timestamp(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    CONSTRAINT "r710_device_registry_pkey" PRIMARY KEY ("id"),
    CONSTRAINT "r710_device_registry_ipAddress_key" UNIQUE ("ipAddress")
);

CREATE TABLE r710_business_integrations (
    "id" text NOT NULL,
    "businessId" text NOT NULL,
    "deviceRegistryId" text NOT NULL,
    "isActive" boolean NOT NULL DEFAULT true,
    "createdAt" timestamp(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "updatedAt" timestamp(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    CONSTRAINT "r710_business_integrations_pkey" PRIMARY KEY ("id"),
    CONSTRAINT "r710_business_integrations_businessId_deviceRegistryId_key" UNIQUE ("businessId", "deviceRegistryId")
);

CREATE TABLE r710_wlans (
    "id" text NOT NULL,
    "businessId" text NOT NULL,
    "deviceRegistryId" text NOT NULL,
    "wlanId" varchar(50) NOT NULL,
    "guestServiceId" varchar(50) NOT NULL,
    "ssid" varchar(255) NOT NULL,
    "logoType" varchar(20) NOT NULL DEFAULT 'none',
    "title" varchar(255) NOT NULL DEFAULT 'Welcome to Guest WiFi !',
    "validDays" integer NOT NULL DEFAULT 1,
    "isActive" boolean NOT NULL DEFAULT true,
    "createdAt" timestamp(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "updatedAt" timestamp(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "enableFriendlyKey" boolean NOT NULL DEFAULT false,
    "enableZeroIt" boolean NOT NULL DEFAULT true,
    CONSTRAINT "r710_wlans_pkey" PRIMARY KEY ("id"),
    CONSTRAINT "r710_wlans_deviceRegistryId_wlanId_key" UNIQUE ("deviceRegistryId", "wlanId")
);

CREATE INDEX "r710_wlans_businessId_idx" ON r710_wlans ("businessId");

CREATE TABLE r710_token_configs (
    "id" text NOT NULL,
    "businessId" text NOT NULL,
    "wlanId" text NOT NULL,
    "name" varchar(255) NOT NULL,
    "description" text,
    "durationValue" integer NOT NULL,
    "durationUnit" varchar(20) NOT NULL,
    "deviceLimit" integer NOT NULL DEFAULT 1,
    "basePrice" numeric(12,2) NOT NULL,
    "autoGenerateThreshold" integer NOT NULL DEFAULT 5,
    "autoGenerateQuantity" integer NOT NULL DEFAULT 20,
    "isActive" boolean NOT NULL DEFAULT true,
    "displayOrder" integer NOT NULL DEFAULT 0,
    "createdAt" timestamp(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "updatedAt" timestamp(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    CONSTRAINT "r710_token_configs_pkey" PRIMARY KEY ("id")
);

CREATE INDEX "r710_token_configs_businessId_idx" ON r710_token_configs ("businessId");

CREATE INDEX "r710_token_configs_wlanId_idx" ON r710_token_configs ("wlanId");

CREATE TABLE r710_tokens (
    "id" text NOT NULL,
    "businessId" text NOT NULL,
    "wlanId" text NOT NULL,
    "tokenConfigId" text NOT NULL,
    "username" varchar(50) NOT NULL,
    "password" varchar(50) NOT NULL,
    "createdAtR710" timestamp(3),
    "expiresAtR710" timestamp(3),
    "validTimeSeconds" integer,
    "firstUsedAt" timestamp(3),
    "status" "R710TokenStatus" NOT NULL DEFAULT 'AVAILABLE'::"R710TokenStatus",
    "connectedMac" varchar(17),
    "lastSyncedAt" timestamp(3),
    "createdAt" timestamp(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "updatedAt" timestamp(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
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
    "tokenId" text NOT NULL,
    "expenseAccountId" text NOT NULL,
    "saleAmount" numeric(12,2) NOT NULL,
    "paymentMethod" varchar(50) NOT NULL,
    "saleChannel" "R710SaleChannel" NOT NULL DEFAULT 'DIRECT'::"R710SaleChannel",
    "soldAt" timestamp(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "soldBy" text NOT NULL,
    "receiptPrinted" boolean NOT NULL DEFAULT false,
    CONSTRAINT "r710_token_sales_pkey" PRIMARY KEY ("id")
);

CREATE INDEX "r710_token_sales_businessId_idx" ON r710_token_sales ("businessId");

CREATE INDEX "r710_token_sales_tokenId_idx" ON r710_token_sales ("tokenId");

CREATE TABLE r710_device_tokens (
    "id" text NOT NULL,
    "tokenId" text NOT NULL,
    "macAddress" varchar(17) NOT NULL,
    "isOnline" boolean NOT NULL DEFAULT false,
    "currentIp" varchar(15),
    "firstSeen" timestamp(3) NOT NULL,
    "lastSeen" timestamp(3) NOT NULL,
    "createdAt" timestamp(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "updatedAt" timestamp(3) NOT NULL,
    CONSTRAINT "r710_device_tokens_pkey" PRIMARY KEY ("id"),
    CONSTRAINT "r710_device_tokens_tokenId_macAddress_key" UNIQUE ("tokenId", "macAddress")
);

CREATE TABLE r710_business_token_menu_items (
    "id" text NOT NULL,
    "businessId" text NOT NULL,
    "tokenConfigId" text NOT NULL,
    "businessPrice" numeric(12,2) NOT NULL,
    "isActive" boolean NOT NULL DEFAULT true,
    "displayOrder" integer NOT NULL DEFAULT 0,
    "createdAt" timestamp(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "updatedAt" timestamp(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    CONSTRAINT "r710_business_token_menu_items_pkey" PRIMARY KEY ("id"),
    CONSTRAINT "r710_business_token_menu_items_businessId_tokenConfigId_key" UNIQUE ("businessId", "tokenConfigId")
);

CREATE INDEX "r710_business_token_menu_items_tokenConfigId_idx" ON r710_business_token_menu_items ("tokenConfigId");

CREATE TABLE r710_sync_logs (
    "id" text NOT NULL,
    "businessId" text NOT NULL,
    "deviceRegistryId" text NOT NULL,
    "syncType" "R710SyncType" NOT NULL DEFAULT 'TOKEN_SYNC'::"R710SyncType",
    "status" "R710SyncStatus" NOT NULL,
    "tokensChecked" integer NOT NULL DEFAULT 0,
    "tokensUpdated" integer NOT NULL DEFAULT 0,
    "errorMessage" text,
    "syncDurationMs" integer,
    "syncedAt" timestamp(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "createdAt" timestamp(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    CONSTRAINT "r710_sync_logs_pkey" PRIMARY KEY ("id")
);

CREATE INDEX "r710_sync_logs_businessId_idx" ON r710_sync_logs ("businessId");

CREATE INDEX "r710_sync_logs_deviceRegistryId_idx" ON r710_sync_logs ("deviceRegistryId");
