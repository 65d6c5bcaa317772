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
	`message` text
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
	`safe_through` integer DEFAULT 0 NOT NULL,
	`witnessed` integer DEFAULT 0 NOT NULL,
	`unsealed` integer DEFAULT 0 NOT NULL,
	`fork_at` integer,
	`dirty` integer DEFAULT 1 NOT NULL,
	`delivery` text,
	`gaps` text,
	PRIMARY KEY(`producer`, `chain`)
);
--> statement-breakpoint
CREATE INDEX `chains_dirty` ON `chains` (`dirty`);--> statement-breakpoint
CREATE TABLE `changes` (
	`position` integer PRIMARY KEY AUTOINCREMENT NOT NULL,
	`id_hash` integer NOT NULL,
	`digest` blob NOT NULL,
	`batch` integer NOT NULL,
	`number` integer NOT NULL
);
--> statement-breakpoint
CREATE INDEX `changes_by_id` ON `changes` (`id_hash`);--> statement-breakpoint
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
CREATE INDEX `hops_by_manifest` ON `hops` (`manifest_digest`,`hop`);