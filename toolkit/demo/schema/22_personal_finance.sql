-- business: personal finance

CREATE TABLE fund_sources (
    "id" text NOT NULL,
    "name" text NOT NULL,
    "emoji" text DEFAULT '💰',
    "createdAt" timestamp(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "isDefault" boolean NOT NULL DEFAULT false,
    "usageCount" integer NOT NULL DEFAULT 0,
    "userId" text,
    CONSTRAINT "fund_sources_pkey" PRIMARY KEY ("id")
);

CREATE TABLE personal_budgets (
    "id" text NOT NULL,
    "amount" numeric(12,2) NOT NULL,
    "description" text,
    "type" text NOT NULL DEFAULT 'deposit',
    "createdAt" timestamp(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "userId" text,
    CONSTRAINT "personal_budgets_pkey" PRIMARY KEY ("id")
);

CREATE TABLE personal_expenses (
    "id" text NOT NULL,
    "category" text NOT NULL,
    "description" text NOT NULL,
    "amount" numeric(12,2) NOT NULL,
    "date" timestamp(3) NOT NULL,
    "tags" text,
    "createdAt" timestamp(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "receiptUrl" text,
    "userId" text,
    "notes" text,
    "updatedAt" timestamp(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "categoryId" text,
    "subcategoryId" text,
    CONSTRAINT "personal_expenses_pkey" PRIMARY KEY ("id")
);
