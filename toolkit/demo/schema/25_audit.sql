-- business: audit

CREATE TABLE audit_logs (
    "id" text NOT NULL,
    "userId" text,
    "action" text NOT NULL,
    "entityType" text NOT NULL,
    "entityId" text NOT NULL,
    "timestamp" timestamp(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "oldValues" jsonb,
    "newValues" jsonb,
    "metadata" jsonb,
    "tableName" text,
    "recordId" text,
    "changes" jsonb,
    "details" jsonb,
    CONSTRAINT "audit_logs_pkey" PRIMARY KEY ("id")
);

CREATE TABLE conflict_resolutions (
    "id" text NOT NULL,
    "conflictType" "ConflictType" NOT NULL,
    "resolutionStrategy" "ResolutionStrategy" NOT NULL,
    "sourceEventId" text NOT NULL,
    "targetEventId" text,
    "resolvedData" jsonb NOT NULL,
    "resolvedBy" text,
    "resolvedAt" timestamp(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "eventIds" text[] DEFAULT ARRAY[]::text[],
    "resolution" jsonb,
    "strategy" text,
    "metadata" jsonb,
    "createdAt" timestamp(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    CONSTRAINT "conflict_resolutions_pkey" PRIMARY KEY ("id")
);

CREATE TABLE data_snapshots (
    "id" text NOT NULL,
    "nodeId" text NOT NULL,
    "tableName" text NOT NULL,
    "recordId" text NOT NULL,
    "snapshotData" jsonb NOT NULL,
    "advanceBreakdown" jsonb,
    "advanceDeductions" numeric(12,2) NOT NULL DEFAULT 0,
    "deductionsBreakdown" jsonb,
    "expectedWorkDays" integer,
    "hasAdjustments" boolean,
    "isProRata" boolean,
    "loanBreakdown" jsonb,
    "loanDeductions" numeric(12,2) NOT NULL DEFAULT 0,
    "proRataCalculation" jsonb,
    "proRataReason" text,
    "processedBy" text,
    "totalDeductions" numeric(12,2) NOT NULL DEFAULT 0,
    CONSTRAINT "data_snapshots_pkey" PRIMARY KEY ("id")
);
