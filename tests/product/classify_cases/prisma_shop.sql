-- a shop of several channels in the style of Prisma: capitals in table names, camelCase columns, one shop's stock in all
create table "Shop" (id text primary key, name text not null, "isDemo" boolean not null default false);
create table "User" (id text primary key, email text not null unique, "defaultShopId" text references "Shop" on delete set null);
create table "ShopMember" ("userId" text not null references "User" on delete cascade,
    "shopId" text not null references "Shop" on delete cascade, role text, primary key ("userId", "shopId"));
create table "Channel" (id text primary key, "shopId" text not null references "Shop", slug text);
create table "Product" (id text primary key, "shopId" text not null references "Shop", "brandId" text);
create table "Brand" (id text primary key, name text not null unique);
alter table "Product" add foreign key ("brandId") references "Brand";
create table "ProductOnChannel" ("productId" text not null references "Product", "channelId" text not null references "Channel",
    primary key ("productId", "channelId"));
create table "Customer" (id text primary key, "shopId" text references "Shop", name text);
create table "Order" (id text primary key, "customerId" text references "Customer", "channelId" text references "Channel",
    "approvedById" text references "User");
create table "OrderLine" (id text primary key, "orderId" text references "Order", "productId" text references "Product");
create table "StockTransfer" (id text primary key, "fromShopId" text not null references "Shop", "toShopId" text not null references "Shop");
create table "Session" (id text primary key, "userId" text not null references "User" on delete cascade, "sessionToken" text unique);
create table "Job" (id text primary key, payload jsonb);
create table "Currency" (code text primary key, symbol text);
create table _prisma_migrations (id varchar(36) primary key, migration_name varchar(255) not null, finished_at timestamptz);
