"""JSON as the outbox holds it."""

import datetime
import json

from django.core.serializers.json import DjangoJSONEncoder


class Encoder(DjangoJSONEncoder):
    """Django's own, but it keeps microseconds, and what it does not know becomes text: saving a record never fails for this."""

    def default(self, o):
        if isinstance(o, (datetime.datetime, datetime.time)):
            return o.isoformat().replace("+00:00", "Z")
        try:
            return super().default(o)
        except TypeError:
            return str(o)


def to_json(value):
    """The value as JSON in ASCII, which every database stores whatever its character set."""
    return json.dumps(value, cls=Encoder, separators=(",", ":"))


def as_json(value):
    """The value as it will be read again from JSON."""
    return json.loads(to_json(value))
