-- business: misc

CREATE TABLE persons (
    "id" text NOT NULL,
    "createdBy" text,
    "driverLicenseTemplateId" text,
    "idFormatTemplateId" text,
    "fullName" text NOT NULL,
    "email" text,
    "phone" text NOT NULL,
    "nationalId" text,
    "address" text,
    "dateOfBirth" date,
    "isActive" boolean NOT NULL DEFAULT true,
    "createdAt" timestamp(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "updatedAt" timestamp(3) NOT NULL,
    CONSTRAINT "persons_pkey" PRIMARY KEY ("id"),
    CONSTRAINT "persons_email_key" UNIQUE ("email"),
    CONSTRAINT "persons_nationalId_key" UNIQUE ("nationalId")
);

CREATE TABLE inter_business_loans (
    "id" text NOT NULL,
    "borrowerBusinessId" text,
    "borrowerPersonId" text,
    "createdBy" text NOT NULL,
    "lenderBusinessId" text,
    "lenderUserId" text,
    "loanNumber" text NOT NULL,
    "principal" numeric(16,2) NOT NULL,
    "interestRate" double precision NOT NULL DEFAULT 0,
    "outstanding" numeric(16,2) NOT NULL,
    "status" "LoanStatus" NOT NULL,
    "terms" text,
    "loanDate" date NOT NULL,
    "dueDate" date,
    "createdAt" timestamp(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "updatedAt" timestamp(3) NOT NULL,
    CONSTRAINT "inter_business_loans_pkey" PRIMARY KEY ("id"),
    CONSTRAINT "inter_business_loans_loanNumber_key" UNIQUE ("loanNumber")
);

CREATE TABLE loan_transactions (
    "id" text NOT NULL,
    "createdBy" text NOT NULL,
    "loanId" text NOT NULL,
    "personalExpenseId" text,
    "transactionType" text NOT NULL,
    "amount" numeric(14,2) NOT NULL,
    "balanceAfter" numeric(16,2),
    "description" text,
    "occurredAt" timestamptz NOT NULL,
    CONSTRAINT "loan_transactions_pkey" PRIMARY KEY ("id")
);

CREATE INDEX "loan_transactions_loanId_idx" ON loan_transactions ("loanId");

CREATE TABLE saved_reports (
    "id" text NOT NULL,
    "businessId" text NOT NULL,
    "managerUserId" text,
    "reportType" text NOT NULL,
    "reportDate" date NOT NULL,
    "data" jsonb NOT NULL,
    "signature" bytea,
    "isLocked" boolean NOT NULL DEFAULT false,
    "createdAt" timestamp(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    CONSTRAINT "saved_reports_pkey" PRIMARY KEY ("id"),
    CONSTRAINT "saved_reports_businessId_reportType_reportDate_key" UNIQUE ("businessId", "reportType", "reportDate")
);

CREATE TABLE customer_display_ads (
    "id" text NOT NULL,
    "businessId" text NOT NULL,
    "title" text NOT NULL,
    "content" text,
    "image" bytea,
    "durationSeconds" smallint NOT NULL DEFAULT 8,
    "startDate" date,
    "endDate" date,
    "animation" jsonb,
    "createdAt" timestamp(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "updatedAt" timestamp(3) NOT NULL,
    CONSTRAINT "customer_display_ads_pkey" PRIMARY KEY ("id")
);

CREATE INDEX "customer_display_ads_businessId_idx" ON customer_display_ads ("businessId");
