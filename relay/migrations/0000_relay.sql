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
	PRIMARY KEY(`producer`, `model`, `pk`)
);
--> statement-breakpoint
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
CREATE INDEX `manifests_undelivered` ON `manifests` (`producer`,`chain`,`seq`) WHERE state in ('pulling', 'aboard', 'forwarded');--> statement-breakpoint
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
CREATE INDEX `server_receipts_by_producer` ON `server_receipts` (`producer`,`position`);