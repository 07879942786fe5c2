-- business: customers

CREATE TABLE business_customers (
    "id" text NOT NULL,
    "businessId" text NOT NULL,
    "customerNumber" text NOT NULL,
    "name" text NOT NULL,
    "email" text,
    "phone" text,
    "address" text,
    "dateOfBirth" date,
    "loyaltyPoints" integer NOT NULL DEFAULT 0,
    "totalSpent" numeric(14,2) NOT NULL DEFAULT 0,
    "preferences" jsonb,
    "marketingOptIn" boolean,
    "segments" text[],
    "createdAt" timestamp(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "updatedAt" timestamp(3) NOT NULL,
    CONSTRAINT "business_customers_pkey" PRIMARY KEY ("id"),
    CONSTRAINT "business_customers_businessId_customerNumber_key" UNIQUE ("businessId", "customerNumber"),
    CONSTRAINT "business_customers_loyaltyPoints_check" CHECK ("loyaltyPoints" >= 0)
);

CREATE TABLE business_orders (
    "id" text NOT NULL,
    "businessId" text NOT NULL,
    "customerId" text,
    "employeeId" text,
    "orderNumber" text NOT NULL,
    "ticketNumber" serial,
    "status" "OrderStatus" NOT NULL,
    "paymentMethod" "PaymentMethod",
    "subtotal" numeric(14,2) NOT NULL,
    "taxAmount" numeric(14,2) NOT NULL DEFAULT 0,
    "discountPercent" numeric(5,2),
    "notes" text,
    "attributes" jsonb,
    "completedAt" timestamptz,
    "businessDay" date NOT NULL,
    "createdAt" timestamp(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "updatedAt" timestamp(3) NOT NULL,
    CONSTRAINT "business_orders_pkey" PRIMARY KEY ("id"),
    CONSTRAINT "business_orders_businessId_orderNumber_key" UNIQUE ("businessId", "orderNumber")
);

CREATE TABLE business_order_items (
    "id" text NOT NULL,
    "orderId" text NOT NULL,
    "productVariantId" text,
    "quantity" numeric(12,3) NOT NULL,
    "unitPrice" numeric(12,4) NOT NULL,
    "lineTotal" numeric(18,4) GENERATED ALWAYS AS ("quantity" * "unitPrice") STORED,
    "description" text,
    "attributes" jsonb,
    "createdAt" timestamp(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    CONSTRAINT "business_order_items_pkey" PRIMARY KEY ("id"),
    CONSTRAINT "business_order_items_quantity_check" CHECK ("quantity" > 0)
);

CREATE TABLE business_transactions (
    "id" text NOT NULL,
    "businessId" text NOT NULL,
    "createdBy" text NOT NULL,
    "entryNumber" bigint GENERATED ALWAYS AS IDENTITY,
    "kind" "TransactionKind" NOT NULL,
    "amount" numeric(14,2) NOT NULL,
    "description" text,
    "balanceAfter" numeric(16,2) NOT NULL,
    "occurredAt" timestamptz NOT NULL,
    "metadata" jsonb,
    "createdAt" timestamp(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    CONSTRAINT "business_transactions_pkey" PRIMARY KEY ("id")
);

CREATE INDEX "business_transactions_businessId_idx" ON business_transactions ("businessId");

CREATE TABLE customer_laybys (
    "id" text NOT NULL,
    "businessId" text NOT NULL,
    "createdBy" text NOT NULL,
    "customerId" text,
    "laybyNumber" text NOT NULL,
    "status" text NOT NULL,
    "totalAmount" numeric(12,2) NOT NULL,
    "depositAmount" numeric(12,2) NOT NULL,
    "items" jsonb NOT NULL,
    "dueDate" date,
    "createdAt" timestamp(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "updatedAt" timestamp(3) NOT NULL,
    CONSTRAINT "customer_laybys_pkey" PRIMARY KEY ("id"),
    CONSTRAINT "customer_laybys_laybyNumber_key" UNIQUE ("laybyNumber"),
    CONSTRAINT "customer_laybys_status_check" CHECK ("status" IN ('OPEN', 'COLLECTED', 'CANCELLED'))
);

CREATE INDEX "customer_laybys_businessId_idx" ON customer_laybys ("businessId");

CREATE TABLE customer_layby_payments (
    "id" text NOT NULL,
    "laybyId" text NOT NULL,
    "processedBy" text NOT NULL,
    "refundedPaymentId" text,
    "receiptNumber" text NOT NULL,
    "amount" numeric(12,2) NOT NULL,
    "paymentMethod" "PaymentMethod" NOT NULL,
    "notes" text,
    "paidAt" timestamptz NOT NULL,
    CONSTRAINT "customer_layby_payments_pkey" PRIMARY KEY ("id"),
    CONSTRAINT "customer_layby_payments_receiptNumber_key" UNIQUE ("receiptNumber")
);

CREATE INDEX "customer_layby_payments_laybyId_idx" ON customer_layby_payments ("laybyId");
