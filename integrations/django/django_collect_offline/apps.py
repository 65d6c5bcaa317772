from waybill_django.apps import WaybillConfig as AppConfig

__all__ = ["AppConfig"]
