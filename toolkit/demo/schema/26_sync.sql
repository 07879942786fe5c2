-- device: sync

CREATE TABLE sync_sessions (
    "id" text NOT NULL,
    "sessionId" text NOT NULL,
    "sourceNodeId" text NOT NULL,
    "targetNodeId" text,
    "startedAt" timestamp(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "endedAt" timestamp(3),
    "endTime" timestamp(3),
    "status" text NOT NULL DEFAULT 'PENDING',
    "errorMessage" text,
    "metadata" jsonb,
    "createdAt" timestamp(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    CONSTRAINT "sync_sessions_pkey" PRIMARY KEY ("id"),
    CONSTRAINT "sync_sessions_sessionId_key" UNIQUE ("sessionId")
);

CREATE TABLE full_sync_sessions (
    "id" text NOT NULL,
    "sessionId" text NOT NULL,
    "sourceNodeId" text NOT NULL,
    "targetNodeId" text NOT NULL,
    "tableName" text NOT NULL DEFAULT 'businesses',
    "totalRecords" integer NOT NULL DEFAULT 0,
    "processedRecords" integer NOT NULL DEFAULT 0,
    "status" text NOT NULL DEFAULT 'PENDING',
    "startedAt" timestamp(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "completedAt" timestamp(3),
    "errorMessage" text,
    "batchSize" integer NOT NULL DEFAULT 1000,
    "currentBatch" integer NOT NULL DEFAULT 0,
    "metadata" jsonb,
    "createdAt" timestamp(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "transferredRecords" integer NOT NULL DEFAULT 0,
    "transferredBytes" bigint NOT NULL DEFAULT 0,
    "progress" integer NOT NULL DEFAULT 0,
    "currentStep" text,
    "estimatedTimeRemaining" integer NOT NULL DEFAULT 0,
    "direction" text NOT NULL DEFAULT 'push',
    "method" text NOT NULL DEFAULT 'backup',
    "phase" text,
    "transferSpeed" float8,
    "estimatedCompletion" timestamp(3),
    CONSTRAINT "full_sync_sessions_pkey" PRIMARY KEY ("id"),
    CONSTRAINT "full_sync_sessions_sessionId_key" UNIQUE ("sessionId")
);

CREATE TABLE sync_nodes (
    "id" text NOT NULL,
    "nodeId" text NOT NULL,
    "nodeName" text NOT NULL,
    "ipAddress" text,
    "port" integer,
    "registrationKey" text,
    "publicKey" text,
    "isActive" boolean NOT NULL DEFAULT true,
    "lastSeen" timestamp(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "nodeVersion" text,
    "databaseVersion" text,
    "schemaVersion" text,
    "schemaHash" text,
    "migrationName" text,
    "schemaAppliedAt" timestamp(3),
    "schemaCompatible" boolean NOT NULL DEFAULT true,
    "platformInfo" jsonb,
    "capabilities" jsonb,
    "createdAt" timestamp(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "updatedAt" timestamp(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    CONSTRAINT "sync_nodes_pkey" PRIMARY KEY ("id"),
    CONSTRAINT "sync_nodes_nodeId_key" UNIQUE ("nodeId")
);

CREATE TABLE sync_metrics (
    "id" text NOT NULL,
    "nodeId" text NOT NULL,
    "metricDate" timestamp(3) NOT NULL,
    "eventsGenerated" integer NOT NULL DEFAULT 0,
    "eventsReceived" integer NOT NULL DEFAULT 0,
    "eventsProcessed" integer NOT NULL DEFAULT 0,
    "eventsFailed" integer NOT NULL DEFAULT 0,
    "conflictsDetected" integer NOT NULL DEFAULT 0,
    "conflictsResolved" integer NOT NULL DEFAULT 0,
    "syncLatencyMs" integer,
    "networkLatencyMs" integer,
    "dataTransferredBytes" bigint,
    "peersConnected" integer DEFAULT 0,
    "peersDiscovered" integer DEFAULT 0,
    "createdAt" timestamp(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    CONSTRAINT "sync_metrics_pkey" PRIMARY KEY ("id"),
    CONSTRAINT "sync_metrics_nodeId_metricDate_key" UNIQUE ("nodeId", "metricDate")
);

CREATE TABLE node_states (
    "id" text NOT NULL,
    "nodeId" text NOT NULL,
    "nodeName" text NOT NULL,
    "lastSeen" timestamp(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "isOnline" boolean NOT NULL DEFAULT false,
    "syncVersion" text NOT NULL,
    "metadata" jsonb,
    "createdAt" timestamp(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "updatedAt" timestamp(3) NOT NULL,
    CONSTRAINT "node_states_pkey" PRIMARY KEY ("id"),
    CONSTRAINT "node_states_nodeId_key" UNIQUE ("nodeId")
);

CREATE TABLE sync_events (
    "eventId" text NOT NULL,
    "sourceNodeId" text NOT NULL,
    "tableName" text NOT NULL,
    "recordId" text NOT NULL,
    "operation" "SyncOperation" NOT NULL,
    "changeData" jsonb NOT NULL,
    "beforeData" jsonb,
    "vectorClock" jsonb,
    "lamportClock" text,
    "checksum" text,
    "priority" integer NOT NULL DEFAULT 5,
    "metadata" jsonb,
    "processed" boolean NOT NULL DEFAULT false,
    "processedAt" timestamp(3),
    "processingError" text,
    "retryCount" integer NOT NULL DEFAULT 0,
    "createdAt" timestamp(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    CONSTRAINT "sync_events_pkey" PRIMARY KEY ("eventId")
);

CREATE TABLE sync_configurations (
    "id" text NOT NULL,
    "nodeId" text NOT NULL,
    "registrationKeyHash" text,
    "lastConfigUpdate" timestamp(3),
    "configMetadata" jsonb,
    "createdAt" timestamp(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    CONSTRAINT "sync_configurations_pkey" PRIMARY KEY ("id"),
    CONSTRAINT "sync_configurations_nodeId_key" UNIQUE ("nodeId")
);

CREATE TABLE offline_queue (
    "id" text NOT NULL,
    "nodeId" text NOT NULL,
    "eventId" text NOT NULL,
    "tableName" text NOT NULL,
    "recordId" text NOT NULL,
    "operation" text NOT NULL,
    "changeData" jsonb NOT NULL,
    "beforeData" jsonb,
    "queuedAt" timestamp(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "priority" integer NOT NULL DEFAULT 5,
    "retryCount" integer NOT NULL DEFAULT 0,
    "lastAttempt" timestamp(3),
    "errorMessage" text,
    "dependencies" jsonb,
    "isProcessed" boolean NOT NULL DEFAULT false,
    CONSTRAINT "offline_queue_pkey" PRIMARY KEY ("id")
);
