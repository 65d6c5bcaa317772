-- What the server's records show, in order: a row each time that has changed. Waybill writes, the app takes (applied, error).
CREATE TABLE IF NOT EXISTS waybill_inbox (
  position integer PRIMARY KEY AUTOINCREMENT,
  cursor varchar(80) NOT NULL UNIQUE,
  model varchar(200) NOT NULL,
  pk varchar(200) NOT NULL,
  state varchar(8) NOT NULL CHECK (state IN ('present', 'deleted', 'merged')),
  merged_into varchar(200) NULL,
  natural_key text NOT NULL,
  fields text NOT NULL,
  change_id varchar(200) NULL,
  digest char(64) NULL,
  producer varchar(32) NULL,
  batch char(64) NULL,
  made_by varchar(200) NULL,
  recorded_at varchar(40) NULL,
  conflict smallint NOT NULL DEFAULT 0,
  applied smallint NOT NULL DEFAULT 0,
  error text NULL
);

CREATE INDEX IF NOT EXISTS waybill_inbox_record ON waybill_inbox (model, pk, position);

-- Finding what waits costs the same however much was applied.
CREATE INDEX IF NOT EXISTS waybill_inbox_waiting ON waybill_inbox (position) WHERE applied = 0;

-- How far the server has written: in the transaction of the rows, so that each comes exactly once.
CREATE TABLE IF NOT EXISTS waybill_position (
  name varchar(100) PRIMARY KEY,
  cursor varchar(80) NOT NULL
);
