-- business: core

CREATE TABLE users (
    "id" text NOT NULL,
    "name" text NOT NULL,
    "email" text NOT NULL,
    "username" text,
    "passwordHash" text,
    "role" "UserRole" NOT NULL DEFAULT 'user',
    "isActive" boolean NOT NULL DEFAULT true,
    "permissions" jsonb,
    "preferences" jsonb NOT NULL DEFAULT '{}',
    "lastLoginAt" timestamptz,
    "avatar" bytea,
    "createdAt" timestamp(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "updatedAt" timestamp(3) NOT NULL,
    CONSTRAINT "users_pkey" PRIMARY KEY ("id"),
    CONSTRAINT "users_email_key" UNIQUE ("email"),
    CONSTRAINT "users_username_key" UNIQUE ("username")
);

CREATE TABLE accounts (
    "id" text NOT NULL,
    "userId" text NOT NULL,
    "provider" text NOT NULL,
    "providerAccountId" text NOT NULL,
    "type" text NOT NULL,
    "accessToken" text,
    "expiresAt" bigint,
    "scopes" text[],
    "createdAt" timestamp(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    CONSTRAINT "accounts_pkey" PRIMARY KEY ("id"),
    CONSTRAINT "accounts_provider_providerAccountId_key" UNIQUE ("provider", "providerAccountId")
);

CREATE INDEX "accounts_userId_idx" ON accounts ("userId");

CREATE TABLE businesses (
    "id" text NOT NULL,
    "umbrellaBusinessId" text,
    "name" text NOT NULL,
    "type" text NOT NULL,
    "shortName" varchar(12),
    "description" text,
    "isDemo" boolean NOT NULL DEFAULT false,
    "isActive" boolean NOT NULL DEFAULT true,
    "settings" jsonb NOT NULL DEFAULT '{}',
    "taxNumber" text,
    "openedOn" date,
    "defaultCurrency" char(3) NOT NULL DEFAULT 'USD',
    "logo" bytea,
    "createdAt" timestamp(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "updatedAt" timestamp(3) NOT NULL,
    CONSTRAINT "businesses_pkey" PRIMARY KEY ("id")
);

CREATE TABLE business_memberships (
    "id" text NOT NULL,
    "businessId" text NOT NULL,
    "templateId" text,
    "userId" text NOT NULL,
    "role" "UserRole" NOT NULL DEFAULT 'employee',
    "permissions" jsonb NOT NULL DEFAULT '{}',
    "isActive" boolean NOT NULL DEFAULT true,
    "joinedAt" timestamp(3) NOT NULL,
    "lastAccessedAt" timestamptz,
    CONSTRAINT "business_memberships_pkey" PRIMARY KEY ("id"),
    CONSTRAINT "business_memberships_userId_businessId_key" UNIQUE ("userId", "businessId")
);

CREATE INDEX "business_memberships_businessId_idx" ON business_memberships ("businessId");

CREATE TABLE business_accounts (
    "id" text NOT NULL,
    "businessId" text NOT NULL,
    "createdBy" text,
    "accountName" text,
    "balance" numeric(14,2) NOT NULL DEFAULT 0,
    "currency" char(3) NOT NULL,
    "lastReconciledOn" date,
    "createdAt" timestamp(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "updatedAt" timestamp(3) NOT NULL,
    CONSTRAINT "business_accounts_pkey" PRIMARY KEY ("id"),
    CONSTRAINT "business_accounts_businessId_key" UNIQUE ("businessId")
);

CREATE TABLE business_locations (
    "id" text NOT NULL,
    "businessId" text NOT NULL,
    "parentLocationId" text,
    "locationCode" text NOT NULL,
    "name" text NOT NULL,
    "capacity" integer,
    "latitude" double precision,
    "longitude" double precision,
    "openingTime" time,
    "isActive" boolean NOT NULL DEFAULT true,
    "createdAt" timestamp(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    CONSTRAINT "business_locations_pkey" PRIMARY KEY ("id"),
    CONSTRAINT "business_locations_businessId_locationCode_key" UNIQUE ("businessId", "locationCode")
);

CREATE TABLE business_brands (
    "id" text NOT NULL,
    "businessId" text NOT NULL,
    "name" text NOT NULL,
    "description" text,
    "website" text,
    "isActive" boolean NOT NULL DEFAULT true,
    "createdAt" timestamp(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    CONSTRAINT "business_brands_pkey" PRIMARY KEY ("id"),
    CONSTRAINT "business_brands_businessId_name_key" UNIQUE ("businessId", "name")
);

CREATE TABLE business_categories (
    "id" text NOT NULL,
    "businessId" text,
    "createdBy" text,
    "domainId" text,
    "parentId" text,
    "businessType" text NOT NULL,
    "name" text NOT NULL,
    "emoji" text,
    "color" varchar(7),
    "displayOrder" integer NOT NULL DEFAULT 0,
    "attributes" jsonb,
    "isUserCreated" boolean NOT NULL DEFAULT false,
    "createdAt" timestamp(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "updatedAt" timestamp(3) NOT NULL,
    CONSTRAINT "business_categories_pkey" PRIMARY KEY ("id"),
    CONSTRAINT "business_categories_businessType_domainId_name_key" UNIQUE ("businessType", "domainId", "name")
);

CREATE INDEX "business_categories_businessId_idx" ON business_categories ("businessId");

CREATE TABLE portal_integrations (
    "id" text NOT NULL,
    "businessId" text NOT NULL,
    "createdBy" text NOT NULL,
    "expenseAccountId" text,
    "portalUrl" text NOT NULL,
    "apiKeyHash" bytea NOT NULL,
    "isActive" boolean NOT NULL DEFAULT true,
    "showTokensInPos" boolean NOT NULL,
    "lastSyncAt" timestamptz,
    "syncInterval" interval,
    "createdAt" timestamp(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "updatedAt" timestamp(3) NOT NULL,
    CONSTRAINT "portal_integrations_pkey" PRIMARY KEY ("id"),
    CONSTRAINT "portal_integrations_businessId_key" UNIQUE ("businessId")
);
