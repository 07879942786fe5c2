-- device: network

CREATE TABLE network_partitions (
    "id" text NOT NULL,
    "nodeId" text NOT NULL,
    "partitionType" text NOT NULL,
    "startTime" timestamp(3) NOT NULL,
    "detectedAt" timestamp(3) NOT NULL,
    "isResolved" boolean NOT NULL DEFAULT false,
    "endTime" timestamp(3),
    "partitionMetadata" jsonb,
    "resolutionMetadata" jsonb,
    "createdAt" timestamp(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    CONSTRAINT "network_partitions_pkey" PRIMARY KEY ("id")
);
