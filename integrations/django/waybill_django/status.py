"""What waits in the two tables."""

from .models import InboxPosition, InboxRow, OutboxRow
from .recording import switched_off_by

SHOWN = 1000


def outbox_status(using):
    """Whether recording is on, and what became of the rows that were written."""
    rows = OutboxRow.objects.using(using)
    pending = rows.filter(taken=0)
    return {
        "recording": switched_off_by() is None,
        "switchedOffBy": switched_off_by(),
        "pending": pending.count(),
        "oldest": pending.order_by("position").values_list("recorded_at", flat=True).first(),
        "taken": rows.filter(taken=1).count(),
        "setAside": rows.filter(taken=2).count(),
    }


def inbox_status(using):
    """How far the server has filled the inbox, and what became of the rows."""
    rows = InboxRow.objects.using(using)
    return {
        "waiting": rows.filter(applied=0, error__isnull=True).count(),
        "refused": rows.filter(applied=0, error__isnull=False).count(),
        "done": rows.filter(applied=1).count(),
        "positions": dict(InboxPosition.objects.using(using).order_by("name").values_list("name", "cursor")),
    }


def refused_rows(using):
    """The rows that could not be applied, each with its reason; the first thousand."""
    rows = InboxRow.objects.using(using).filter(applied=0, error__isnull=False).order_by("position")[:SHOWN]
    return [{"position": row.position, "model": row.model, "pk": row.pk_text, "error": row.error} for row in rows]
