from waybill_django.errors import AlreadyRegistered, ModelNotRegistered
from waybill_django.registry import SiteOfflineModels, site_offline_models

__all__ = ["AlreadyRegistered", "ModelNotRegistered", "SiteOfflineModels", "site_offline_models"]
