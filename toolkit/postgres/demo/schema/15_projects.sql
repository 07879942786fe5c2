-- business: projects

CREATE TABLE projects (
    "id" text NOT NULL,
    "businessId" text,
    "createdBy" text,
    "projectTypeId" text NOT NULL,
    "name" text NOT NULL,
    "description" text,
    "status" text NOT NULL,
    "budget" numeric(16,2),
    "startDate" date,
    "endDate" date,
    "labels" text[],
    "createdAt" timestamp(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "updatedAt" timestamp(3) NOT NULL,
    CONSTRAINT "projects_pkey" PRIMARY KEY ("id")
);

CREATE INDEX "projects_businessId_idx" ON projects ("businessId");

CREATE TABLE project_stages (
    "id" text NOT NULL,
    "constructionProjectId" text,
    "projectId" text NOT NULL,
    "name" text NOT NULL,
    "orderIndex" integer NOT NULL,
    "status" text NOT NULL,
    "estimatedAmount" numeric(14,2),
    "startDate" date,
    "createdAt" timestamp(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "updatedAt" timestamp(3) NOT NULL,
    CONSTRAINT "project_stages_pkey" PRIMARY KEY ("id")
);

CREATE INDEX "project_stages_constructionProjectId_idx" ON project_stages ("constructionProjectId");
CREATE INDEX "project_stages_projectId_idx" ON project_stages ("projectId");

CREATE TABLE project_contractors (
    "id" text NOT NULL,
    "constructionProjectId" text,
    "personId" text NOT NULL,
    "projectId" text NOT NULL,
    "role" text,
    "hourlyRate" numeric(10,2),
    "isPrimary" boolean NOT NULL DEFAULT false,
    "startDate" date,
    "createdAt" timestamp(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    CONSTRAINT "project_contractors_pkey" PRIMARY KEY ("id"),
    CONSTRAINT "project_contractors_projectId_personId_key" UNIQUE ("projectId", "personId")
);

CREATE INDEX "project_contractors_constructionProjectId_idx" ON project_contractors ("constructionProjectId");
CREATE INDEX "project_contractors_personId_idx" ON project_contractors ("personId");

CREATE TABLE project_transactions (
    "id" text NOT NULL,
    "approvedBy" text,
    "constructionProjectId" text,
    "createdBy" text,
    "personalExpenseId" text NOT NULL,
    "projectContractorId" text,
    "projectId" text NOT NULL,
    "recipientPersonId" text,
    "stageAssignmentId" text,
    "stageId" text,
    "transactionType" text NOT NULL,
    "amount" numeric(14,2) NOT NULL,
    "description" text,
    "status" text NOT NULL,
    "attachments" jsonb,
    "createdAt" timestamp(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "updatedAt" timestamp(3) NOT NULL,
    CONSTRAINT "project_transactions_pkey" PRIMARY KEY ("id")
);

CREATE INDEX "project_transactions_constructionProjectId_idx" ON project_transactions ("constructionProjectId");
CREATE INDEX "project_transactions_personalExpenseId_idx" ON project_transactions ("personalExpenseId");
CREATE INDEX "project_transactions_projectId_idx" ON project_transactions ("projectId");

CREATE TABLE construction_projects (
    "id" text NOT NULL,
    "createdBy" text,
    "projectTypeId" text,
    "name" text NOT NULL,
    "site" text,
    "budget" numeric(16,2),
    "area" double precision,
    "position" point,
    "createdAt" timestamp(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "updatedAt" timestamp(3) NOT NULL,
    CONSTRAINT "construction_projects_pkey" PRIMARY KEY ("id")
);

CREATE TABLE construction_expenses (
    "id" text NOT NULL,
    "createdBy" text,
    "projectId" text,
    "description" text,
    "amount" numeric(14,2) NOT NULL,
    "incurredOn" date NOT NULL,
    "vendor" text,
    "createdAt" timestamp(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    CONSTRAINT "construction_expenses_pkey" PRIMARY KEY ("id")
);

CREATE INDEX "construction_expenses_projectId_idx" ON construction_expenses ("projectId");

CREATE TABLE stage_contractor_assignments (
    "id" text NOT NULL,
    "projectContractorId" text NOT NULL,
    "stageId" text NOT NULL,
    "predeterminedAmount" numeric(14,2) NOT NULL,
    "depositPercentage" numeric(5,2),
    "isFinalPayment" boolean NOT NULL DEFAULT false,
    "notes" text,
    "createdAt" timestamp(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    CONSTRAINT "stage_contractor_assignments_pkey" PRIMARY KEY ("id"),
    CONSTRAINT "stage_contractor_assignments_stageId_projectContractorId_key" UNIQUE ("stageId", "projectContractorId")
);

CREATE INDEX "stage_contractor_assignments_projectContractorId_idx" ON stage_contractor_assignments ("projectContractorId");
