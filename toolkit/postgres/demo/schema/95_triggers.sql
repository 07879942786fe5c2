-- What the application's own writes set off, and a restore must not: a row restored with its "updatedAt" keeps it, and
-- an order restored is not an order placed.

CREATE FUNCTION touch_updated_at() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW."updatedAt" := clock_timestamp() AT TIME ZONE 'UTC';
    RETURN NEW;
END
$$;

CREATE FUNCTION log_placed_order() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO public.audit_logs ("id", "businessId", "action", "entityType", "entityId")
    VALUES (gen_random_uuid()::text, NEW."businessId", 'CREATE', 'business_orders', NEW."id");
    RETURN NULL;
END
$$;

CREATE TRIGGER touch_updated_at BEFORE UPDATE ON businesses FOR EACH ROW EXECUTE FUNCTION touch_updated_at();
CREATE TRIGGER touch_updated_at BEFORE UPDATE ON users FOR EACH ROW EXECUTE FUNCTION touch_updated_at();
CREATE TRIGGER touch_updated_at BEFORE UPDATE ON business_products FOR EACH ROW EXECUTE FUNCTION touch_updated_at();
CREATE TRIGGER touch_updated_at BEFORE UPDATE ON business_customers FOR EACH ROW EXECUTE FUNCTION touch_updated_at();
CREATE TRIGGER touch_updated_at BEFORE UPDATE ON business_orders FOR EACH ROW EXECUTE FUNCTION touch_updated_at();
CREATE TRIGGER touch_updated_at BEFORE UPDATE ON employees FOR EACH ROW EXECUTE FUNCTION touch_updated_at();
CREATE TRIGGER touch_updated_at BEFORE UPDATE ON payroll_entries FOR EACH ROW EXECUTE FUNCTION touch_updated_at();
CREATE TRIGGER touch_updated_at BEFORE UPDATE ON network_printers FOR EACH ROW EXECUTE FUNCTION touch_updated_at();
CREATE TRIGGER touch_updated_at BEFORE UPDATE ON system_settings FOR EACH ROW EXECUTE FUNCTION touch_updated_at();

CREATE TRIGGER log_placed_order AFTER INSERT ON business_orders FOR EACH ROW EXECUTE FUNCTION log_placed_order();
