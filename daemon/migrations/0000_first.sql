CREATE TABLE `batches` (
	`position` integer PRIMARY KEY AUTOINCREMENT NOT NULL,
	`chain` text NOT NULL,
	`seq` integer NOT NULL,
	`manifest_digest` text NOT NULL,
	`manifest` text NOT NULL,
	`payload_digest` text NOT NULL,
	`payload_size` integer NOT NULL,
	`changes` integer NOT NULL,
	`sealed_at` text NOT NULL,
	`carried` integer DEFAULT 0 NOT NULL,
	`delivered` integer DEFAULT 0 NOT NULL,
	`safe` integer DEFAULT 0 NOT NULL,
	`safe_at_minute` integer,
	`pruned` integer DEFAULT 0 NOT NULL
);
--> statement-breakpoint
CREATE UNIQUE INDEX `batches_manifest_digest_unique` ON `batches` (`manifest_digest`);--> statement-breakpoint
CREATE UNIQUE INDEX `batches_place` ON `batches` (`chain`,`seq`);--> statement-breakpoint
CREATE INDEX `batches_pending` ON `batches` (`delivered`,`carried`,`position`);--> statement-breakpoint
CREATE INDEX `batches_by_payload` ON `batches` (`payload_digest`);--> statement-breakpoint
CREATE INDEX `batches_prunable` ON `batches` (`pruned`,`safe`,`safe_at_minute`);--> statement-breakpoint
CREATE TABLE `chains` (
	`ordinal` integer PRIMARY KEY AUTOINCREMENT NOT NULL,
	`chain` text NOT NULL,
	`continues_chain` text,
	`continues_seq` integer,
	`continues_digest` text
);
--> statement-breakpoint
CREATE UNIQUE INDEX `chains_chain_unique` ON `chains` (`chain`);--> statement-breakpoint
CREATE TABLE `clock_steps` (
	`position` integer PRIMARY KEY AUTOINCREMENT NOT NULL,
	`first` text NOT NULL,
	`last` text NOT NULL
);
--> statement-breakpoint
CREATE TABLE `closed_lines` (
	`position` integer PRIMARY KEY AUTOINCREMENT NOT NULL,
	`model` text NOT NULL,
	`pk` text NOT NULL,
	`handover` text NOT NULL,
	`revision` integer NOT NULL,
	`change_id` text NOT NULL,
	`at` text NOT NULL
);
--> statement-breakpoint
CREATE UNIQUE INDEX `closed_lines_place` ON `closed_lines` (`model`,`pk`,`handover`);--> statement-breakpoint
CREATE INDEX `closed_lines_by_handover` ON `closed_lines` (`handover`);--> statement-breakpoint
CREATE TABLE `credentials` (
	`kid` text PRIMARY KEY NOT NULL,
	`jws` text NOT NULL
);
--> statement-breakpoint
CREATE TABLE `custody_receipts` (
	`digest` text PRIMARY KEY NOT NULL,
	`manifest_digest` text NOT NULL,
	`by` text NOT NULL,
	`role` text NOT NULL,
	`at` text NOT NULL,
	`jws` text NOT NULL,
	`void` integer DEFAULT 0 NOT NULL
);
--> statement-breakpoint
CREATE INDEX `custody_by_manifest` ON `custody_receipts` (`manifest_digest`);--> statement-breakpoint
CREATE INDEX `custody_by_holder` ON `custody_receipts` (`by`);--> statement-breakpoint
CREATE TABLE `deliveries` (
	`chain` text NOT NULL,
	`server` text NOT NULL,
	`nonce` text NOT NULL,
	`jws` text NOT NULL,
	PRIMARY KEY(`chain`, `server`, `nonce`)
);
--> statement-breakpoint
CREATE TABLE `dumped` (
	`record` text PRIMARY KEY NOT NULL,
	`content` text NOT NULL,
	`id` text NOT NULL
);
--> statement-breakpoint
CREATE TABLE `facts` (
	`key` text PRIMARY KEY NOT NULL,
	`value` text NOT NULL
);
--> statement-breakpoint
CREATE TABLE `followers` (
	`chain` text NOT NULL,
	`seq` integer NOT NULL,
	`digest` text NOT NULL,
	`jws` text NOT NULL,
	PRIMARY KEY(`chain`, `seq`)
);
--> statement-breakpoint
CREATE TABLE `gaps` (
	`chain` text NOT NULL,
	`server` text NOT NULL,
	`jws` text NOT NULL,
	PRIMARY KEY(`chain`, `server`)
);
--> statement-breakpoint
CREATE TABLE `known_changes` (
	`id` text NOT NULL,
	`keyed_digest` text NOT NULL,
	PRIMARY KEY(`id`, `keyed_digest`)
) WITHOUT ROWID;
--> statement-breakpoint
CREATE TABLE `meetings` (
	`device` text PRIMARY KEY NOT NULL,
	`role` text NOT NULL,
	`address` text NOT NULL,
	`at` text NOT NULL
);
--> statement-breakpoint
CREATE TABLE `open_lines` (
	`model` text NOT NULL,
	`pk` text NOT NULL,
	`line` text NOT NULL,
	`sources` text DEFAULT '{}' NOT NULL,
	`closed` integer DEFAULT 0 NOT NULL,
	PRIMARY KEY(`model`, `pk`)
);
--> statement-breakpoint
CREATE INDEX `open_lines_served` ON `open_lines` (`closed`) WHERE closed = 0;--> statement-breakpoint
CREATE TABLE `outbox` (
	`position` integer PRIMARY KEY AUTOINCREMENT NOT NULL,
	`line` text NOT NULL,
	`size` integer NOT NULL
);
--> statement-breakpoint
CREATE TABLE `refused_rows` (
	`position` text PRIMARY KEY NOT NULL,
	`code` text NOT NULL,
	`message` text NOT NULL,
	`at` text NOT NULL
);
--> statement-breakpoint
CREATE TABLE `sealed_documents` (
	`digest` text PRIMARY KEY NOT NULL,
	`batch` text NOT NULL
);
--> statement-breakpoint
CREATE TABLE `desk_acts` (
	`handover` text NOT NULL,
	`device` text NOT NULL,
	`number` integer NOT NULL,
	`after` integer NOT NULL,
	`act` text NOT NULL,
	PRIMARY KEY(`handover`, `device`, `number`)
);
--> statement-breakpoint
CREATE TABLE `desk_handovers` (
	`position` integer PRIMARY KEY AUTOINCREMENT NOT NULL,
	`id` text NOT NULL,
	`giver` text NOT NULL,
	`taker` text NOT NULL,
	`began` text NOT NULL,
	`ended_at` text,
	`closed` integer DEFAULT 0 NOT NULL,
	`told` integer DEFAULT 0 NOT NULL,
	`wiped` integer DEFAULT 0 NOT NULL,
	`asking` text
);
--> statement-breakpoint
CREATE UNIQUE INDEX `desk_handovers_id_unique` ON `desk_handovers` (`id`);--> statement-breakpoint
CREATE INDEX `desk_handovers_open` ON `desk_handovers` (`taker`,`giver`) WHERE closed = 0;--> statement-breakpoint
CREATE INDEX `desk_handovers_untold` ON `desk_handovers` (`position`) WHERE told = 0;--> statement-breakpoint
CREATE INDEX `desk_handovers_to_wipe` ON `desk_handovers` (`position`) WHERE closed = 1 and wiped = 0;--> statement-breakpoint
CREATE TABLE `desk_receipts` (
	`digest` text PRIMARY KEY NOT NULL,
	`jws` text NOT NULL
);
--> statement-breakpoint
CREATE TABLE `desk_revisions` (
	`position` integer PRIMARY KEY AUTOINCREMENT NOT NULL,
	`digest` text NOT NULL,
	`handover` text NOT NULL,
	`revision` integer NOT NULL,
	`by` text NOT NULL,
	`content` text NOT NULL,
	`jws` text NOT NULL,
	`receipt` text
);
--> statement-breakpoint
CREATE UNIQUE INDEX `desk_revisions_digest_unique` ON `desk_revisions` (`digest`);--> statement-breakpoint
CREATE INDEX `desk_revisions_by_handover` ON `desk_revisions` (`handover`,`revision`);--> statement-breakpoint
CREATE INDEX `desk_revisions_ungiven` ON `desk_revisions` (`position`) WHERE receipt is null;--> statement-breakpoint
CREATE TABLE `desk_signatures` (
	`position` integer PRIMARY KEY AUTOINCREMENT NOT NULL,
	`digest` text NOT NULL,
	`handover` text NOT NULL,
	`revision_digest` text NOT NULL,
	`by` text NOT NULL,
	`jws` text NOT NULL,
	`receipt` text
);
--> statement-breakpoint
CREATE UNIQUE INDEX `desk_signatures_digest_unique` ON `desk_signatures` (`digest`);--> statement-breakpoint
CREATE INDEX `desk_signatures_by_handover` ON `desk_signatures` (`handover`);--> statement-breakpoint
CREATE INDEX `desk_signatures_by_revision` ON `desk_signatures` (`revision_digest`);--> statement-breakpoint
CREATE INDEX `desk_signatures_ungiven` ON `desk_signatures` (`position`) WHERE receipt is null;--> statement-breakpoint
CREATE TABLE `person_acts` (
	`position` integer PRIMARY KEY AUTOINCREMENT NOT NULL,
	`at` text NOT NULL,
	`person` text,
	`kind` text NOT NULL,
	`about` text,
	`carried_by` text
);
--> statement-breakpoint
CREATE INDEX `person_acts_by_kind` ON `person_acts` (`kind`,`position`);--> statement-breakpoint
CREATE INDEX `person_acts_uncarried` ON `person_acts` (`position`) WHERE carried_by is null;--> statement-breakpoint
CREATE TABLE `pins` (
	`person` text PRIMARY KEY NOT NULL,
	`salt` text NOT NULL,
	`hash` text NOT NULL,
	`failures` integer DEFAULT 0 NOT NULL
);
