-- business: restaurant

CREATE TABLE menu_items (
    "id" text NOT NULL,
    "name" text NOT NULL,
    "description" text,
    "price" numeric(10,2) NOT NULL,
    "category" text NOT NULL,
    "barcode" text,
    "createdAt" timestamp(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "isAvailable" boolean NOT NULL DEFAULT true,
    "updatedAt" timestamp(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    CONSTRAINT "menu_items_pkey" PRIMARY KEY ("id")
);

CREATE TABLE menu_combos (
    "id" text NOT NULL,
    "businessId" text NOT NULL,
    "name" text NOT NULL,
    "description" text,
    "totalPrice" numeric(10,2) NOT NULL,
    "originalTotalPrice" numeric(10,2),
    "isActive" boolean NOT NULL DEFAULT true,
    "isAvailable" boolean NOT NULL DEFAULT true,
    "imageUrl" text,
    "preparationTime" integer NOT NULL DEFAULT 0,
    "discountPercent" numeric(5,2),
    "promotionStartDate" timestamp(3),
    "promotionEndDate" timestamp(3),
    "createdAt" timestamp(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "updatedAt" timestamp(3) NOT NULL,
    CONSTRAINT "menu_combos_pkey" PRIMARY KEY ("id")
);

CREATE INDEX "menu_combos_businessId_idx" ON menu_combos ("businessId");

CREATE TABLE menu_combo_items (
    "id" text NOT NULL,
    "comboId" text NOT NULL,
    "productId" text NOT NULL,
    "variantId" text,
    "quantity" integer NOT NULL DEFAULT 1,
    "isRequired" boolean NOT NULL DEFAULT true,
    "sortOrder" integer NOT NULL DEFAULT 0,
    "createdAt" timestamp(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    CONSTRAINT "menu_combo_items_pkey" PRIMARY KEY ("id")
);

CREATE INDEX "menu_combo_items_comboId_idx" ON menu_combo_items ("comboId");

CREATE INDEX "menu_combo_items_productId_idx" ON menu_combo_items ("productId");

CREATE TABLE menu_promotions (
    "id" text NOT NULL,
    "businessId" text NOT NULL,
    "name" text NOT NULL,
    "description" text,
    "type" "PromotionType" NOT NULL,
    "value" numeric(10,2) NOT NULL,
    "minOrderAmount" numeric(10,2),
    "maxDiscountAmount" numeric(10,2),
    "startDate" timestamp(3) NOT NULL,
    "endDate" timestamp(3),
    "startTime" text,
    "endTime" text,
    "daysOfWeek" text[],
    "isActive" boolean NOT NULL DEFAULT true,
    "usageLimit" integer,
    "usageCount" integer NOT NULL DEFAULT 0,
    "applicableCategories" text[],
    "applicableProducts" text[],
    "createdAt" timestamp(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "updatedAt" timestamp(3) NOT NULL,
    CONSTRAINT "menu_promotions_pkey" PRIMARY KEY ("id")
);

CREATE INDEX "menu_promotions_businessId_idx" ON menu_promotions ("businessId");

CREATE TABLE orders (
    "id" text NOT NULL,
    "total" numeric(10,2) NOT NULL,
    "status" text NOT NULL DEFAULT 'pending',
    "createdAt" timestamp(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "createdBy" text,
    "orderNumber" text NOT NULL,
    "tableNumber" text,
    CONSTRAINT "orders_pkey" PRIMARY KEY ("id"),
    CONSTRAINT "orders_orderNumber_key" UNIQUE ("orderNumber")
);

CREATE TABLE order_items (
    "id" text NOT NULL,
    "quantity" integer NOT NULL,
    "price" numeric(10,2) NOT NULL,
    "notes" text,
    "menuItemId" text,
    "orderId" text,
    CONSTRAINT "order_items_pkey" PRIMARY KEY ("id")
);

CREATE INDEX "order_items_orderId_idx" ON order_items ("orderId");
