-- What the server's records show, in order: a row each time that has changed. Waybill writes, the app takes (applied, error).
CREATE TABLE IF NOT EXISTS waybill_inbox (
  position bigint NOT NULL AUTO_INCREMENT PRIMARY KEY,
  `cursor` varchar(80) NOT NULL UNIQUE,
  model varchar(200) NOT NULL,
  pk varchar(200) NOT NULL,
  state varchar(8) NOT NULL CHECK (state IN ('present', 'deleted', 'merged')),
  merged_into varchar(200) NULL,
  natural_key longtext NOT NULL,
  fields longtext NOT NULL,
  change_id varchar(200) NULL,
  digest char(64) NULL,
  producer varchar(32) NULL,
  batch char(64) NULL,
  made_by varchar(200) NULL,
  recorded_at varchar(40) NULL,
  conflict smallint NOT NULL DEFAULT 0,
  applied smallint NOT NULL DEFAULT 0,
  error longtext NULL,
  INDEX waybill_inbox_record (model, pk, position),
  -- Finding what waits costs the same however much was applied.
  INDEX waybill_inbox_waiting (applied, position)
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- How far the server has written: in the transaction of the rows, so that each comes exactly once.
CREATE TABLE IF NOT EXISTS waybill_position (
  name varchar(100) PRIMARY KEY,
  `cursor` varchar(80) NOT NULL
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;
