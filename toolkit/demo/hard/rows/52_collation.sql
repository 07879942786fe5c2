INSERT INTO logins VALUES ('Zoë', 'Z'), ('alice', 'A'), ('Bob', 'B'), ('ÉMILE', 'E'), ('émil', 'e'), ('_x', 'X');
INSERT INTO login_times VALUES (1, 'ALICE'), (2, 'alice'), (3, 'bob'), (4, 'émile'), (5, NULL);
