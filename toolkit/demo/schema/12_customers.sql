-- business: customers

CREATE TABLE business_customers (
    "id" text NOT NULL,
    "businessId" text NOT NULL,
    "customerNumber" text NOT NULL,
    "name" text NOT NULL,
    "email" text,
    "phone" text,
    "dateOfBirth" timestamp(3),
    "address" text,
    "city" text,
    "country" text,
    "customerType" "CustomerType" NOT NULL DEFAULT 'INDIVIDUAL'::"CustomerType",
    "segment" text,
    "loyaltyPoints" integer NOT NULL DEFAULT 0,
    "totalSpent" numeric(12,2) NOT NULL DEFAULT 0,
    "isActive" boolean NOT NULL DEFAULT true,
    "businessType" text NOT NULL,
    "attributes" jsonb,
    "createdAt" timestamp(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "updatedAt" timestamp(3) NOT NULL,
    CONSTRAINT "business_customers_pkey" PRIMARY KEY ("id"),
    CONSTRAINT "business_customers_businessId_customerNumber_key" UNIQUE ("businessId", "customerNumber")
);

CREATE TABLE business_orders (
    "id" text NOT NULL,
    "businessId" text NOT NULL,
    "orderNumber" text NOT NULL,
    "customerId" text,
    "employeeId" text,
    "orderType" "OrderType" NOT NULL DEFAULT 'SALE'::"OrderType",
    "status" "OrderStatus" NOT NULL DEFAULT 'PENDING'::"OrderStatus",
    "subtotal" numeric(10,2) NOT NULL,
    "taxAmount" numeric(10,2) NOT NULL,
    "discountAmount" numeric(10,2) NOT NULL DEFAULT 0,
    "totalAmount" numeric(10,2) NOT NULL,
    "paymentMethod" "PaymentMethod",
    "paymentStatus" "PaymentStatus" NOT NULL DEFAULT 'PENDING'::"PaymentStatus",
    "businessType" text NOT NULL,
    "attributes" jsonb,
    "notes" text,
    "processedAt" timestamp(3),
    "createdAt" timestamp(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "updatedAt" timestamp(3) NOT NULL,
    CONSTRAINT "business_orders_pkey" PRIMARY KEY ("id"),
    CONSTRAINT "business_orders_businessId_orderNumber_key" UNIQUE ("businessId", "orderNumber")
);

CREATE TABLE business_order_items (
    "id" text NOT NULL,
    "orderId" text NOT NULL,
    "productVariantId" text,
    "quantity" integer NOT NULL,
    "unitPrice" numeric(10,2) NOT NULL,
    "discountAmount" numeric(10,2) NOT NULL DEFAULT 0,
    "totalPrice" numeric(10,2) NOT NULL,
    "attributes" jsonb,
    "createdAt" timestamp(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    CONSTRAINT "business_order_items_pkey" PRIMARY KEY ("id")
);

CREATE TABLE business_transactions (
    "id" text NOT NULL,
    "businessId" text NOT NULL,
    "amount" numeric(12,2) NOT NULL,
    "type" text NOT NULL,
    "description" text NOT NULL,
    "referenceId" text,
    "referenceType" text,
    "balanceAfter" numeric(12,2) NOT NULL,
    "createdAt" timestamp(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "createdBy" text NOT NULL,
    "notes" text,
    "metadata" jsonb,
    CONSTRAINT "business_transactions_pkey" PRIMARY KEY ("id")
);

CREATE INDEX "business_transactions_businessId_idx" ON business_transactions ("businessId");

CREATE TABLE customer_laybys (
    "id" text NOT NULL,
    "laybyNumber" text NOT NULL,
    "businessId" text NOT NULL,
    "customerId" text,
    "status" "LaybyStatus" NOT NULL DEFAULT 'ACTIVE'::"LaybyStatus",
    "totalAmount" numeric(12,2) NOT NULL,
    "depositAmount" numeric(12,2) NOT NULL,
    "depositPercent" numeric(5,2) NOT NULL,
    "balanceRemaining" numeric(12,2) NOT NULL,
    "totalPaid" numeric(12,2) NOT NULL DEFAULT 0,
    "installmentAmount" numeric(12,2),
    "installmentFrequency" "InstallmentFrequency",
    "paymentDueDate" timestamp(3),
    "completionDueDate" timestamp(3),
    "serviceFee" numeric(12,2) NOT NULL DEFAULT 0,
    "lateFee" numeric(12,2) NOT NULL DEFAULT 0,
    "administrationFee" numeric(12,2) NOT NULL DEFAULT 0,
    "totalFees" numeric(12,2) NOT NULL DEFAULT 0,
    "items" jsonb NOT NULL,
    "itemsReleased" boolean NOT NULL DEFAULT false,
    "itemsReleasedAt" timestamp(3),
    "itemsReleasedBy" text,
    "notes" text,
    "createdAt" timestamp(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "updatedAt" timestamp(3) NOT NULL,
    "createdBy" text NOT NULL,
    "completedAt" timestamp(3),
    "cancelledAt" timestamp(3),
    "cancellationReason" text,
    "cancellationRefund" numeric(12,2),
    CONSTRAINT "customer_laybys_pkey" PRIMARY KEY ("id"),
    CONSTRAINT "customer_laybys_laybyNumber_key" UNIQUE ("laybyNumber")
);

CREATE INDEX "customer_laybys_businessId_idx" ON customer_laybys ("businessId");

CREATE TABLE customer_layby_payments (
    "id" text NOT NULL,
    "laybyId" text NOT NULL,
    "receiptNumber" text NOT NULL,
    "amount" numeric(12,2) NOT NULL,
    "paymentMethod" "PaymentMethod" NOT NULL,
    "paymentReference" text,
    "paymentDate" timestamp(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "processedBy" text NOT NULL,
    "notes" text,
    "isRefund" boolean NOT NULL DEFAULT false,
    "refundedPaymentId" text,
    CONSTRAINT "customer_layby_payments_pkey" PRIMARY KEY ("id"),
    CONSTRAINT "customer_layby_payments_receiptNumber_key" UNIQUE ("receiptNumber")
);

CREATE INDEX "customer_layby_payments_laybyId_idx" ON customer_layby_payments ("laybyId");
