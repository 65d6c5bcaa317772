"""The app's configuration."""

from django.apps import AppConfig


class WaybillConfig(AppConfig):
    """Put `waybill_django` into INSTALLED_APPS, and run migrate."""

    name = "waybill_django"
    verbose_name = "Waybill"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self):
        from . import checks, signals
        from .registry import site_offline_models

        checks.connect()
        signals.connect()
        site_offline_models.autodiscover()
        site_offline_models.keep_saves_whole()
