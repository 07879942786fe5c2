-- business: products

CREATE TABLE business_products (
    "id" text NOT NULL,
    "brandId" text,
    "businessId" text NOT NULL,
    "categoryId" text NOT NULL,
    "createdFromTemplateId" text,
    "locationId" text,
    "subcategoryId" text,
    "supplierId" text,
    "sku" text NOT NULL,
    "name" text NOT NULL,
    "description" text,
    "status" "ProductStatus" NOT NULL DEFAULT 'ACTIVE',
    "basePrice" numeric(12,2) NOT NULL,
    "costPrice" numeric(12,2) NOT NULL,
    "margin" numeric(12,2) GENERATED ALWAYS AS ("basePrice" - "costPrice") STORED,
    "weightKg" real,
    "tags" text[] NOT NULL DEFAULT '{}',
    "attributes" jsonb,
    "isAvailable" boolean NOT NULL DEFAULT true,
    "reorderLevel" integer NOT NULL DEFAULT 0,
    "createdAt" timestamp(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "updatedAt" timestamp(3) NOT NULL,
    CONSTRAINT "business_products_pkey" PRIMARY KEY ("id"),
    CONSTRAINT "business_products_businessId_sku_key" UNIQUE ("businessId", "sku"),
    CONSTRAINT "business_products_basePrice_check" CHECK ("basePrice" >= 0)
);

CREATE TABLE product_variants (
    "id" text NOT NULL,
    "productId" text NOT NULL,
    "sku" text NOT NULL,
    "name" text,
    "price" numeric(12,2),
    "stockQuantity" integer NOT NULL DEFAULT 0,
    "attributes" jsonb,
    "barcode" text,
    "createdAt" timestamp(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "updatedAt" timestamp(3) NOT NULL,
    CONSTRAINT "product_variants_pkey" PRIMARY KEY ("id"),
    CONSTRAINT "product_variants_sku_key" UNIQUE ("sku")
);

CREATE TABLE product_barcodes (
    "id" text NOT NULL,
    "businessId" text,
    "createdById" text,
    "productId" text,
    "variantId" text,
    "code" text NOT NULL,
    "symbology" "BarcodeSymbology" NOT NULL,
    "isPrimary" boolean NOT NULL DEFAULT false,
    "label" text,
    "createdAt" timestamp(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    CONSTRAINT "product_barcodes_pkey" PRIMARY KEY ("id")
);

CREATE INDEX "product_barcodes_businessId_idx" ON product_barcodes ("businessId");
CREATE INDEX "product_barcodes_productId_idx" ON product_barcodes ("productId");
CREATE INDEX "product_barcodes_variantId_idx" ON product_barcodes ("variantId");

CREATE TABLE product_images (
    "id" text NOT NULL,
    "productId" text NOT NULL,
    "url" text NOT NULL,
    "altText" text,
    "sortOrder" smallint NOT NULL DEFAULT 0,
    "thumbnail" bytea,
    "sha256" bytea,
    "createdAt" timestamp(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    CONSTRAINT "product_images_pkey" PRIMARY KEY ("id")
);

CREATE TABLE product_attributes (
    "id" text NOT NULL,
    "productId" text NOT NULL,
    "key" text NOT NULL,
    "value" text NOT NULL,
    "unit" text,
    "createdAt" timestamp(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    CONSTRAINT "product_attributes_pkey" PRIMARY KEY ("id"),
    CONSTRAINT "product_attributes_productId_key_key" UNIQUE ("productId", "key")
);

CREATE TABLE business_stock_movements (
    "id" text NOT NULL,
    "businessId" text NOT NULL,
    "businessProductId" text,
    "employeeId" text,
    "productVariantId" text NOT NULL,
    "movementType" "MovementType" NOT NULL,
    "quantity" numeric(12,3) NOT NULL,
    "unitCost" numeric(12,4),
    "reference" text,
    "reason" text,
    "occurredAt" timestamptz NOT NULL,
    "createdAt" timestamp(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    CONSTRAINT "business_stock_movements_pkey" PRIMARY KEY ("id")
);

CREATE INDEX "business_stock_movements_businessId_idx" ON business_stock_movements ("businessId");

CREATE TABLE supplier_products (
    "id" text NOT NULL,
    "productId" text NOT NULL,
    "supplierId" text NOT NULL,
    "supplierSku" text,
    "price" numeric(12,2) NOT NULL,
    "leadTime" interval,
    "minimumQuantity" integer,
    "isPreferred" boolean NOT NULL DEFAULT false,
    "createdAt" timestamp(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "updatedAt" timestamp(3) NOT NULL,
    CONSTRAINT "supplier_products_pkey" PRIMARY KEY ("id"),
    CONSTRAINT "supplier_products_supplierId_productId_key" UNIQUE ("supplierId", "productId")
);

CREATE TABLE business_suppliers (
    "id" text NOT NULL,
    "businessId" text,
    "businessType" text NOT NULL,
    "supplierNumber" text NOT NULL,
    "name" text NOT NULL,
    "contactPerson" text,
    "email" text,
    "phone" text,
    "address" text,
    "paymentTerms" jsonb,
    "rating" smallint,
    "isActive" boolean NOT NULL DEFAULT true,
    "createdAt" timestamp(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "updatedAt" timestamp(3) NOT NULL,
    CONSTRAINT "business_suppliers_pkey" PRIMARY KEY ("id"),
    CONSTRAINT "business_suppliers_businessType_supplierNumber_key" UNIQUE ("businessType", "supplierNumber"),
    CONSTRAINT "business_suppliers_rating_check" CHECK ("rating" BETWEEN 1 AND 5)
);

CREATE INDEX "business_suppliers_businessId_idx" ON business_suppliers ("businessId");

CREATE TABLE inventory_subcategories (
    "id" text NOT NULL,
    "categoryId" text NOT NULL,
    "createdBy" text,
    "name" text NOT NULL,
    "emoji" text,
    "description" text,
    "displayOrder" integer NOT NULL DEFAULT 0,
    "createdAt" timestamp(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    CONSTRAINT "inventory_subcategories_pkey" PRIMARY KEY ("id"),
    CONSTRAINT "inventory_subcategories_categoryId_name_key" UNIQUE ("categoryId", "name")
);

CREATE TABLE sku_sequences (
    "id" text NOT NULL,
    "businessId" text NOT NULL,
    "prefix" text NOT NULL,
    "currentSequence" integer NOT NULL DEFAULT 0,
    "createdAt" timestamp(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "updatedAt" timestamp(3) NOT NULL,
    CONSTRAINT "sku_sequences_pkey" PRIMARY KEY ("id"),
    CONSTRAINT "sku_sequences_businessId_prefix_key" UNIQUE ("businessId", "prefix")
);

CREATE TABLE product_price_changes (
    "id" text NOT NULL,
    "barcodeJobId" text,
    "changedBy" text,
    "productId" text NOT NULL,
    "oldPrice" numeric(12,2) NOT NULL,
    "newPrice" numeric(12,2) NOT NULL,
    "reason" text,
    "changedAt" timestamptz NOT NULL,
    CONSTRAINT "product_price_changes_pkey" PRIMARY KEY ("id")
);

CREATE INDEX "product_price_changes_productId_idx" ON product_price_changes ("productId");
