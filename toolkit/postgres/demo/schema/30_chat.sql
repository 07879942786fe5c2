-- transient: chat

CREATE TABLE chat_rooms (
    "id" text NOT NULL,
    "createdBy" text,
    "name" text NOT NULL,
    "type" text NOT NULL,
    "isActive" boolean NOT NULL DEFAULT true,
    "createdAt" timestamp(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "updatedAt" timestamp(3) NOT NULL,
    CONSTRAINT "chat_rooms_pkey" PRIMARY KEY ("id")
);

CREATE TABLE chat_messages (
    "id" text NOT NULL,
    "roomId" text,
    "userId" text,
    "message" text NOT NULL,
    "type" text,
    "editedAt" timestamptz,
    "attachments" jsonb,
    "createdAt" timestamp(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    CONSTRAINT "chat_messages_pkey" PRIMARY KEY ("id")
);

CREATE INDEX "chat_messages_roomId_idx" ON chat_messages ("roomId");

CREATE TABLE chat_participants (
    "id" text NOT NULL,
    "roomId" text,
    "userId" text,
    "joinedAt" timestamptz NOT NULL,
    "lastReadAt" timestamptz,
    "isActive" boolean NOT NULL DEFAULT true,
    CONSTRAINT "chat_participants_pkey" PRIMARY KEY ("id")
);

CREATE INDEX "chat_participants_roomId_idx" ON chat_participants ("roomId");
