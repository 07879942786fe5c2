CREATE COLLATION "ignore case" (PROVIDER = icu, LOCALE = 'und-u-ks-level2', DETERMINISTIC = false);
CREATE TABLE logins (login text COLLATE "ignore case" PRIMARY KEY, name text);
CREATE TABLE login_times (id integer PRIMARY KEY, login text COLLATE "ignore case" REFERENCES logins);
