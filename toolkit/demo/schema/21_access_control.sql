-- business: access control

CREATE TABLE permissions (
    "id" text NOT NULL,
    "name" text NOT NULL,
    "description" text,
    "category" text,
    "isSystemPermission" boolean NOT NULL DEFAULT false,
    "createdAt" timestamp(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "updatedAt" timestamp(3) NOT NULL,
    CONSTRAINT "permissions_pkey" PRIMARY KEY ("id"),
    CONSTRAINT "permissions_name_key" UNIQUE ("name")
);

CREATE TABLE user_permissions (
    "id" text NOT NULL,
    "userId" text NOT NULL,
    "permissionId" text NOT NULL,
    "granted" boolean NOT NULL DEFAULT true,
    "grantedAt" timestamp(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "grantedBy" text,
    "expiresAt" timestamp(3),
    CONSTRAINT "user_permissions_pkey" PRIMARY KEY ("id"),
    CONSTRAINT "user_permissions_userId_permissionId_key" UNIQUE ("userId", "permissionId")
);

CREATE INDEX "user_permissions_permissionId_idx" ON user_permissions ("permissionId");

CREATE TABLE mac_acl_entries (
    "id" text NOT NULL,
    "macAddress" varchar(17) NOT NULL,
    "deviceId" text,
    "listType" "MacAclListType" NOT NULL,
    "system" varchar(10) NOT NULL,
    "businessId" text,
    "r710WlanId" text,
    "r710AclId" varchar(50),
    "reason" varchar(255),
    "notes" text,
    "createdBy" text NOT NULL,
    "approvedBy" text,
    "expiresAt" timestamp(3),
    "createdAt" timestamp(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "updatedAt" timestamp(3) NOT NULL,
    CONSTRAINT "mac_acl_entries_pkey" PRIMARY KEY ("id"),
    CONSTRAINT "mac_acl_entries_macAddress_system_businessId_listType_key" UNIQUE ("macAddress", "system", "businessId", "listType")
);

CREATE INDEX "mac_acl_entries_businessId_idx" ON mac_acl_entries ("businessId");

CREATE INDEX "mac_acl_entries_r710WlanId_idx" ON mac_acl_entries ("r710WlanId");
