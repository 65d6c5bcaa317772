from waybill_django.errors import GetByNaturalKeyMissing as OfflineGetByNaturalKeyMissing
from waybill_django.errors import HistoryIdNotUuid as OfflineHistoricalManagerError
from waybill_django.errors import NaturalKeyMissing as OfflineNaturalKeyMissing
from waybill_django.errors import UuidPrimaryKeyMissing as OfflineUuidPrimaryKeyMissing
from waybill_django.offline_model import OfflineModel

__all__ = [
    "OfflineGetByNaturalKeyMissing",
    "OfflineHistoricalManagerError",
    "OfflineModel",
    "OfflineNaturalKeyMissing",
    "OfflineUuidPrimaryKeyMissing",
]
