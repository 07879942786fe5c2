-- Types of the application's own.

CREATE TYPE "Mood" AS ENUM ('sad', 'ok', 'very happy', 'it''s, "complicated"', '');
CREATE TYPE size AS ENUM ('small', 'large');
CREATE TYPE "Place" AS (x integer, "y z" text, seen timestamptz, mood "Mood");
CREATE TYPE box_of AS (label char(4), places "Place"[]);
CREATE TYPE span AS RANGE (SUBTYPE = float8, MULTIRANGE_TYPE_NAME = spans);

CREATE DOMAIN amount AS numeric;
CREATE DOMAIN "Code" AS text CHECK (VALUE ~ '^[A-Z]{2,}') NOT NULL;
CREATE DOMAIN price AS amount CHECK (VALUE > 0) DEFAULT 1.50;
CREATE DOMAIN moods AS "Mood"[];
