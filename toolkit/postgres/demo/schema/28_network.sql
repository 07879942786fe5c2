-- device: network

CREATE TABLE network_partitions (
    "id" text NOT NULL,
    "partitionType" text NOT NULL,
    "affectedNodes" text[] NOT NULL,
    "detectedAt" timestamptz NOT NULL,
    "resolvedAt" timestamptz,
    "duration" interval,
    "details" jsonb,
    CONSTRAINT "network_partitions_pkey" PRIMARY KEY ("id")
);
