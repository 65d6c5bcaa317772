from django_collect_offline.offline_model import OfflineModel
from django_collect_offline.site_offline_models import site_offline_models

offline_models = [
    "study_app.Subject",
    "study_app.Visit",
    "study_app.Crf",
    "study_app.Requisition",
    "study_app.Household",
    "study_app.Membership",
    "study_app.Clinic",
]

site_offline_models.register(offline_models, OfflineModel)
