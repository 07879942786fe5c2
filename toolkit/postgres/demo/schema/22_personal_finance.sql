-- business: personal finance

CREATE TABLE fund_sources (
    "id" text NOT NULL,
    "userId" text,
    "name" text NOT NULL,
    "emoji" text,
    "balance" numeric(14,2),
    "isDefault" boolean NOT NULL DEFAULT false,
    "createdAt" timestamp(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    CONSTRAINT "fund_sources_pkey" PRIMARY KEY ("id")
);

CREATE TABLE personal_budgets (
    "id" text NOT NULL,
    "userId" text,
    "name" text NOT NULL,
    "amount" numeric(14,2) NOT NULL,
    "period" text,
    "categories" text[],
    "createdAt" timestamp(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "updatedAt" timestamp(3) NOT NULL,
    CONSTRAINT "personal_budgets_pkey" PRIMARY KEY ("id")
);

CREATE TABLE personal_expenses (
    "id" text NOT NULL,
    "categoryId" text,
    "subcategoryId" text,
    "userId" text,
    "title" text NOT NULL,
    "description" text,
    "amount" numeric(14,2) NOT NULL,
    "spentOn" date NOT NULL,
    "tags" text[],
    "receipt" bytea,
    "createdAt" timestamp(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "updatedAt" timestamp(3) NOT NULL,
    CONSTRAINT "personal_expenses_pkey" PRIMARY KEY ("id")
);
