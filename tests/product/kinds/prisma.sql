-- As Prisma makes them: quoted names, text keys, enums, implicit tables between many and many.
CREATE TYPE "Role" AS ENUM ('OWNER', 'ADMIN', 'MEMBER');
CREATE TYPE "OrderStatus" AS ENUM ('OPEN', 'PAID');
CREATE TABLE "_prisma_migrations" (
    id varchar(36) PRIMARY KEY, checksum varchar(64) NOT NULL, finished_at timestamptz, migration_name varchar(255) NOT NULL,
    logs text, rolled_back_at timestamptz, started_at timestamptz NOT NULL DEFAULT now(), applied_steps_count integer NOT NULL DEFAULT 0
);
CREATE TABLE "Organization" (
    id text NOT NULL CONSTRAINT "Organization_pkey" PRIMARY KEY, name text NOT NULL, "isDemo" boolean NOT NULL DEFAULT false,
    "createdAt" timestamp(3) NOT NULL DEFAULT CURRENT_TIMESTAMP
);
CREATE TABLE "User" (id text NOT NULL PRIMARY KEY, email text NOT NULL, "updatedAt" timestamp(3) NOT NULL);
CREATE UNIQUE INDEX "User_email_key" ON "User" (email);
CREATE TABLE "Membership" (
    "organizationId" text NOT NULL, "userId" text NOT NULL, role "Role" NOT NULL DEFAULT 'MEMBER',
    CONSTRAINT "Membership_pkey" PRIMARY KEY ("organizationId", "userId"),
    CONSTRAINT "Membership_organizationId_fkey" FOREIGN KEY ("organizationId") REFERENCES "Organization" (id) ON DELETE RESTRICT ON UPDATE CASCADE,
    CONSTRAINT "Membership_userId_fkey" FOREIGN KEY ("userId") REFERENCES "User" (id) ON DELETE RESTRICT ON UPDATE CASCADE
);
CREATE TABLE "Product" (
    id text NOT NULL PRIMARY KEY, "organizationId" text NOT NULL, sku text, price decimal(65, 30) NOT NULL, tags text[],
    meta jsonb, CONSTRAINT "Product_organizationId_fkey" FOREIGN KEY ("organizationId") REFERENCES "Organization" (id) ON DELETE RESTRICT ON UPDATE CASCADE
);
CREATE UNIQUE INDEX "Product_organizationId_sku_key" ON "Product" ("organizationId", sku);
CREATE TABLE "Order" (
    id serial PRIMARY KEY, "organizationId" text NOT NULL, "placedById" text, status "OrderStatus" NOT NULL DEFAULT 'OPEN',
    CONSTRAINT "Order_organizationId_fkey" FOREIGN KEY ("organizationId") REFERENCES "Organization" (id) ON DELETE CASCADE ON UPDATE CASCADE,
    CONSTRAINT "Order_placedById_fkey" FOREIGN KEY ("placedById") REFERENCES "User" (id) ON DELETE SET NULL ON UPDATE CASCADE
);
CREATE TABLE "_OrderToProduct" ("A" integer NOT NULL, "B" text NOT NULL);
CREATE UNIQUE INDEX "_OrderToProduct_AB_unique" ON "_OrderToProduct" ("A", "B");
CREATE INDEX "_OrderToProduct_B_index" ON "_OrderToProduct" ("B");
ALTER TABLE "_OrderToProduct" ADD CONSTRAINT "_OrderToProduct_A_fkey" FOREIGN KEY ("A") REFERENCES "Order" (id) ON DELETE CASCADE ON UPDATE CASCADE;
ALTER TABLE "_OrderToProduct" ADD CONSTRAINT "_OrderToProduct_B_fkey" FOREIGN KEY ("B") REFERENCES "Product" (id) ON DELETE CASCADE ON UPDATE CASCADE;
INSERT INTO "_prisma_migrations" (id, checksum, migration_name, started_at) VALUES ('m1', 'c', '20260101_init', '2026-01-01Z');
-- ROWS
INSERT INTO "Organization" (id, name, "isDemo") VALUES ('ckorg1', 'One', false), ('ckorg2', 'Two', false), ('ckorg3', 'Three', true);
INSERT INTO "User" SELECT 'cku' || g, 'u' || g || '@x', '2026-01-01 00:00:00.123' FROM generate_series(1, 6) g;
INSERT INTO "Membership" SELECT 'ckorg' || 1 + g % 3, 'cku' || g, (ARRAY['OWNER', 'ADMIN', 'MEMBER'])[1 + g % 3]::"Role" FROM generate_series(1, 6) g;
INSERT INTO "Product" SELECT 'ckp' || g, 'ckorg' || 1 + g % 3, NULLIF('s' || g, 's4'), g / 3.0, ARRAY['x,y', '{z}'], '{"k": "v"}' FROM generate_series(1, 9) g;
INSERT INTO "Order" ("organizationId", "placedById") SELECT 'ckorg' || 1 + g % 3, 'cku' || 1 + g % 6 FROM generate_series(1, 9) g;
INSERT INTO "_OrderToProduct" SELECT g, 'ckp' || g FROM generate_series(1, 9) g;
-- DAMAGE
UPDATE "Order" SET status = 'PAID';
DELETE FROM "_OrderToProduct" WHERE "A" < 5;
UPDATE "Product" SET sku = 'z' || id, price = 0;
DELETE FROM "Membership" WHERE "userId" = 'cku3';
INSERT INTO "Order" ("organizationId") VALUES ('ckorg1'), ('ckorg2');
