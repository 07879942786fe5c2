-- business: restaurant

CREATE TABLE menu_items (
    "id" text NOT NULL,
    "businessId" text,
    "name" text NOT NULL,
    "description" text,
    "price" numeric(10,2) NOT NULL,
    "allergens" text[],
    "nutrition" jsonb,
    "preparationTime" interval,
    "spiceLevel" smallint,
    "isAvailable" boolean NOT NULL DEFAULT true,
    "createdAt" timestamp(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "updatedAt" timestamp(3) NOT NULL,
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
    "sortOrder" smallint NOT NULL DEFAULT 0,
    CONSTRAINT "menu_combo_items_pkey" PRIMARY KEY ("id")
);

CREATE INDEX "menu_combo_items_comboId_idx" ON menu_combo_items ("comboId");
CREATE INDEX "menu_combo_items_productId_idx" ON menu_combo_items ("productId");

CREATE TABLE menu_promotions (
    "id" text NOT NULL,
    "businessId" text NOT NULL,
    "name" text NOT NULL,
    "type" text NOT NULL,
    "value" numeric(10,2),
    "validity" tstzrange,
    "daysOfWeek" integer[],
    "conditions" jsonb,
    "isActive" boolean NOT NULL DEFAULT true,
    "createdAt" timestamp(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    CONSTRAINT "menu_promotions_pkey" PRIMARY KEY ("id")
);

CREATE INDEX "menu_promotions_businessId_idx" ON menu_promotions ("businessId");

CREATE TABLE orders (
    "id" text NOT NULL,
    "createdBy" text,
    "businessId" text NOT NULL,
    "orderNumber" text NOT NULL,
    "tableNumber" smallint,
    "status" "OrderStatus" NOT NULL,
    "total" numeric(12,2) NOT NULL,
    "customerNote" text,
    "servedAt" time,
    "createdAt" timestamp(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "updatedAt" timestamp(3) NOT NULL,
    CONSTRAINT "orders_pkey" PRIMARY KEY ("id"),
    CONSTRAINT "orders_orderNumber_key" UNIQUE ("orderNumber")
);

CREATE TABLE order_items (
    "id" text NOT NULL,
    "menuItemId" text,
    "orderId" text,
    "quantity" integer NOT NULL DEFAULT 1,
    "unitPrice" numeric(10,2) NOT NULL,
    "modifiers" jsonb,
    "note" text,
    "kitchenStatus" text,
    CONSTRAINT "order_items_pkey" PRIMARY KEY ("id")
);

CREATE INDEX "order_items_orderId_idx" ON order_items ("orderId");
