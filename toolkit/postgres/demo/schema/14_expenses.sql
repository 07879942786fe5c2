-- business: expenses

CREATE TABLE expense_accounts (
    "id" text NOT NULL,
    "createdBy" text NOT NULL,
    "accountNumber" text NOT NULL,
    "accountName" text NOT NULL,
    "balance" numeric(16,2) NOT NULL DEFAULT 0,
    "lowBalanceThreshold" numeric(12,2),
    "isActive" boolean NOT NULL DEFAULT true,
    "createdAt" timestamp(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "updatedAt" timestamp(3) NOT NULL,
    CONSTRAINT "expense_accounts_pkey" PRIMARY KEY ("id"),
    CONSTRAINT "expense_accounts_accountNumber_key" UNIQUE ("accountNumber")
);

CREATE TABLE expense_account_deposits (
    "id" text NOT NULL,
    "createdBy" text NOT NULL,
    "expenseAccountId" text NOT NULL,
    "sourceBusinessId" text,
    "amount" numeric(14,2) NOT NULL,
    "sourceType" text NOT NULL,
    "note" text,
    "depositedAt" timestamptz NOT NULL,
    CONSTRAINT "expense_account_deposits_pkey" PRIMARY KEY ("id")
);

CREATE INDEX "expense_account_deposits_expenseAccountId_idx" ON expense_account_deposits ("expenseAccountId");

CREATE TABLE expense_account_payments (
    "id" text NOT NULL,
    "categoryId" text NOT NULL,
    "createdBy" text NOT NULL,
    "expenseAccountId" text NOT NULL,
    "payeeBusinessId" text,
    "payeeEmployeeId" text,
    "payeePersonId" text,
    "payeeUserId" text,
    "subcategoryId" text,
    "submittedBy" text,
    "amount" numeric(14,2) NOT NULL,
    "payeeType" text NOT NULL,
    "receiptNumber" text,
    "receipt" bytea,
    "notes" text,
    "status" text NOT NULL,
    "paidAt" timestamptz NOT NULL,
    CONSTRAINT "expense_account_payments_pkey" PRIMARY KEY ("id")
);

CREATE INDEX "expense_account_payments_expenseAccountId_idx" ON expense_account_payments ("expenseAccountId");

CREATE TABLE expense_domains (
    "id" text NOT NULL,
    "name" text NOT NULL,
    "emoji" text,
    "description" text,
    "isActive" boolean NOT NULL DEFAULT true,
    "createdAt" timestamp(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    CONSTRAINT "expense_domains_pkey" PRIMARY KEY ("id"),
    CONSTRAINT "expense_domains_name_key" UNIQUE ("name")
);

CREATE TABLE expense_categories (
    "id" text NOT NULL,
    "createdBy" text,
    "domainId" text,
    "name" text NOT NULL,
    "emoji" text,
    "isDefault" boolean NOT NULL DEFAULT false,
    "keywords" text[],
    "createdAt" timestamp(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    CONSTRAINT "expense_categories_pkey" PRIMARY KEY ("id"),
    CONSTRAINT "expense_categories_domainId_name_key" UNIQUE ("domainId", "name")
);

CREATE TABLE expense_subcategories (
    "id" text NOT NULL,
    "categoryId" text NOT NULL,
    "createdBy" text,
    "name" text NOT NULL,
    "emoji" text,
    "description" text,
    "createdAt" timestamp(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    CONSTRAINT "expense_subcategories_pkey" PRIMARY KEY ("id"),
    CONSTRAINT "expense_subcategories_categoryId_name_key" UNIQUE ("categoryId", "name")
);
