"""manage.py waybill_status"""

import json

from django.core.management.base import BaseCommand
from django.db import DEFAULT_DB_ALIAS

from ...status import inbox_status, outbox_status


class Command(BaseCommand):
    """Says what waits on both sides, in what is written down and nothing else."""

    help = "Says how many changes wait in this app's outbox and inbox, and whether what is saved is recorded."

    def add_arguments(self, parser):
        parser.add_argument("--database", default=DEFAULT_DB_ALIAS, help="alias of the database, else `default`")
        parser.add_argument("--json", action="store_true", help="say it as JSON")

    def handle(self, *args, **options):
        out = outbox_status(options["database"])
        inbox = inbox_status(options["database"])
        if options["json"]:
            self.stdout.write(json.dumps({"outbox": out, "inbox": inbox}))
            return
        self.stdout.write("recording: on" if out["recording"] else f"recording: off ({out['switchedOffBy']})")
        oldest = f", the oldest of {out['oldest']}" if out["oldest"] else ""
        self.stdout.write(f"outbox: {out['pending']} pending{oldest}; {out['taken']} taken; {out['setAside']} set aside")
        self.stdout.write(f"inbox: {inbox['waiting']} waiting, {inbox['refused']} refused, {inbox['done']} done")
        for name, cursor in inbox["positions"].items():
            self.stdout.write(f"inbox: filled by {name} to {cursor}")
