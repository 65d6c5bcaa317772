CREATE TABLE `credentials` (
	`kid` text PRIMARY KEY NOT NULL,
	`jws` text NOT NULL
);
--> statement-breakpoint
CREATE TABLE `deliveries` (
	`server` text NOT NULL,
	`producer` text NOT NULL,
	`chain` text NOT NULL,
	`nonce` text NOT NULL,
	`jws` text NOT NULL,
	`current` integer NOT NULL,
	`position` integer NOT NULL,
	PRIMARY KEY(`server`, `producer`, `chain`, `nonce`)
);
--> statement-breakpoint
CREATE INDEX `deliveries_by_position` ON `deliveries` (`position`);--> statement-breakpoint
CREATE INDEX `deliveries_by_producer` ON `deliveries` (`producer`,`chain`);--> statement-breakpoint
CREATE TABLE `facts` (
	`name` text PRIMARY KEY NOT NULL,
	`value` text NOT NULL
);
--> statement-breakpoint
CREATE TABLE `gaps` (
	`server` text NOT NULL,
	`producer` text NOT NULL,
	`chain` text NOT NULL,
	`jws` text NOT NULL,
	`position` integer NOT NULL,
	PRIMARY KEY(`server`, `producer`, `chain`)
);
--> statement-breakpoint
CREATE INDEX `gaps_by_position` ON `gaps` (`position`);--> statement-breakpoint
CREATE TABLE `lines` (
	`producer` text NOT NULL,
	`model` text NOT NULL,
	`pk` text NOT NULL,
	`line` text NOT NULL,
	`served` integer NOT NULL,
	`closedBy` text,
	`label` text,
	PRIMARY KEY(`producer`, `model`, `pk`)
);
--> statement-breakpoint
CREATE INDEX `lines_by_label` ON `lines` (`label`);--> statement-breakpoint
CREATE INDEX `lines_by_handover` ON `lines` (`closedBy`);--> statement-breakpoint
CREATE TABLE `manifests` (
	`id` integer PRIMARY KEY AUTOINCREMENT NOT NULL,
	`digest` text NOT NULL,
	`producer` text NOT NULL,
	`chain` text NOT NULL,
	`seq` integer NOT NULL,
	`previous` text,
	`jws` text NOT NULL,
	`payloadDigest` text NOT NULL,
	`payloadSize` integer NOT NULL,
	`changes` integer NOT NULL,
	`state` text NOT NULL,
	`code` text,
	`why` text,
	`pruned` integer DEFAULT false NOT NULL
);
--> statement-breakpoint
CREATE UNIQUE INDEX `manifests_by_digest` ON `manifests` (`digest`);--> statement-breakpoint
CREATE INDEX `manifests_by_place` ON `manifests` (`producer`,`chain`,`seq`);--> statement-breakpoint
CREATE INDEX `manifests_by_state` ON `manifests` (`state`,`id`);--> statement-breakpoint
CREATE INDEX `manifests_by_producer_state` ON `manifests` (`producer`,`state`,`changes`);--> statement-breakpoint
CREATE INDEX `manifests_by_payload` ON `manifests` (`payloadDigest`);--> statement-breakpoint
CREATE INDEX `manifests_undelivered` ON `manifests` (`producer`,`chain`,`seq`) WHERE state <> 'delivered';--> statement-breakpoint
CREATE INDEX `manifests_to_prune` ON `manifests` (`producer`,`chain`,`seq`) WHERE state = 'delivered' and pruned = 0;--> statement-breakpoint
CREATE TABLE `peers` (
	`device` text PRIMARY KEY NOT NULL,
	`role` text NOT NULL,
	`host` text NOT NULL,
	`port` integer NOT NULL,
	`state` text NOT NULL,
	`since` text NOT NULL,
	`code` text,
	`why` text,
	`failures` integer DEFAULT 0 NOT NULL,
	`metAt` text,
	`headChain` text,
	`headSeq` integer,
	`unsealed` integer,
	`shown` integer DEFAULT 0 NOT NULL
);
--> statement-breakpoint
CREATE TABLE `receipts` (
	`manifest` text PRIMARY KEY NOT NULL,
	`producer` text NOT NULL,
	`jws` text NOT NULL,
	`at` text NOT NULL,
	`returned` integer DEFAULT false NOT NULL
);
--> statement-breakpoint
CREATE INDEX `receipts_to_return` ON `receipts` (`producer`) WHERE returned = 0;--> statement-breakpoint
CREATE TABLE `server_receipts` (
	`manifest` text NOT NULL,
	`by` text NOT NULL,
	`producer` text NOT NULL,
	`jws` text NOT NULL,
	`position` integer NOT NULL,
	PRIMARY KEY(`manifest`, `by`)
);
--> statement-breakpoint
CREATE INDEX `server_receipts_by_producer` ON `server_receipts` (`producer`,`position`);--> statement-breakpoint
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
