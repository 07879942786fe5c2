-- business: reference

CREATE TABLE system_settings (
    "id" text NOT NULL,
    "allowSelfRegistration" boolean NOT NULL DEFAULT true,
    "defaultRegistrationRole" text NOT NULL DEFAULT 'employee',
    "defaultRegistrationPermissions" jsonb NOT NULL,
    "requireAdminApproval" boolean NOT NULL DEFAULT false,
    "maxUsersPerBusiness" integer NOT NULL DEFAULT 50,
    "globalDateFormat" text NOT NULL DEFAULT 'dd/mm/yyyy',
    "defaultCountryCode" text NOT NULL DEFAULT 'ZW',
    "defaultIdFormatTemplateId" text,
    "defaultMileageUnit" text NOT NULL DEFAULT 'km',
    "maxPaymentWithoutId" numeric(10,2) NOT NULL DEFAULT 50,
    "createdAt" timestamp(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "updatedAt" timestamp(3) NOT NULL,
    CONSTRAINT "system_settings_pkey" PRIMARY KEY ("id")
);

CREATE TABLE emoji_lookup (
    "id" text NOT NULL,
    "emoji" text NOT NULL,
    "description" text NOT NULL,
    "name" text,
    "url" text,
    "source" text NOT NULL,
    "fetchedAt" timestamp(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "usageCount" integer NOT NULL DEFAULT 0,
    CONSTRAINT "emoji_lookup_pkey" PRIMARY KEY ("id"),
    CONSTRAINT "emoji_lookup_emoji_description_key" UNIQUE ("emoji", "description")
);

CREATE TABLE job_titles (
    "id" text NOT NULL,
    "title" text NOT NULL,
    "description" text,
    "responsibilities" text[],
    "department" text,
    "level" text,
    "isActive" boolean NOT NULL DEFAULT true,
    "createdAt" timestamp(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "updatedAt" timestamp(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    CONSTRAINT "job_titles_pkey" PRIMARY KEY ("id"),
    CONSTRAINT "job_titles_title_key" UNIQUE ("title")
);

CREATE TABLE compensation_types (
    "id" text NOT NULL,
    "name" text NOT NULL,
    "type" text NOT NULL,
    "description" text,
    "baseAmount" numeric(12,2),
    "commissionPercentage" numeric(5,2),
    "createdAt" timestamp(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "isActive" boolean NOT NULL DEFAULT true,
    "updatedAt" timestamp(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "frequency" text DEFAULT 'monthly',
    CONSTRAINT "compensation_types_pkey" PRIMARY KEY ("id"),
    CONSTRAINT "compensation_types_name_key" UNIQUE ("name")
);

CREATE TABLE benefit_types (
    "id" text NOT NULL,
    "name" text NOT NULL,
    "description" text,
    "type" text NOT NULL,
    "createdAt" timestamp(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "defaultAmount" numeric(12,2),
    "isActive" boolean NOT NULL DEFAULT true,
    "isPercentage" boolean NOT NULL DEFAULT false,
    "updatedAt" timestamp(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    CONSTRAINT "benefit_types_pkey" PRIMARY KEY ("id"),
    CONSTRAINT "benefit_types_name_key" UNIQUE ("name")
);

CREATE TABLE id_format_templates (
    "id" text NOT NULL,
    "name" text NOT NULL,
    "description" text,
    "pattern" text NOT NULL,
    "example" text NOT NULL,
    "countryCode" text,
    "createdAt" timestamp(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "isActive" boolean NOT NULL DEFAULT true,
    "updatedAt" timestamp(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "format" text,
    CONSTRAINT "id_format_templates_pkey" PRIMARY KEY ("id")
);

CREATE TABLE driver_license_templates (
    "id" text NOT NULL,
    "name" text NOT NULL,
    "description" text,
    "pattern" text NOT NULL,
    "example" text NOT NULL,
    "countryCode" text,
    "createdAt" timestamp(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "isActive" boolean NOT NULL DEFAULT true,
    "updatedAt" timestamp(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    CONSTRAINT "driver_license_templates_pkey" PRIMARY KEY ("id")
);

CREATE TABLE project_types (
    "id" text NOT NULL,
    "name" text NOT NULL,
    "description" text,
    "businessType" text NOT NULL,
    "isActive" boolean NOT NULL DEFAULT true,
    "isSystem" boolean NOT NULL DEFAULT false,
    "createdAt" timestamp(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "updatedAt" timestamp(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    CONSTRAINT "project_types_pkey" PRIMARY KEY ("id"),
    CONSTRAINT "project_types_name_key" UNIQUE ("name")
);

CREATE TABLE inventory_domains (
    "id" text NOT NULL,
    "name" text NOT NULL,
    "emoji" text NOT NULL,
    "description" text,
    "businessType" text NOT NULL,
    "isActive" boolean NOT NULL DEFAULT true,
    "isSystemTemplate" boolean NOT NULL DEFAULT false,
    "createdAt" timestamp(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    CONSTRAINT "inventory_domains_pkey" PRIMARY KEY ("id"),
    CONSTRAINT "inventory_domains_name_key" UNIQUE ("name")
);

CREATE TABLE permission_templates (
    "id" text NOT NULL,
    "name" text NOT NULL,
    "permissions" jsonb NOT NULL DEFAULT '{}',
    "businessType" text NOT NULL,
    "createdAt" timestamp(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "createdBy" text NOT NULL,
    "isActive" boolean NOT NULL DEFAULT true,
    "updatedAt" timestamp(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    CONSTRAINT "permission_templates_pkey" PRIMARY KEY ("id")
);

CREATE TABLE seed_data_templates (
    "id" text NOT NULL,
    "name" text NOT NULL,
    "businessType" text NOT NULL,
    "version" text NOT NULL,
    "description" text,
    "isActive" boolean NOT NULL DEFAULT true,
    "isSystemDefault" boolean NOT NULL DEFAULT false,
    "productCount" integer NOT NULL DEFAULT 0,
    "categoryCount" integer NOT NULL DEFAULT 0,
    "templateData" jsonb NOT NULL,
    "createdBy" text NOT NULL,
    "createdAt" timestamp(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "updatedAt" timestamp(3) NOT NULL,
    "sourceBusinessId" text,
    "exportNotes" text,
    CONSTRAINT "seed_data_templates_pkey" PRIMARY KEY ("id"),
    CONSTRAINT "seed_data_templates_businessType_version_key" UNIQUE ("businessType", "version")
);

CREATE TABLE receipt_sequences (
    "businessId" text NOT NULL,
    "date" text NOT NULL,
    "lastSequence" integer NOT NULL DEFAULT 0,
    "createdAt" timestamp(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "updatedAt" timestamp(3) NOT NULL,
    CONSTRAINT "receipt_sequences_pkey" PRIMARY KEY ("businessId", "date")
);
