INSERT INTO xml_documents VALUES
    (1, '<a b="1"><!-- c --><![CDATA[<&>]]></a>'),
    (2, 'two <b/> parts, a tab	and
a line'),
    (3, ''),
    (4, NULL),
    (5, '<?xml version="1.0" encoding="UTF-8"?><ä>日本</ä>');
