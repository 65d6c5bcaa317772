"""The names of django-collect-offline, so that an app's offline_models.py stays as it is. What is behind them is waybill_django."""
