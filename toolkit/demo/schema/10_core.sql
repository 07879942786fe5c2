-- business: core

CREATE TABLE users (
    "id" text NOT NULL,
    "email" text NOT NULL,
    "passwordHash" text NOT NULL,
    "name" text NOT NULL,
    "role" text NOT NULL DEFAULT 'user',
    "permissions" jsonb NOT NULL DEFAULT '{}',
    "isActive" boolean NOT NULL DEFAULT true,
    "passwordResetRequired" boolean NOT NULL DEFAULT false,
    "deactivatedAt" timestamp(3),
    "deactivatedBy" text,
    "deactivationReason" text,
    "deactivationNotes" text,
    "reactivatedAt" timestamp(3),
    "reactivatedBy" text,
    "reactivationNotes" text,
    "createdAt" timestamp(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "updatedAt" timestamp(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "lastAccessedAt" timestamp(3),
    "lastAccessedBusinessId" text,
    "lastAccessedBusinessType" text,
    "username" text,
    CONSTRAINT "users_pkey" PRIMARY KEY ("id"),
    CONSTRAINT "users_email_key" UNIQUE ("email"),
    CONSTRAINT "users_username_key" UNIQUE ("username")
);

CREATE TABLE accounts (
    "id" text NOT NULL,
    "userId" text NOT NULL,
    "type" text NOT NULL,
    "provider" text NOT NULL,
    "providerAccountId" text NOT NULL,
    "refreshToken" text,
    "accessToken" text,
    "expiresAt" integer,
    "tokenType" text,
    "scope" text,
    "idToken" text,
    "sessionState" text,
    CONSTRAINT "accounts_pkey" PRIMARY KEY ("id"),
    CONSTRAINT "accounts_provider_providerAccountId_key" UNIQUE ("provider", "providerAccountId")
);

CREATE INDEX "accounts_userId_idx" ON accounts ("userId");

CREATE TABLE businesses (
    "id" text NOT NULL,
    "name" text NOT NULL,
    "type" text NOT NULL,
    "description" text,
    "isActive" boolean NOT NULL DEFAULT true,
    "settings" jsonb NOT NULL DEFAULT '{}',
    "createdBy" text,
    "createdAt" timestamp(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "updatedAt" timestamp(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "umbrellaBusinessId" text,
    "isUmbrellaBusiness" boolean NOT NULL DEFAULT false,
    "umbrellaBusinessName" text DEFAULT 'Demo Umbrella Company',
    "umbrellaBusinessAddress" text,
    "umbrellaBusinessEmail" text,
    "umbrellaBusinessPhone" text,
    "umbrellaBusinessRegistration" text,
    "shortName" text,
    "isDemo" boolean NOT NULL DEFAULT false,
    "wifiIntegrationEnabled" boolean NOT NULL DEFAULT false,
    "sku_format" varchar(50) DEFAULT '{BUSINESS}-{SEQ}',
    "sku_prefix" varchar(20),
    "sku_digits" integer DEFAULT 5,
    "address" text,
    "phone" text,
    "receiptReturnPolicy" text,
    "taxIncludedInPrice" boolean NOT NULL DEFAULT true,
    "taxRate" numeric(5,2),
    "taxLabel" text,
    "ecocashEnabled" boolean NOT NULL DEFAULT false,
    "defaultPage" varchar(50),
    "slogan" varchar(200) DEFAULT 'Where Customer Is King',
    "showSlogan" boolean DEFAULT true,
    CONSTRAINT "businesses_pkey" PRIMARY KEY ("id")
);

CREATE TABLE business_memberships (
    "id" text NOT NULL,
    "userId" text NOT NULL,
    "businessId" text NOT NULL,
    "role" text NOT NULL DEFAULT 'employee',
    "permissions" jsonb NOT NULL DEFAULT '{}',
    "isActive" boolean NOT NULL DEFAULT true,
    "invitedBy" text,
    "joinedAt" timestamp(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "lastAccessedAt" timestamp(3),
    "templateId" text,
    CONSTRAINT "business_memberships_pkey" PRIMARY KEY ("id"),
    CONSTRAINT "business_memberships_userId_businessId_key" UNIQUE ("userId", "businessId")
);

CREATE INDEX "business_memberships_businessId_idx" ON business_memberships ("businessId");

CREATE TABLE business_accounts (
    "id" text NOT NULL,
    "businessId" text NOT NULL,
    "balance" numeric(12,2) NOT NULL DEFAULT 0,
    "createdAt" timestamp(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "updatedAt" timestamp(3) NOT NULL,
    "createdBy" text,
    CONSTRAINT "business_accounts_pkey" PRIMARY KEY ("id"),
    CONSTRAINT "business_accounts_businessId_key" UNIQUE ("businessId")
);

CREATE TABLE business_locations (
    "id" text NOT NULL,
    "businessId" text NOT NULL,
    "locationCode" text NOT NULL,
    "name" text NOT NULL,
    "emoji" text,
    "description" text,
    "locationType" text,
    "capacity" integer,
    "isActive" boolean NOT NULL DEFAULT true,
    "parentLocationId" text,
    "attributes" jsonb,
    "createdAt" timestamp(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "updatedAt" timestamp(3) NOT NULL,
    CONSTRAINT "business_locations_pkey" PRIMARY KEY ("id"),
    CONSTRAINT "business_locations_businessId_locationCode_key" UNIQUE ("businessId", "locationCode")
);

CREATE TABLE business_brands (
    "id" text NOT NULL,
    "businessId" text NOT NULL,
    "name" text NOT NULL,
    "description" text,
    "logoUrl" text,
    "website" text,
    "isActive" boolean NOT NULL DEFAULT true,
    "businessType" text NOT NULL,
    "attributes" jsonb,
    "createdAt" timestamp(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "updatedAt" timestamp(3) NOT NULL,
    CONSTRAINT "business_brands_pkey" PRIMARY KEY ("id"),
    CONSTRAINT "business_brands_businessId_name_key" UNIQUE ("businessId", "name")
);

CREATE TABLE business_categories (
    "id" text NOT NULL,
    "businessId" text,
    "name" text NOT NULL,
    "description" text,
    "parentId" text,
    "displayOrder" integer NOT NULL DEFAULT 0,
    "isActive" boolean NOT NULL DEFAULT true,
    "businessType" text NOT NULL,
    "attributes" jsonb,
    "createdAt" timestamp(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "updatedAt" timestamp(3) NOT NULL,
    "color" text NOT NULL DEFAULT '#3B82F6',
    "createdBy" text,
    "domainId" text,
    "emoji" text NOT NULL DEFAULT '📦',
    "isUserCreated" boolean NOT NULL DEFAULT false,
    CONSTRAINT "business_categories_pkey" PRIMARY KEY ("id"),
    CONSTRAINT "business_categories_businessType_domainId_name_key" UNIQUE ("businessType", "domainId", "name")
);

CREATE INDEX "business_categories_businessId_idx" ON business_categories ("businessId");

CREATE TABLE portal_integrations (
    "id" text NOT NULL,
    "businessId" text NOT NULL,
    "apiKey" text NOT NULL,
    "portalIpAddress" text NOT NULL,
    "portalPort" integer NOT NULL,
    "isActive" boolean NOT NULL DEFAULT true,
    "showTokensInPOS" boolean NOT NULL DEFAULT false,
    "createdAt" timestamp(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "updatedAt" timestamp(3) NOT NULL,
    "createdBy" text NOT NULL,
    "expenseAccountId" text,
    CONSTRAINT "portal_integrations_pkey" PRIMARY KEY ("id"),
    CONSTRAINT "portal_integrations_businessId_key" UNIQUE ("businessId")
);
