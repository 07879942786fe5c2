-- business: wifi esp32

CREATE TABLE token_configurations (
    "id" text NOT NULL,
    "name" text NOT NULL,
    "description" text,
    "durationMinutes" integer NOT NULL,
    "bandwidthDownMb" integer NOT NULL,
    "bandwidthUpMb" integer NOT NULL,
    "basePrice" numeric(12,2) NOT NULL,
    "isActive" boolean NOT NULL DEFAULT true,
    "displayOrder" integer NOT NULL DEFAULT 0,
    "createdAt" timestamp(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "updatedAt" timestamp(3) NOT NULL,
    "ssid" varchar(255),
    CONSTRAINT "token_configurations_pkey" PRIMARY KEY ("id")
);

CREATE TABLE wifi_token_devices (
    "id" text NOT NULL,
    "wifiTokenId" text NOT NULL,
    "macAddress" varchar(17) NOT NULL,
    "isOnline" boolean NOT NULL DEFAULT false,
    "currentIp" varchar(15),
    "firstSeen" timestamp(3) NOT NULL,
    "lastSeen" timestamp(3) NOT NULL,
    "createdAt" timestamp(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "updatedAt" timestamp(3) NOT NULL,
    CONSTRAINT "wifi_token_devices_pkey" PRIMARY KEY ("id"),
    CONSTRAINT "wifi_token_devices_wifiTokenId_macAddress_key" UNIQUE ("wifiTokenId", "macAddress")
);

CREATE TABLE wifi_tokens (
    "id" text NOT NULL,
    "businessId" text NOT NULL,
    "tokenConfigId" text NOT NULL,
    "businessTokenMenuItemId" text,
    "token" text NOT NULL,
    "status" text NOT NULL DEFAULT 'ACTIVE',
    "createdAt" timestamp(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "firstUsedAt" timestamp(3),
    "expiresAt" timestamp(3),
    "bandwidthUsedDown" numeric(12,2) NOT NULL DEFAULT 0,
    "bandwidthUsedUp" numeric(12,2) NOT NULL DEFAULT 0,
    "usageCount" integer NOT NULL DEFAULT 0,
    "lastSyncedAt" timestamp(3),
    "deviceCount" integer NOT NULL DEFAULT 0,
    "deviceType" varchar(100),
    "firstSeen" timestamp(3),
    "hostname" varchar(255),
    "lastSeen" timestamp(3),
    "primaryMac" varchar(17),
    CONSTRAINT "wifi_tokens_pkey" PRIMARY KEY ("id"),
    CONSTRAINT "wifi_tokens_token_key" UNIQUE ("token")
);

CREATE INDEX "wifi_tokens_businessId_idx" ON wifi_tokens ("businessId");

CREATE TABLE wifi_token_sales (
    "id" text NOT NULL,
    "businessId" text NOT NULL,
    "wifiTokenId" text NOT NULL,
    "expenseAccountId" text NOT NULL,
    "saleAmount" numeric(12,2) NOT NULL,
    "paymentMethod" text NOT NULL,
    "soldAt" timestamp(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "soldBy" text NOT NULL,
    "receiptPrinted" boolean NOT NULL DEFAULT false,
    "saleChannel" text NOT NULL DEFAULT 'DIRECT',
    CONSTRAINT "wifi_token_sales_pkey" PRIMARY KEY ("id")
);

CREATE INDEX "wifi_token_sales_businessId_idx" ON wifi_token_sales ("businessId");

CREATE TABLE business_token_menu_items (
    "id" text NOT NULL,
    "businessId" text NOT NULL,
    "tokenConfigId" text NOT NULL,
    "businessPrice" numeric(12,2) NOT NULL,
    "isActive" boolean NOT NULL DEFAULT true,
    "displayOrder" integer NOT NULL DEFAULT 0,
    "createdAt" timestamp(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "updatedAt" timestamp(3) NOT NULL,
    "durationMinutesOverride" integer,
    "bandwidthDownMbOverride" integer,
    "bandwidthUpMbOverride" integer,
    CONSTRAINT "business_token_menu_items_pkey" PRIMARY KEY ("id"),
    CONSTRAINT "business_token_menu_items_businessId_tokenConfigId_key" UNIQUE ("businessId", "tokenConfigId")
);

CREATE INDEX "business_token_menu_items_tokenConfigId_idx" ON business_token_menu_items ("tokenConfigId");

CREATE TABLE wifi_usage_analytics (
    "id" text NOT NULL,
    "periodType" varchar(10) NOT NULL,
    "periodStart" timestamp(3) NOT NULL,
    "periodEnd" timestamp(3) NOT NULL,
    "system" varchar(10) NOT NULL,
    "businessId" text,
    "uniqueDevices" integer NOT NULL DEFAULT 0,
    "totalConnections" integer NOT NULL DEFAULT 0,
    "avgConnectionDuration" numeric(12,2),
    "tokensGenerated" integer NOT NULL DEFAULT 0,
    "tokensSold" integer NOT NULL DEFAULT 0,
    "tokensUsed" integer NOT NULL DEFAULT 0,
    "tokensExpired" integer NOT NULL DEFAULT 0,
    "totalRevenue" numeric(12,2) NOT NULL DEFAULT 0,
    "esp32Revenue" numeric(12,2) NOT NULL DEFAULT 0,
    "r710Revenue" numeric(12,2) NOT NULL DEFAULT 0,
    "totalBandwidthDown" numeric(12,2) NOT NULL DEFAULT 0,
    "totalBandwidthUp" numeric(12,2) NOT NULL DEFAULT 0,
    "deviceTypeStats" jsonb,
    "createdAt" timestamp(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "updatedAt" timestamp(3) NOT NULL,
    CONSTRAINT "wifi_usage_analytics_pkey" PRIMARY KEY ("id"),
    CONSTRAINT "wifi_usage_analytics_periodType_periodStart_system_businessId_key" UNIQUE ("periodType", "periodStart", "system", "businessId")
);

CREATE INDEX "wifi_usage_analytics_businessId_idx" ON wifi_usage_analytics ("businessId");
