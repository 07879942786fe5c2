-- What the application's own writes set off, and a restore must not: a restored row keeps its values, and nothing is told.

CREATE FUNCTION "touch it"() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.small := 7;
    NEW.tiny := NULL;
    RETURN NEW;
END
$$;

CREATE FUNCTION tell() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO "Odd schema".keyless (number, text) VALUES (-1, TG_OP || ' ' || TG_TABLE_NAME);
    RETURN NULL;
END
$$;

CREATE TRIGGER "touch it" BEFORE INSERT OR UPDATE ON numbers FOR EACH ROW EXECUTE FUNCTION "touch it"();
CREATE TRIGGER tell AFTER INSERT OR UPDATE OR DELETE ON texts FOR EACH ROW EXECUTE FUNCTION tell();
CREATE TRIGGER tell_once AFTER INSERT OR UPDATE OR DELETE ON counters FOR EACH STATEMENT EXECUTE FUNCTION tell();
