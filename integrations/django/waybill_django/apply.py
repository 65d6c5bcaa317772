"""Taking the rows of the inbox, in their order, each exactly once."""

import logging

from django.db import Error, transaction

from .apply_change import apply_change
from .arrived_change import ArrivedChange
from .errors import RowRefused
from .models import InboxRow
from .recording import not_recording

logger = logging.getLogger(__name__)

APPLIED, OVERTAKEN, REFUSED, TAKEN = "applied", "overtaken", "refused", "taken"
BATCH = 500


class Tally:
    """What became of the rows of one run."""

    def __init__(self):
        self.applied = 0
        self.overtaken = 0

    def count(self, outcome):
        """Counts one row."""
        self.applied += outcome == APPLIED
        self.overtaken += outcome == OVERTAKEN

    @property
    def done(self):
        """Rows that need not be looked at again."""
        return self.applied + self.overtaken


def apply_inbox(using, progress=lambda tally: None):
    """Applies every row that can be applied; rows that were refused, now or before, are tried again as long as anything moves. Returns the Tally."""
    tally = Tally()
    with not_recording():
        apply_rows(using, tally, progress)
        before = -1
        while tally.done > before:
            before = tally.done
            apply_rows(using, tally, progress, refused=True)
    return tally


def apply_rows(using, tally, progress, refused=False):
    """One pass over the rows that were never tried, or over those that were refused."""
    after = 0
    while True:
        waiting = InboxRow.objects.using(using).filter(applied=0, error__isnull=not refused, position__gt=after)
        rows = list(waiting.order_by("position")[:BATCH])
        if not rows:
            return
        for row in rows:
            tally.count(apply_row(row, using))
            progress(tally)
        after = rows[-1].position


def apply_row(row, using):
    """Applies one row, its mark in the same transaction; a row that is refused keeps why. Returns what became of it."""
    try:
        with transaction.atomic(using=using):
            return take(row, using)
    except (RowRefused, Error) as error:
        why = str(error)
    except Exception as error:
        logger.exception("row %s of the inbox", row.position)
        why = f"{type(error).__name__}: {error}"
    InboxRow.objects.using(using).filter(position=row.position, applied=0).update(error=why[:2000] or "refused")
    return REFUSED


def take(row, using):
    """Marks the row, then applies it: who marks second finds it marked. An older state never replaces a newer one."""
    rows = InboxRow.objects.using(using)
    if rows.filter(position=row.position, applied=0).update(applied=1, error=None) == 0:
        return TAKEN
    newer = rows.filter(model=row.model, pk_text=row.pk_text, applied=1, position__gt=row.position)
    overtaking = newer.order_by("position").values_list("position", flat=True).first()
    if overtaking is not None:
        rows.filter(position=row.position).update(error=f"overtaken by row {overtaking}")
        return OVERTAKEN
    apply_change(ArrivedChange(row, using))
    return APPLIED
