-- business: barcodes

CREATE TABLE network_printers (
    "id" text NOT NULL,
    "nodeId" text NOT NULL,
    "printerId" text NOT NULL,
    "printerName" text NOT NULL,
    "ipAddress" inet,
    "port" integer,
    "capabilities" text[],
    "isOnline" boolean NOT NULL DEFAULT false,
    "lastSeen" timestamptz,
    "createdAt" timestamp(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "updatedAt" timestamp(3) NOT NULL,
    CONSTRAINT "network_printers_pkey" PRIMARY KEY ("id"),
    CONSTRAINT "network_printers_printerId_key" UNIQUE ("printerId")
);

CREATE TABLE barcode_templates (
    "id" text NOT NULL,
    "businessId" text NOT NULL,
    "createdById" text NOT NULL,
    "name" text NOT NULL,
    "barcodeValue" text NOT NULL,
    "symbology" "BarcodeSymbology" NOT NULL,
    "width" real,
    "height" real,
    "displayValue" boolean NOT NULL DEFAULT true,
    "layout" jsonb,
    "createdAt" timestamp(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "updatedAt" timestamp(3) NOT NULL,
    CONSTRAINT "barcode_templates_pkey" PRIMARY KEY ("id"),
    CONSTRAINT "barcode_templates_barcodeValue_key" UNIQUE ("barcodeValue"),
    CONSTRAINT "barcode_templates_businessId_barcodeValue_key" UNIQUE ("businessId", "barcodeValue")
);

CREATE TABLE barcode_print_jobs (
    "id" text NOT NULL,
    "businessId" text NOT NULL,
    "createdById" text NOT NULL,
    "inventoryItemId" text,
    "printerId" text,
    "templateId" text NOT NULL,
    "status" "PrintJobStatus" NOT NULL,
    "quantity" integer NOT NULL,
    "printSettings" jsonb,
    "errorMessage" text,
    "printedAt" timestamptz,
    "createdAt" timestamp(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    CONSTRAINT "barcode_print_jobs_pkey" PRIMARY KEY ("id")
);

CREATE INDEX "barcode_print_jobs_businessId_idx" ON barcode_print_jobs ("businessId");

CREATE TABLE barcode_inventory_items (
    "id" text NOT NULL,
    "barcodeTemplateId" text NOT NULL,
    "businessId" text NOT NULL,
    "createdById" text NOT NULL,
    "itemName" text NOT NULL,
    "quantity" integer NOT NULL DEFAULT 0,
    "customLabel" text,
    "price" numeric(12,2),
    "createdAt" timestamp(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "updatedAt" timestamp(3) NOT NULL,
    CONSTRAINT "barcode_inventory_items_pkey" PRIMARY KEY ("id")
);

CREATE INDEX "barcode_inventory_items_businessId_idx" ON barcode_inventory_items ("businessId");

CREATE TABLE print_jobs (
    "id" text NOT NULL,
    "businessId" text NOT NULL,
    "printerId" text NOT NULL,
    "userId" text NOT NULL,
    "jobType" text NOT NULL,
    "status" "PrintJobStatus" NOT NULL,
    "payload" bytea,
    "jobData" jsonb,
    "retryCount" smallint NOT NULL DEFAULT 0,
    "printedAt" timestamptz,
    "createdAt" timestamp(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    CONSTRAINT "print_jobs_pkey" PRIMARY KEY ("id")
);

CREATE INDEX "print_jobs_businessId_idx" ON print_jobs ("businessId");
CREATE INDEX "print_jobs_printerId_idx" ON print_jobs ("printerId");
CREATE INDEX "print_jobs_userId_idx" ON print_jobs ("userId");

CREATE TABLE reprint_logs (
    "id" text NOT NULL,
    "businessId" text NOT NULL,
    "orderId" text NOT NULL,
    "userId" text NOT NULL,
    "reason" text,
    "copies" smallint NOT NULL DEFAULT 1,
    "receiptNumber" text,
    "reprintedAt" timestamptz NOT NULL,
    CONSTRAINT "reprint_logs_pkey" PRIMARY KEY ("id")
);

CREATE INDEX "reprint_logs_businessId_idx" ON reprint_logs ("businessId");
CREATE INDEX "reprint_logs_orderId_idx" ON reprint_logs ("orderId");
