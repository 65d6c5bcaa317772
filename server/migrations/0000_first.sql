CREATE TABLE `backups` (
	`ordinal` integer PRIMARY KEY AUTOINCREMENT NOT NULL,
	`path` text NOT NULL,
	`at` text NOT NULL,
	`batches` integer NOT NULL
);
--> statement-breakpoint
CREATE TABLE `bad_lines` (
	`manifest_digest` text NOT NULL,
	`number` integer NOT NULL,
	`code` text NOT NULL,
	`message` text NOT NULL,
	PRIMARY KEY(`manifest_digest`, `number`)
);
--> statement-breakpoint
CREATE TABLE `batch_decisions` (
	`change` integer PRIMARY KEY NOT NULL,
	`decision` text NOT NULL,
	`batch` text NOT NULL,
	`through` text
);
--> statement-breakpoint
CREATE INDEX `batch_decisions_batch` ON `batch_decisions` (`batch`);--> statement-breakpoint
CREATE TABLE `batches` (
	`ordinal` integer PRIMARY KEY AUTOINCREMENT NOT NULL,
	`manifest_digest` text NOT NULL,
	`manifest` text NOT NULL,
	`producer` text NOT NULL,
	`chain` text NOT NULL,
	`seq` integer NOT NULL,
	`previous` text,
	`payload_digest` text NOT NULL,
	`payload_size` integer NOT NULL,
	`changes` integer NOT NULL,
	`custody` text NOT NULL,
	`ingested_at` text NOT NULL,
	`state` text NOT NULL,
	`code` text,
	`message` text,
	`branch` text
);
--> statement-breakpoint
CREATE UNIQUE INDEX `batches_manifest_digest_unique` ON `batches` (`manifest_digest`);--> statement-breakpoint
CREATE INDEX `batches_place` ON `batches` (`producer`,`chain`,`seq`,`state`);--> statement-breakpoint
CREATE INDEX `batches_state` ON `batches` (`state`,`ordinal`);--> statement-breakpoint
CREATE INDEX `batches_quota` ON `batches` (`producer`,`state`,`payload_size`);--> statement-breakpoint
CREATE TABLE `chains` (
	`producer` text NOT NULL,
	`chain` text NOT NULL,
	`through` integer DEFAULT 0 NOT NULL,
	`through_digest` text,
	`safe_through` integer DEFAULT 0 NOT NULL,
	`witnessed` integer DEFAULT 0 NOT NULL,
	`unsealed` integer DEFAULT 0 NOT NULL,
	`continues_chain` text,
	`continues_seq` integer,
	`settled_seq` integer DEFAULT 0 NOT NULL,
	`settled_number` integer DEFAULT 0 NOT NULL,
	`fork_at` integer,
	`dirty` integer DEFAULT 1 NOT NULL,
	`delivery` text,
	`gaps` text,
	PRIMARY KEY(`producer`, `chain`)
);
--> statement-breakpoint
CREATE INDEX `chains_dirty` ON `chains` (`dirty`);--> statement-breakpoint
CREATE TABLE `changes` (
	`position` integer PRIMARY KEY NOT NULL,
	`id_hash` integer NOT NULL,
	`digest` blob NOT NULL,
	`batch` integer NOT NULL,
	`number` integer NOT NULL,
	`record` integer NOT NULL,
	`action` text NOT NULL,
	`about` text
);
--> statement-breakpoint
CREATE INDEX `changes_by_id` ON `changes` (`id_hash`);--> statement-breakpoint
CREATE INDEX `changes_by_record` ON `changes` (`record`,`position`);--> statement-breakpoint
CREATE TABLE `codes` (
	`secret_digest` text PRIMARY KEY NOT NULL,
	`role` text NOT NULL,
	`name` text NOT NULL,
	`site` text,
	`expires_at` text NOT NULL,
	`device` text,
	`answer` text
);
--> statement-breakpoint
CREATE TABLE `credentials` (
	`kid` text PRIMARY KEY NOT NULL,
	`jws` text NOT NULL
);
--> statement-breakpoint
CREATE TABLE `facts` (
	`key` text PRIMARY KEY NOT NULL,
	`value` text NOT NULL
);
--> statement-breakpoint
CREATE TABLE `handover_signatures` (
	`digest` text PRIMARY KEY NOT NULL,
	`handover` text NOT NULL,
	`by` text NOT NULL,
	`jws` text NOT NULL
);
--> statement-breakpoint
CREATE INDEX `handover_signatures_by_handover` ON `handover_signatures` (`handover`);--> statement-breakpoint
CREATE TABLE `handovers` (
	`digest` text PRIMARY KEY NOT NULL,
	`id` text NOT NULL,
	`revision` integer NOT NULL,
	`giver` text NOT NULL,
	`taker` text NOT NULL,
	`tubes` integer NOT NULL,
	`content` text NOT NULL,
	`jws` text NOT NULL
);
--> statement-breakpoint
CREATE INDEX `handovers_by_id` ON `handovers` (`id`,`revision`);--> statement-breakpoint
CREATE TABLE `hops` (
	`digest` text PRIMARY KEY NOT NULL,
	`manifest_digest` text NOT NULL,
	`hop` integer NOT NULL,
	`prev` text NOT NULL,
	`by` text NOT NULL,
	`jws` text NOT NULL
);
--> statement-breakpoint
CREATE INDEX `hops_by_manifest` ON `hops` (`manifest_digest`,`hop`);--> statement-breakpoint
CREATE TABLE `meetings` (
	`device` text NOT NULL,
	`by` text NOT NULL,
	`at` text NOT NULL,
	`heard_at` text NOT NULL,
	`chain` text,
	`seq` integer NOT NULL,
	`unsealed` integer NOT NULL,
	PRIMARY KEY(`device`, `by`)
);
--> statement-breakpoint
CREATE TABLE `relinks` (
	`producer` text NOT NULL,
	`chain` text NOT NULL,
	`position` integer NOT NULL,
	PRIMARY KEY(`producer`, `chain`)
);
--> statement-breakpoint
CREATE TABLE `aside_changes` (
	`change` integer PRIMARY KEY NOT NULL,
	`state` text NOT NULL,
	`model` text NOT NULL,
	`code` text NOT NULL,
	`message` text NOT NULL
);
--> statement-breakpoint
CREATE INDEX `aside_changes_state` ON `aside_changes` (`state`,`change`);--> statement-breakpoint
CREATE INDEX `aside_changes_model` ON `aside_changes` (`state`,`model`,`change`);--> statement-breakpoint
CREATE TABLE `changes_by_day` (
	`producer` text NOT NULL,
	`model` text NOT NULL,
	`day` text NOT NULL,
	`changes` integer NOT NULL,
	PRIMARY KEY(`producer`, `model`, `day`)
);
--> statement-breakpoint
CREATE TABLE `counts` (
	`name` text PRIMARY KEY NOT NULL,
	`value` integer NOT NULL
);
--> statement-breakpoint
CREATE TABLE `duplicates` (
	`key` blob PRIMARY KEY NOT NULL,
	`model` text NOT NULL
);
--> statement-breakpoint
CREATE TABLE `freed` (
	`parent` blob PRIMARY KEY NOT NULL
);
--> statement-breakpoint
CREATE TABLE `heads` (
	`record` integer NOT NULL,
	`change` integer NOT NULL,
	`inserted` integer NOT NULL,
	PRIMARY KEY(`record`, `change`)
);
--> statement-breakpoint
CREATE TABLE `merges` (
	`change` integer PRIMARY KEY NOT NULL,
	`model` text NOT NULL,
	`pks` text NOT NULL
);
--> statement-breakpoint
CREATE TABLE `natural_keys` (
	`key` blob NOT NULL,
	`record` integer NOT NULL,
	`shows` integer DEFAULT 0 NOT NULL,
	PRIMARY KEY(`key`, `record`)
);
--> statement-breakpoint
CREATE TABLE `rechecks` (
	`record` integer PRIMARY KEY NOT NULL
);
--> statement-breakpoint
CREATE TABLE `records` (
	`ordinal` integer PRIMARY KEY NOT NULL,
	`model` text NOT NULL,
	`pk` text NOT NULL,
	`place_hash` integer NOT NULL,
	`canonical` integer,
	`shown` integer,
	`state` text DEFAULT 'none' NOT NULL,
	`known` integer DEFAULT 0 NOT NULL,
	`conflict` integer DEFAULT 0 NOT NULL,
	`loose` integer DEFAULT 0 NOT NULL
);
--> statement-breakpoint
CREATE INDEX `records_place` ON `records` (`place_hash`);--> statement-breakpoint
CREATE INDEX `records_of_decisions` ON `records` (`model`) WHERE model >= 'waybill.' AND model < 'waybill/';--> statement-breakpoint
CREATE INDEX `records_merged` ON `records` (`canonical`) WHERE canonical IS NOT NULL;--> statement-breakpoint
CREATE INDEX `records_conflict` ON `records` (`ordinal`) WHERE conflict = 1;--> statement-breakpoint
CREATE TABLE `repeats` (
	`change` integer NOT NULL,
	`batch` integer NOT NULL,
	`number` integer NOT NULL,
	PRIMARY KEY(`change`, `batch`, `number`)
);
--> statement-breakpoint
CREATE TABLE `rereads` (
	`id_hash` integer NOT NULL,
	`digest` blob NOT NULL,
	PRIMARY KEY(`id_hash`, `digest`)
);
--> statement-breakpoint
CREATE TABLE `states` (
	`position` integer PRIMARY KEY NOT NULL,
	`record` integer NOT NULL,
	`change` integer,
	`state` text NOT NULL,
	`conflict` integer NOT NULL,
	`canonical` integer
);
--> statement-breakpoint
CREATE TABLE `unrooted` (
	`producer` text NOT NULL,
	`chain` text NOT NULL,
	`record` integer NOT NULL,
	PRIMARY KEY(`producer`, `chain`, `record`)
);
--> statement-breakpoint
CREATE TABLE `waits` (
	`parent` blob NOT NULL,
	`change` integer NOT NULL,
	PRIMARY KEY(`parent`, `change`)
);
--> statement-breakpoint
CREATE INDEX `waits_by_change` ON `waits` (`change`);--> statement-breakpoint
CREATE TABLE `accounts` (
	`name` text PRIMARY KEY NOT NULL,
	`role` text NOT NULL,
	`password` text NOT NULL,
	`views` integer DEFAULT 0 NOT NULL,
	`created_at` text NOT NULL,
	`disabled_at` text
);
--> statement-breakpoint
CREATE TABLE `acts` (
	`position` integer PRIMARY KEY AUTOINCREMENT NOT NULL,
	`at` text NOT NULL,
	`who` text NOT NULL,
	`role` text NOT NULL,
	`act` text NOT NULL,
	`about` text NOT NULL,
	`old` text,
	`new` text,
	`reason` text
);
--> statement-breakpoint
CREATE INDEX `acts_about` ON `acts` (`about`,`position`);--> statement-breakpoint
CREATE TABLE `skip_days` (
	`day` text PRIMARY KEY NOT NULL,
	`reason` text NOT NULL
);
--> statement-breakpoint
CREATE TABLE `tokens` (
	`digest` text PRIMARY KEY NOT NULL,
	`name` text NOT NULL,
	`created_at` text NOT NULL,
	`revoked_at` text
);
--> statement-breakpoint
CREATE UNIQUE INDEX `tokens_name_unique` ON `tokens` (`name`);