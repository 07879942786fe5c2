CREATE TABLE xml_documents (id integer PRIMARY KEY, document xml);
