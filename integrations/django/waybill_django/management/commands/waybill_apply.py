"""manage.py waybill_apply"""

import json

from django.core.management.base import BaseCommand
from django.db import DEFAULT_DB_ALIAS

from ...apply import apply_inbox
from ...status import inbox_status, refused_rows


class Command(BaseCommand):
    """Makes what arrived at the server records of this app. Run it as often as you like, and twice at once: each row counts once."""

    help = "Applies the rows of waybill_inbox to this app's models. What cannot be applied keeps its reason, and is tried again at each run."

    def add_arguments(self, parser):
        parser.add_argument("--database", default=DEFAULT_DB_ALIAS, help="alias of the database, else `default`")
        parser.add_argument("--json", action="store_true", help="say what was done as JSON")

    def handle(self, *args, **options):
        using = options["database"]
        tally = apply_inbox(using, self.show)
        if self.stderr.isatty():
            self.stderr.write("")
        waiting = inbox_status(using)
        rows = refused_rows(using)
        if options["json"]:
            self.stdout.write(json.dumps({"applied": tally.applied, "overtaken": tally.overtaken, **waiting, "rows": rows}))
            return
        self.stdout.write(f"{tally.applied} applied, {tally.overtaken} overtaken by newer ones, {waiting['refused']} refused")
        for row in rows:
            self.stdout.write(f"  row {row['position']}: {row['model']} {row['pk']}: {row['error']}")

    def show(self, tally):
        """A line that grows, for who watches."""
        if self.stderr.isatty() and tally.done % 100 == 0:
            self.stderr.write(f"\r{tally.applied} applied", ending="")
