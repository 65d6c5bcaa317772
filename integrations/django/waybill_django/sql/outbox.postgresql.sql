-- The table that an app fills in its own transaction; Waybill reads it. PostgreSQL 13 or later.
-- One row is one insert, update or delete of one record. fields is the whole record after it, as a JSON object.
-- taken: 0 waits, 1 is safe in Waybill (may be deleted), 2 was set aside: correct the row, then set taken to 0.
CREATE SEQUENCE waybill_outbox_position;
CREATE TABLE waybill_outbox (
  position bigint PRIMARY KEY,
  change_id varchar(200) NOT NULL UNIQUE,
  model varchar(200) NOT NULL,
  action varchar(6) NOT NULL,
  pk varchar(200) NOT NULL,
  natural_key text NOT NULL DEFAULT '[]',
  fields text NOT NULL DEFAULT '{}',
  base text NOT NULL DEFAULT '[]',
  made_by varchar(200) NOT NULL DEFAULT '',
  recorded_at varchar(40) NOT NULL,
  reason varchar(1000),
  site varchar(200),
  app_version varchar(200),
  taken smallint NOT NULL DEFAULT 0,
  txid xid8 NOT NULL DEFAULT pg_current_xact_id()
);
ALTER SEQUENCE waybill_outbox_position OWNED BY waybill_outbox.position;
CREATE INDEX waybill_outbox_waiting ON waybill_outbox (position) WHERE taken = 0;
CREATE INDEX waybill_outbox_set_aside ON waybill_outbox (model, pk) WHERE taken = 2;
-- An open transaction shows in pg_locks which records it changes, and nobody waits for these locks: they are shared.
-- Of one transaction 64 records are told apart; the rest share 256 locks, so that a large one does not use up all there are.
-- The position comes after the lock: whoever sees a row sees the lock of every open transaction with a lower one of that record.
CREATE FUNCTION waybill_outbox_place() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
  record integer := hashtext(NEW.model || ' ' || NEW.pk);
  held integer := coalesce(nullif(current_setting('waybill.held', true), ''), '0')::integer;
BEGIN
  IF held < 64 THEN
    PERFORM pg_advisory_xact_lock_shared(1466006882, record);
    PERFORM set_config('waybill.held', (held + 1)::text, true);
  ELSE
    PERFORM pg_advisory_xact_lock_shared(1466006883, record & 255);
  END IF;
  NEW.position := nextval('waybill_outbox_position');
  RETURN NEW;
END
$$;
CREATE TRIGGER waybill_outbox_place BEFORE INSERT ON waybill_outbox FOR EACH ROW EXECUTE FUNCTION waybill_outbox_place();
