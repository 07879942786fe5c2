-- device: sync

CREATE TABLE sync_sessions (
    "id" text NOT NULL,
    "sessionId" text NOT NULL,
    "sourceNodeId" text NOT NULL,
    "targetNodeId" text,
    "status" "SyncState" NOT NULL,
    "eventsExchanged" integer NOT NULL DEFAULT 0,
    "startedAt" timestamptz NOT NULL,
    "endedAt" timestamptz,
    "metadata" jsonb,
    CONSTRAINT "sync_sessions_pkey" PRIMARY KEY ("id"),
    CONSTRAINT "sync_sessions_sessionId_key" UNIQUE ("sessionId")
);

CREATE TABLE full_sync_sessions (
    "id" text NOT NULL,
    "sessionId" text NOT NULL,
    "direction" text NOT NULL,
    "status" "SyncState" NOT NULL,
    "progress" numeric(5,2) NOT NULL DEFAULT 0,
    "transferredBytes" bigint NOT NULL DEFAULT 0,
    "startedAt" timestamptz NOT NULL,
    "completedAt" timestamptz,
    CONSTRAINT "full_sync_sessions_pkey" PRIMARY KEY ("id"),
    CONSTRAINT "full_sync_sessions_sessionId_key" UNIQUE ("sessionId")
);

CREATE TABLE sync_nodes (
    "id" text NOT NULL,
    "nodeId" text NOT NULL,
    "nodeName" text NOT NULL,
    "isLocal" boolean NOT NULL DEFAULT false,
    "ipAddress" inet,
    "port" integer,
    "capabilities" text[],
    "isActive" boolean NOT NULL DEFAULT true,
    "lastSeen" timestamptz,
    "createdAt" timestamp(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "updatedAt" timestamp(3) NOT NULL,
    CONSTRAINT "sync_nodes_pkey" PRIMARY KEY ("id"),
    CONSTRAINT "sync_nodes_nodeId_key" UNIQUE ("nodeId")
);

CREATE TABLE sync_metrics (
    "id" text NOT NULL,
    "nodeId" text NOT NULL,
    "metricDate" date NOT NULL,
    "eventsProcessed" bigint NOT NULL DEFAULT 0,
    "averageLatency" double precision,
    "conflicts" integer NOT NULL DEFAULT 0,
    "errors" jsonb,
    CONSTRAINT "sync_metrics_pkey" PRIMARY KEY ("id"),
    CONSTRAINT "sync_metrics_nodeId_metricDate_key" UNIQUE ("nodeId", "metricDate")
);

CREATE TABLE node_states (
    "id" text NOT NULL,
    "nodeId" text NOT NULL,
    "state" "SyncState" NOT NULL,
    "lastEventId" text,
    "vectorClock" jsonb NOT NULL DEFAULT '{}',
    "lastHeartbeat" timestamptz,
    "updatedAt" timestamp(3) NOT NULL,
    CONSTRAINT "node_states_pkey" PRIMARY KEY ("id"),
    CONSTRAINT "node_states_nodeId_key" UNIQUE ("nodeId")
);

CREATE TABLE sync_events (
    "eventId" text NOT NULL,
    "sourceNodeId" text NOT NULL,
    "tableName" text NOT NULL,
    "recordId" text NOT NULL,
    "operation" text NOT NULL,
    "changeData" jsonb,
    "lamportClock" bigint NOT NULL,
    "checksum" text,
    "processed" boolean NOT NULL DEFAULT false,
    "occurredAt" timestamptz NOT NULL,
    CONSTRAINT "sync_events_pkey" PRIMARY KEY ("eventId")
);

CREATE TABLE sync_configurations (
    "id" text NOT NULL,
    "nodeId" text NOT NULL,
    "syncInterval" interval NOT NULL DEFAULT '30 seconds',
    "syncEnabled" boolean NOT NULL DEFAULT true,
    "conflictStrategy" text NOT NULL,
    "excludedTables" text[],
    "updatedAt" timestamp(3) NOT NULL,
    CONSTRAINT "sync_configurations_pkey" PRIMARY KEY ("id"),
    CONSTRAINT "sync_configurations_nodeId_key" UNIQUE ("nodeId")
);

CREATE TABLE offline_queue (
    "id" text NOT NULL,
    "operation" text NOT NULL,
    "tableName" text NOT NULL,
    "payload" jsonb NOT NULL,
    "priority" smallint NOT NULL DEFAULT 5,
    "attempts" integer NOT NULL DEFAULT 0,
    "nextAttemptAt" timestamptz,
    "createdAt" timestamp(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    CONSTRAINT "offline_queue_pkey" PRIMARY KEY ("id")
);
