-- business: barcodes

CREATE TABLE network_printers (
    "id" text NOT NULL,
    "printerId" text NOT NULL,
    "printerName" text NOT NULL,
    "printerType" text NOT NULL,
    "nodeId" text NOT NULL,
    "ipAddress" text,
    "port" integer,
    "capabilities" jsonb,
    "isShareable" boolean NOT NULL DEFAULT false,
    "isOnline" boolean NOT NULL DEFAULT true,
    "lastSeen" timestamp(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "createdAt" timestamp(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "updatedAt" timestamp(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "receiptWidth" integer DEFAULT 48,
    CONSTRAINT "network_printers_pkey" PRIMARY KEY ("id"),
    CONSTRAINT "network_printers_printerId_key" UNIQUE ("printerId")
);

CREATE TABLE barcode_templates (
    "id" text NOT NULL,
    "barcodeValue" text NOT NULL,
    "type" text NOT NULL,
    "description" text NOT NULL,
    "extraInfo" jsonb,
    "symbology" text NOT NULL DEFAULT 'CODE128',
    "dpi" integer NOT NULL DEFAULT 300,
    "quietZone" integer NOT NULL DEFAULT 10,
    "paperSize" text NOT NULL DEFAULT 'A6',
    "orientation" text NOT NULL DEFAULT 'portrait',
    "layoutTemplate" jsonb NOT NULL,
    "businessId" text NOT NULL,
    "createdAt" timestamp(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "updatedBy" text,
    "updatedAt" timestamp(3) NOT NULL,
    "name" varchar(255) NOT NULL,
    "width" smallint,
    "height" smallint,
    "margin" smallint,
    "displayValue" boolean DEFAULT true,
    "fontSize" smallint,
    "backgroundColor" text,
    "lineColor" text,
    "createdById" text NOT NULL,
    "department_name" varchar(100),
    "brand_name" varchar(100),
    "category_name" varchar(100),
    "sku" text,
    "batchId" text,
    "defaultPrice" numeric(10,2),
    "productName" text,
    "defaultColor" text,
    "defaultSize" text,
    CONSTRAINT "barcode_templates_pkey" PRIMARY KEY ("id"),
    CONSTRAINT "barcode_templates_barcodeValue_key" UNIQUE ("barcodeValue"),
    CONSTRAINT "barcode_templates_businessId_barcodeValue_key" UNIQUE ("businessId", "barcodeValue")
);

CREATE TABLE barcode_print_jobs (
    "id" text NOT NULL,
    "templateId" text NOT NULL,
    "requestedQuantity" integer NOT NULL,
    "printedQuantity" integer NOT NULL DEFAULT 0,
    "status" "BarcodePrintJobStatus" NOT NULL DEFAULT 'QUEUED'::"BarcodePrintJobStatus",
    "printerId" text,
    "printSettings" jsonb NOT NULL,
    "printedAt" timestamp(3),
    "userNotes" text,
    "businessId" text NOT NULL,
    "createdAt" timestamp(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "itemId" text,
    "itemType" text,
    "barcodeData" text,
    "itemName" text,
    "customData" jsonb,
    "errorMessage" text,
    "inventoryItemId" text,
    "createdById" text NOT NULL,
    CONSTRAINT "barcode_print_jobs_pkey" PRIMARY KEY ("id")
);

CREATE INDEX "barcode_print_jobs_businessId_idx" ON barcode_print_jobs ("businessId");

CREATE TABLE barcode_inventory_items (
    "id" text NOT NULL,
    "name" text NOT NULL,
    "sku" text,
    "category" text,
    "barcodeTemplateId" text NOT NULL,
    "location" text,
    "stockQuantity" integer NOT NULL DEFAULT 0,
    "businessId" text NOT NULL,
    "inventoryItemId" text NOT NULL,
    "barcodeData" text,
    "customLabel" text,
    "batchNumber" text,
    "expiryDate" timestamp(3),
    "quantity" integer NOT NULL DEFAULT 1,
    "isActive" boolean NOT NULL DEFAULT true,
    "createdById" text NOT NULL,
    "createdAt" timestamp(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "updatedAt" timestamp(3) NOT NULL,
    CONSTRAINT "barcode_inventory_items_pkey" PRIMARY KEY ("id")
);

CREATE INDEX "barcode_inventory_items_businessId_idx" ON barcode_inventory_items ("businessId");

CREATE TABLE print_jobs (
    "id" text NOT NULL,
    "printerId" text NOT NULL,
    "businessId" text NOT NULL,
    "businessType" text NOT NULL,
    "userId" text NOT NULL,
    "jobType" text NOT NULL,
    "jobData" jsonb NOT NULL,
    "status" text NOT NULL DEFAULT 'PENDING',
    "retryCount" integer NOT NULL DEFAULT 0,
    "errorMessage" text,
    "createdAt" timestamp(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "processedAt" timestamp(3),
    "updatedAt" timestamp(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    CONSTRAINT "print_jobs_pkey" PRIMARY KEY ("id")
);

CREATE INDEX "print_jobs_businessId_idx" ON print_jobs ("businessId");

CREATE INDEX "print_jobs_printerId_idx" ON print_jobs ("printerId");

CREATE INDEX "print_jobs_userId_idx" ON print_jobs ("userId");

CREATE TABLE reprint_logs (
    "id" text NOT NULL,
    "orderId" text NOT NULL,
    "businessId" text NOT NULL,
    "userId" text NOT NULL,
    "receiptNumber" text NOT NULL,
    "reprintedAt" timestamp(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "notes" text,
    CONSTRAINT "reprint_logs_pkey" PRIMARY KEY ("id")
);

CREATE INDEX "reprint_logs_businessId_idx" ON reprint_logs ("businessId");

CREATE INDEX "reprint_logs_orderId_idx" ON reprint_logs ("orderId");
