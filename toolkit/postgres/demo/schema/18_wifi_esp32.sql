-- business: wifi esp32

CREATE TABLE token_configurations (
    "id" text NOT NULL,
    "businessId" text NOT NULL,
    "name" text NOT NULL,
    "durationMinutes" integer NOT NULL,
    "bandwidthDownMb" integer,
    "bandwidthUpMb" integer,
    "basePrice" numeric(10,2) NOT NULL,
    "displayOrder" integer NOT NULL DEFAULT 0,
    "isActive" boolean NOT NULL DEFAULT true,
    "createdAt" timestamp(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "updatedAt" timestamp(3) NOT NULL,
    CONSTRAINT "token_configurations_pkey" PRIMARY KEY ("id")
);

CREATE TABLE wifi_token_devices (
    "id" text NOT NULL,
    "wifiTokenId" text NOT NULL,
    "macAddress" macaddr NOT NULL,
    "hostname" text,
    "ipAddress" inet,
    "bytesUp" bigint NOT NULL DEFAULT 0,
    "bytesDown" bigint NOT NULL DEFAULT 0,
    "lastSeen" timestamptz,
    CONSTRAINT "wifi_token_devices_pkey" PRIMARY KEY ("id"),
    CONSTRAINT "wifi_token_devices_wifiTokenId_macAddress_key" UNIQUE ("wifiTokenId", "macAddress")
);

CREATE TABLE wifi_tokens (
    "id" text NOT NULL,
    "businessId" text NOT NULL,
    "businessTokenMenuItemId" text,
    "tokenConfigId" text NOT NULL,
    "token" text NOT NULL,
    "status" "TokenStatus" NOT NULL,
    "durationMinutes" integer NOT NULL,
    "maxDevices" smallint NOT NULL DEFAULT 1,
    "firstUsedAt" timestamptz,
    "expiresAt" timestamptz,
    "usageCount" bigint NOT NULL DEFAULT 0,
    "createdAt" timestamp(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    CONSTRAINT "wifi_tokens_pkey" PRIMARY KEY ("id"),
    CONSTRAINT "wifi_tokens_token_key" UNIQUE ("token")
);

CREATE INDEX "wifi_tokens_businessId_idx" ON wifi_tokens ("businessId");

CREATE TABLE wifi_token_sales (
    "id" text NOT NULL,
    "businessId" text NOT NULL,
    "expenseAccountId" text NOT NULL,
    "soldBy" text NOT NULL,
    "wifiTokenId" text NOT NULL,
    "saleAmount" numeric(10,2) NOT NULL,
    "paymentMethod" "PaymentMethod" NOT NULL,
    "receiptPrinted" boolean NOT NULL DEFAULT false,
    "soldAt" timestamptz NOT NULL,
    CONSTRAINT "wifi_token_sales_pkey" PRIMARY KEY ("id")
);

CREATE INDEX "wifi_token_sales_businessId_idx" ON wifi_token_sales ("businessId");

CREATE TABLE business_token_menu_items (
    "id" text NOT NULL,
    "businessId" text NOT NULL,
    "tokenConfigId" text NOT NULL,
    "price" numeric(10,2) NOT NULL,
    "displayOrder" integer NOT NULL DEFAULT 0,
    "isActive" boolean NOT NULL DEFAULT true,
    "createdAt" timestamp(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "updatedAt" timestamp(3) NOT NULL,
    CONSTRAINT "business_token_menu_items_pkey" PRIMARY KEY ("id"),
    CONSTRAINT "business_token_menu_items_businessId_tokenConfigId_key" UNIQUE ("businessId", "tokenConfigId")
);

CREATE INDEX "business_token_menu_items_tokenConfigId_idx" ON business_token_menu_items ("tokenConfigId");

CREATE TABLE wifi_usage_analytics (
    "id" text NOT NULL,
    "businessId" text,
    "periodType" "PeriodType" NOT NULL,
    "periodStart" timestamptz NOT NULL,
    "system" text NOT NULL,
    "tokensSold" integer NOT NULL DEFAULT 0,
    "revenue" numeric(14,2) NOT NULL DEFAULT 0,
    "averageSession" interval,
    "topDevices" jsonb,
    "averageMbps" double precision,
    "createdAt" timestamp(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    CONSTRAINT "wifi_usage_analytics_pkey" PRIMARY KEY ("id"),
    CONSTRAINT "wifi_usage_analytics_periodType_periodStart_system_business_key" UNIQUE ("periodType", "periodStart", "system", "businessId")
);

CREATE INDEX "wifi_usage_analytics_businessId_idx" ON wifi_usage_analytics ("businessId");
