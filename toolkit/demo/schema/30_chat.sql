-- transient: chat

CREATE TABLE chat_rooms (
    "id" text NOT NULL,
    "name" text NOT NULL,
    "type" text NOT NULL DEFAULT 'group',
    "createdAt" timestamp(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "createdBy" text,
    CONSTRAINT "chat_rooms_pkey" PRIMARY KEY ("id")
);

CREATE TABLE chat_messages (
    "id" text NOT NULL,
    "message" text NOT NULL,
    "createdAt" timestamp(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "roomId" text,
    "userId" text,
    CONSTRAINT "chat_messages_pkey" PRIMARY KEY ("id")
);

CREATE INDEX "chat_messages_roomId_idx" ON chat_messages ("roomId");

CREATE TABLE chat_participants (
    "id" text NOT NULL,
    "joinedAt" timestamp(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "roomId" text,
    "userId" text,
    CONSTRAINT "chat_participants_pkey" PRIMARY KEY ("id")
);

CREATE INDEX "chat_participants_roomId_idx" ON chat_participants ("roomId");
