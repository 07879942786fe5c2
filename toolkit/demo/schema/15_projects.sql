-- business: projects

CREATE TABLE projects (
    "id" text NOT NULL,
    "name" text NOT NULL,
    "description" text,
    "projectTypeId" text NOT NULL,
    "businessType" text NOT NULL,
    "businessId" text,
    "status" text NOT NULL DEFAULT 'active',
    "budget" numeric(12,2),
    "startDate" timestamp(3),
    "endDate" timestamp(3),
    "createdAt" timestamp(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "createdBy" text,
    "updatedAt" timestamp(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    CONSTRAINT "projects_pkey" PRIMARY KEY ("id")
);

CREATE INDEX "projects_businessId_idx" ON projects ("businessId");

CREATE TABLE project_stages (
    "id" text NOT NULL,
    "name" text NOT NULL,
    "description" text,
    "status" text NOT NULL DEFAULT 'pending',
    "notes" text,
    "completionDate" timestamp(3),
    "createdAt" timestamp(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "endDate" timestamp(3),
    "estimatedAmount" numeric(12,2),
    "orderIndex" integer NOT NULL DEFAULT 0,
    "projectId" text NOT NULL,
    "startDate" timestamp(3),
    "updatedAt" timestamp(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "constructionProjectId" text,
    CONSTRAINT "project_stages_pkey" PRIMARY KEY ("id")
);

CREATE INDEX "project_stages_constructionProjectId_idx" ON project_stages ("constructionProjectId");

CREATE INDEX "project_stages_projectId_idx" ON project_stages ("projectId");

CREATE TABLE project_contractors (
    "id" text NOT NULL,
    "role" text,
    "status" text NOT NULL DEFAULT 'active',
    "notes" text,
    "createdAt" timestamp(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "endDate" timestamp(3),
    "hourlyRate" numeric(12,2),
    "isPrimary" boolean NOT NULL DEFAULT false,
    "personId" text NOT NULL,
    "projectId" text NOT NULL,
    "startDate" timestamp(3),
    "totalContractAmount" numeric(12,2),
    "updatedAt" timestamp(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "constructionProjectId" text,
    CONSTRAINT "project_contractors_pkey" PRIMARY KEY ("id"),
    CONSTRAINT "project_contractors_projectId_personId_key" UNIQUE ("projectId", "personId")
);

CREATE INDEX "project_contractors_constructionProjectId_idx" ON project_contractors ("constructionProjectId");

CREATE INDEX "project_contractors_personId_idx" ON project_contractors ("personId");

CREATE TABLE project_transactions (
    "id" text NOT NULL,
    "amount" numeric(12,2) NOT NULL,
    "description" text NOT NULL,
    "status" text NOT NULL DEFAULT 'pending',
    "notes" text,
    "approvedAt" timestamp(3),
    "approvedBy" text,
    "createdAt" timestamp(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "createdBy" text,
    "paidAt" timestamp(3),
    "paymentCategory" text,
    "paymentMethod" text,
    "personalExpenseId" text NOT NULL,
    "projectContractorId" text,
    "projectId" text NOT NULL,
    "receiptUrl" text,
    "recipientPersonId" text,
    "referenceNumber" text,
    "stageAssignmentId" text,
    "stageId" text,
    "transactionType" text NOT NULL,
    "updatedAt" timestamp(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "constructionProjectId" text,
    "transactionSubType" text,
    CONSTRAINT "project_transactions_pkey" PRIMARY KEY ("id")
);

CREATE INDEX "project_transactions_constructionProjectId_idx" ON project_transactions ("constructionProjectId");

CREATE INDEX "project_transactions_personalExpenseId_idx" ON project_transactions ("personalExpenseId");

CREATE INDEX "project_transactions_projectId_idx" ON project_transactions ("projectId");

CREATE TABLE construction_projects (
    "id" text NOT NULL,
    "name" text NOT NULL,
    "description" text,
    "status" text NOT NULL DEFAULT 'active',
    "budget" numeric(12,2),
    "createdAt" timestamp(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "createdBy" text,
    "endDate" timestamp(3),
    "startDate" timestamp(3),
    "updatedAt" timestamp(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "businessType" text NOT NULL DEFAULT 'construction',
    "projectTypeId" text,
    CONSTRAINT "construction_projects_pkey" PRIMARY KEY ("id")
);

CREATE TABLE construction_expenses (
    "id" text NOT NULL,
    "category" text NOT NULL,
    "description" text NOT NULL,
    "amount" numeric(12,2) NOT NULL,
    "vendor" text,
    "createdAt" timestamp(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "createdBy" text,
    "projectId" text,
    "receiptUrl" text,
    CONSTRAINT "construction_expenses_pkey" PRIMARY KEY ("id")
);

CREATE INDEX "construction_expenses_projectId_idx" ON construction_expenses ("projectId");

CREATE TABLE stage_contractor_assignments (
    "id" text NOT NULL,
    "notes" text,
    "createdAt" timestamp(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "depositAmount" numeric(12,2),
    "depositPaidDate" timestamp(3),
    "depositPercentage" numeric(5,2) NOT NULL DEFAULT 0.00,
    "finalPaymentDate" timestamp(3),
    "isDepositPaid" boolean NOT NULL DEFAULT false,
    "isFinalPaymentMade" boolean NOT NULL DEFAULT false,
    "predeterminedAmount" numeric(12,2) NOT NULL,
    "projectContractorId" text NOT NULL,
    "stageId" text NOT NULL,
    "updatedAt" timestamp(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    CONSTRAINT "stage_contractor_assignments_pkey" PRIMARY KEY ("id"),
    CONSTRAINT "stage_contractor_assignments_stageId_projectContractorId_key" UNIQUE ("stageId", "projectContractorId")
);

CREATE INDEX "stage_contractor_assignments_projectContractorId_idx" ON stage_contractor_assignments ("projectContractorId");
