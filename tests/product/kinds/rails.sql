-- As Rails makes them: bigserial keys, timestamps, polymorphic pairs, join tables without a key, migration tables.
CREATE TABLE schema_migrations (version character varying PRIMARY KEY);
CREATE TABLE ar_internal_metadata (
    key character varying PRIMARY KEY, value character varying,
    created_at timestamp(6) NOT NULL, updated_at timestamp(6) NOT NULL
);
CREATE TABLE accounts (
    id bigserial PRIMARY KEY, name character varying NOT NULL, subdomain character varying,
    settings jsonb DEFAULT '{}'::jsonb NOT NULL,
    created_at timestamp(6) DEFAULT CURRENT_TIMESTAMP NOT NULL
);
CREATE UNIQUE INDEX index_accounts_on_subdomain ON accounts (lower(subdomain::text));
CREATE TABLE users (
    id bigserial PRIMARY KEY, account_id bigint NOT NULL REFERENCES accounts ON DELETE CASCADE,
    email character varying DEFAULT '' NOT NULL, manager_id bigint, lock_version integer DEFAULT 0 NOT NULL,
    CONSTRAINT fk_rails_manager FOREIGN KEY (manager_id) REFERENCES users (id) ON DELETE SET NULL
);
CREATE UNIQUE INDEX index_users_on_account_id_and_email ON users (account_id, lower(email::text));
CREATE TABLE tags (id bigserial PRIMARY KEY, account_id bigint NOT NULL REFERENCES accounts, name character varying);
CREATE UNIQUE INDEX index_tags_live ON tags (account_id, name) WHERE name IS NOT NULL;
CREATE TABLE posts (
    id bigserial PRIMARY KEY, account_id bigint NOT NULL REFERENCES accounts,
    author_id bigint REFERENCES users (id), title character varying NOT NULL, status integer DEFAULT 0 NOT NULL,
    comments_count integer DEFAULT 0 NOT NULL, published_at timestamp(6),
    words character varying[] DEFAULT '{}' NOT NULL,
    CONSTRAINT chk_rails_status CHECK (status IN (0, 1, 2))
);
CREATE TABLE posts_tags (post_id bigint NOT NULL REFERENCES posts, tag_id bigint NOT NULL REFERENCES tags);
CREATE INDEX index_posts_tags_on_post_id_and_tag_id ON posts_tags (post_id, tag_id);
CREATE TABLE comments (
    id bigserial PRIMARY KEY, account_id bigint NOT NULL REFERENCES accounts,
    commentable_type character varying NOT NULL, commentable_id bigint NOT NULL, body text
);
CREATE TABLE active_storage_blobs (id bigserial PRIMARY KEY, account_id bigint REFERENCES accounts, data bytea, key text);
INSERT INTO schema_migrations VALUES ('20260101000001'), ('20260102000002');
INSERT INTO ar_internal_metadata VALUES ('environment', 'production', '2026-01-01', '2026-01-01');
-- ROWS
INSERT INTO accounts (name, subdomain, settings)
SELECT 'Account ' || g, 'Sub' || g, jsonb_build_object('n', g, 'ü', NULL) FROM generate_series(1, 3) g;
INSERT INTO users (account_id, email, manager_id)
SELECT 1 + g % 3, 'U' || g || '@x.example', CASE WHEN g > 3 THEN g - 3 END FROM generate_series(1, 12) g;
INSERT INTO tags (account_id, name) SELECT 1 + g % 3, 'tag' || g FROM generate_series(1, 6) g;
INSERT INTO posts (account_id, author_id, title, status, published_at, words)
SELECT 1 + g % 3, g, 'Title ' || g, g % 3, '2026-01-01 10:00:00.123456', ARRAY['a', 'b"c', NULL] FROM generate_series(1, 12) g;
INSERT INTO posts_tags SELECT g, 1 + (g - 1) % 3 FROM generate_series(1, 12) g;
INSERT INTO posts_tags SELECT 1, 1;
INSERT INTO comments (account_id, commentable_type, commentable_id, body)
SELECT 1 + g % 3, 'Post', g, E'line\nline\t\\.' FROM generate_series(1, 12) g;
INSERT INTO active_storage_blobs (account_id, data, key) SELECT 1 + g % 3, decode(md5(g::text), 'hex'), 'k' || g FROM generate_series(1, 6) g;
-- DAMAGE
DELETE FROM posts_tags WHERE post_id = 3;
UPDATE posts SET title = 'spoilt', status = 2;
UPDATE users SET email = 'x' || id;
DELETE FROM comments WHERE account_id = 1;
INSERT INTO tags (account_id, name) VALUES (1, 'new'), (2, 'new');
