CREATE TABLE `followers` (
	`chain` text NOT NULL,
	`seq` integer NOT NULL,
	`digest` text NOT NULL,
	`jws` text NOT NULL,
	PRIMARY KEY(`chain`, `seq`)
);
--> statement-breakpoint
DROP TABLE `deliveries`;--> statement-breakpoint
CREATE TABLE `deliveries` (
	`chain` text NOT NULL,
	`server` text NOT NULL,
	`nonce` text NOT NULL,
	`jws` text NOT NULL,
	PRIMARY KEY(`chain`, `server`, `nonce`)
);
--> statement-breakpoint
ALTER TABLE `custody_receipts` ADD `void` integer DEFAULT 0 NOT NULL;--> statement-breakpoint
CREATE INDEX `custody_by_holder` ON `custody_receipts` (`by`);--> statement-breakpoint
ALTER TABLE `open_lines` ADD `sources` text DEFAULT '{}' NOT NULL;