-- business: products

CREATE TABLE business_products (
    "id" text NOT NULL,
    "businessId" text NOT NULL,
    "name" text NOT NULL,
    "description" text,
    "sku" text,
    "barcode" text,
    "brandId" text,
    "categoryId" text NOT NULL,
    "productType" "ProductType" NOT NULL DEFAULT 'PHYSICAL'::"ProductType",
    "condition" "ProductCondition" NOT NULL DEFAULT 'NEW'::"ProductCondition",
    "basePrice" numeric(10,2) NOT NULL,
    "costPrice" numeric(10,2),
    "isActive" boolean NOT NULL DEFAULT true,
    "businessType" text NOT NULL,
    "attributes" jsonb,
    "isAvailable" boolean NOT NULL DEFAULT true,
    "spiceLevel" integer DEFAULT 0,
    "dietaryRestrictions" text[],
    "allergens" text[],
    "preparationTime" integer DEFAULT 0,
    "calories" integer,
    "isCombo" boolean NOT NULL DEFAULT false,
    "comboItemsData" jsonb,
    "originalPrice" numeric(10,2),
    "discountPercent" numeric(5,2),
    "discountAmount" numeric(10,2),
    "promotionStartDate" timestamp(3),
    "promotionEndDate" timestamp(3),
    "promotionName" text,
    "createdAt" timestamp(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "updatedAt" timestamp(3) NOT NULL,
    "locationId" text,
    "subcategoryId" text,
    "supplierId" text,
    "requiresCompanionItem" boolean NOT NULL DEFAULT false,
    "createdFromTemplateId" text,
    "templateLinkedAt" timestamptz,
    CONSTRAINT "business_products_pkey" PRIMARY KEY ("id"),
    CONSTRAINT "business_products_businessId_sku_key" UNIQUE ("businessId", "sku")
);

CREATE TABLE product_variants (
    "id" text NOT NULL,
    "productId" text NOT NULL,
    "name" text,
    "sku" text NOT NULL,
    "barcode" text,
    "price" numeric(10,2),
    "stockQuantity" integer NOT NULL DEFAULT 0,
    "reorderLevel" integer NOT NULL DEFAULT 0,
    "isActive" boolean NOT NULL DEFAULT true,
    "attributes" jsonb,
    "isAvailable" boolean NOT NULL DEFAULT true,
    "originalPrice" numeric(10,2),
    "discountPercent" numeric(5,2),
    "discountAmount" numeric(10,2),
    "createdAt" timestamp(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "updatedAt" timestamp(3) NOT NULL,
    CONSTRAINT "product_variants_pkey" PRIMARY KEY ("id"),
    CONSTRAINT "product_variants_sku_key" UNIQUE ("sku")
);

CREATE TABLE product_barcodes (
    "id" text NOT NULL,
    "productId" text,
    "variantId" text,
    "code" text NOT NULL,
    "type" "BarcodeType" NOT NULL,
    "isPrimary" boolean NOT NULL DEFAULT false,
    "isUniversal" boolean NOT NULL DEFAULT false,
    "isActive" boolean NOT NULL DEFAULT true,
    "label" text,
    "notes" text,
    "businessId" text,
    "createdAt" timestamp(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "updatedAt" timestamp(3) NOT NULL,
    "source" varchar(50) DEFAULT 'MANUAL',
    "createdById" text,
    CONSTRAINT "product_barcodes_pkey" PRIMARY KEY ("id")
);

CREATE INDEX "product_barcodes_businessId_idx" ON product_barcodes ("businessId");

CREATE INDEX "product_barcodes_productId_idx" ON product_barcodes ("productId");

CREATE INDEX "product_barcodes_variantId_idx" ON product_barcodes ("variantId");

CREATE TABLE product_images (
    "id" text NOT NULL,
    "productId" text NOT NULL,
    "imageUrl" text NOT NULL,
    "altText" text,
    "isPrimary" boolean NOT NULL DEFAULT false,
    "sortOrder" integer NOT NULL DEFAULT 0,
    "imageSize" "ImageSize" NOT NULL DEFAULT 'MEDIUM'::"ImageSize",
    "businessType" text NOT NULL,
    "attributes" jsonb,
    "createdAt" timestamp(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "updatedAt" timestamp(3) NOT NULL,
    CONSTRAINT "product_images_pkey" PRIMARY KEY ("id")
);

CREATE TABLE product_attributes (
    "id" text NOT NULL,
    "productId" text NOT NULL,
    "key" text NOT NULL,
    "value" text NOT NULL,
    "dataType" "AttributeDataType" NOT NULL DEFAULT 'TEXT'::"AttributeDataType",
    "displayOrder" integer NOT NULL DEFAULT 0,
    "createdAt" timestamp(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    CONSTRAINT "product_attributes_pkey" PRIMARY KEY ("id"),
    CONSTRAINT "product_attributes_productId_key_key" UNIQUE ("productId", "key")
);

CREATE TABLE business_stock_movements (
    "id" text NOT NULL,
    "businessId" text NOT NULL,
    "productVariantId" text NOT NULL,
    "movementType" "StockMovementType" NOT NULL,
    "quantity" integer NOT NULL,
    "unitCost" numeric(10,2),
    "reference" text,
    "reason" text,
    "employeeId" text,
    "businessType" text NOT NULL,
    "attributes" jsonb,
    "createdAt" timestamp(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "businessProductId" text,
    CONSTRAINT "business_stock_movements_pkey" PRIMARY KEY ("id")
);

CREATE INDEX "business_stock_movements_businessId_idx" ON business_stock_movements ("businessId");

CREATE TABLE supplier_products (
    "id" text NOT NULL,
    "supplierId" text NOT NULL,
    "productId" text NOT NULL,
    "supplierSku" text,
    "supplierPrice" numeric(10,2) NOT NULL,
    "minimumOrder" integer NOT NULL DEFAULT 1,
    "leadTimeDays" integer NOT NULL DEFAULT 0,
    "isActive" boolean NOT NULL DEFAULT true,
    "attributes" jsonb,
    "createdAt" timestamp(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "updatedAt" timestamp(3) NOT NULL,
    CONSTRAINT "supplier_products_pkey" PRIMARY KEY ("id"),
    CONSTRAINT "supplier_products_supplierId_productId_key" UNIQUE ("supplierId", "productId")
);

CREATE TABLE business_suppliers (
    "id" text NOT NULL,
    "businessId" text,
    "supplierNumber" text NOT NULL,
    "name" text NOT NULL,
    "contactPerson" text,
    "email" text,
    "phone" text,
    "address" text,
    "paymentTerms" text,
    "creditLimit" numeric(12,2),
    "isActive" boolean NOT NULL DEFAULT true,
    "businessType" text NOT NULL,
    "attributes" jsonb,
    "createdAt" timestamp(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "updatedAt" timestamp(3) NOT NULL,
    "accountBalance" numeric(12,2) DEFAULT 0,
    "emoji" text,
    "notes" text,
    "taxId" text,
    "productsSupplied" text,
    CONSTRAINT "business_suppliers_pkey" PRIMARY KEY ("id"),
    CONSTRAINT "business_suppliers_businessType_supplierNumber_key" UNIQUE ("businessType", "supplierNumber")
);

CREATE INDEX "business_suppliers_businessId_idx" ON business_suppliers ("businessId");

CREATE TABLE inventory_subcategories (
    "id" text NOT NULL,
    "categoryId" text NOT NULL,
    "name" text NOT NULL,
    "emoji" text,
    "description" text,
    "isDefault" boolean NOT NULL DEFAULT false,
    "isUserCreated" boolean NOT NULL DEFAULT false,
    "displayOrder" integer NOT NULL DEFAULT 0,
    "createdAt" timestamp(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "createdBy" text,
    CONSTRAINT "inventory_subcategories_pkey" PRIMARY KEY ("id"),
    CONSTRAINT "inventory_subcategories_categoryId_name_key" UNIQUE ("categoryId", "name")
);

CREATE TABLE sku_sequences (
    "id" text NOT NULL DEFAULT (gen_random_uuid()),
    "businessId" text NOT NULL,
    "prefix" varchar(20) NOT NULL,
    "currentSequence" integer DEFAULT 0,
    "createdAt" timestamptz DEFAULT now(),
    "updatedAt" timestamptz DEFAULT now(),
    CONSTRAINT "sku_sequences_pkey" PRIMARY KEY ("id"),
    CONSTRAINT "sku_sequences_businessId_prefix_key" UNIQUE ("businessId", "prefix")
);

CREATE TABLE product_price_changes (
    "id" text NOT NULL DEFAULT (gen_random_uuid()),
    "productId" text NOT NULL,
    "variantId" text,
    "oldPrice" numeric(10,2),
    "newPrice" numeric(10,2) NOT NULL,
    "changedBy" text,
    "changedAt" timestamptz DEFAULT now(),
    "changeReason" varchar(100) DEFAULT 'MANUAL_EDIT',
    "barcodeJobId" text,
    "notes" text,
    CONSTRAINT "product_price_changes_pkey" PRIMARY KEY ("id")
);

CREATE INDEX "product_price_changes_productId_idx" ON product_price_changes ("productId");
