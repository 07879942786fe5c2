CREATE FOREIGN DATA WRAPPER "hard nothing";
CREATE SERVER "hard nowhere" FOREIGN DATA WRAPPER "hard nothing";
CREATE FOREIGN TABLE "Elsewhere" (id integer, note text) SERVER "hard nowhere";
