-- The table that an app fills in its own transaction; Waybill reads it. SQLite 3.8 or later.
-- One row is one insert, update or delete of one record. fields is the whole record after it, as a JSON object.
-- taken: 0 waits, 1 is safe in Waybill (may be deleted), 2 was set aside: correct the row, then set taken to 0.
CREATE TABLE waybill_outbox (
  position integer PRIMARY KEY AUTOINCREMENT,
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
  taken smallint NOT NULL DEFAULT 0
);
CREATE INDEX waybill_outbox_waiting ON waybill_outbox (position) WHERE taken = 0;
CREATE INDEX waybill_outbox_set_aside ON waybill_outbox (model, pk) WHERE taken = 2;
