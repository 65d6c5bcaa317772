-- The table that an app fills in its own transaction; Waybill reads it. MariaDB 10.6 or later, MySQL 8.0.13 or later.
-- One row is one insert, update or delete of one record. fields is the whole record after it, as a JSON object.
-- taken: 0 waits, 1 is safe in Waybill (may be deleted), 2 was set aside: correct the row, then set taken to 0.
CREATE TABLE waybill_outbox (
  position bigint NOT NULL AUTO_INCREMENT PRIMARY KEY,
  change_id varchar(200) NOT NULL UNIQUE,
  model varchar(200) NOT NULL,
  action varchar(6) NOT NULL,
  pk varchar(200) NOT NULL,
  natural_key mediumtext NOT NULL DEFAULT ('[]'),
  fields mediumtext NOT NULL DEFAULT ('{}'),
  base mediumtext NOT NULL DEFAULT ('[]'),
  made_by varchar(200) NOT NULL DEFAULT '',
  recorded_at varchar(40) NOT NULL,
  reason varchar(1000),
  site varchar(200),
  app_version varchar(200),
  taken smallint NOT NULL DEFAULT 0,
  KEY waybill_outbox_waiting (taken, position),
  KEY waybill_outbox_set_aside (taken, model, pk)
) ENGINE = InnoDB ROW_FORMAT = DYNAMIC DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;
