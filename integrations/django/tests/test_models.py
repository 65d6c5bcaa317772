"""What models must be for offline use, and where that is told."""

from careless_app.models import LinkedThrough, Misremembered, Numbered, Speechless, Unfindable, Unnamed
from django.contrib.auth.models import User
from django.core.checks import run_checks
from django.core.management import call_command
from django.core.management.base import SystemCheckError
from django.test import SimpleTestCase, override_settings
from django_collect_offline.apps import AppConfig
from django_collect_offline.offline_model import (
    OfflineGetByNaturalKeyMissing,
    OfflineHistoricalManagerError,
    OfflineModel,
    OfflineNaturalKeyMissing,
    OfflineUuidPrimaryKeyMissing,
)
from django_collect_offline.site_offline_models import AlreadyRegistered, ModelNotRegistered, SiteOfflineModels, site_offline_models
from study_app.models import Clinic, DrawnRequisition, Household, Requisition, Subject
from study_case import StudyCase
from waybill_django.apps import WaybillConfig


class Fitness(SimpleTestCase):
    def test_each_fault_has_its_own_exception(self):
        for model, fault in (
            (Unnamed, OfflineNaturalKeyMissing),
            (Unfindable, OfflineGetByNaturalKeyMissing),
            (Numbered, OfflineUuidPrimaryKeyMissing),
            (Misremembered, OfflineHistoricalManagerError),
        ):
            with self.subTest(model), self.assertRaises(fault):
                OfflineModel(model())

    def test_a_fit_model_and_its_history_are_wrapped(self):
        wrapped = OfflineModel(Subject(subject_identifier="S1"))
        self.assertEqual((str(wrapped), wrapped.primary_key_field.name), ("study_app.subject", "id"))
        self.assertEqual(OfflineModel(Subject.history.model()).primary_key_field.name, "history_id")
        self.assertIn("OfflineModel", repr(wrapped))


class Checks(StudyCase):
    def found(self, *models, **options):
        with self.registered(*models):
            return sorted((message.id, getattr(message.obj, "__name__", None)) for message in run_checks(tags=["waybill"], **options))

    def test_a_fit_study_passes(self):
        self.assertEqual(self.found(), [])

    def test_each_fault_is_an_error_of_its_own(self):
        self.assertEqual(
            self.found(Unnamed, Unfindable, Numbered, Misremembered),
            [
                ("waybill.E001", "Unnamed"),
                ("waybill.E002", "Unfindable"),
                ("waybill.E003", "Numbered"),
                ("waybill.E004", "Misremembered"),
            ],
        )
        with self.registered(Numbered), self.assertRaisesRegex(SystemCheckError, "careless_app.numbered.id is not a UUIDField"):
            call_command("check")

    def test_what_does_not_travel_is_a_warning(self):
        self.assertEqual(
            [one for one in self.found(LinkedThrough, Speechless) if "W" in one[0]],
            [("waybill.W002", "LinkedThrough"), ("waybill.W004", "Speechless")],
        )
        before = dict(site_offline_models.registry)
        del site_offline_models.registry["study_app.household"]
        try:
            self.assertIn(("waybill.W003", "Clinic"), self.found())
        finally:
            site_offline_models.registry = before

    def test_a_label_that_is_no_model_is_a_warning_and_nothing_more(self):
        with self.registered():
            site_offline_models.register(["study_app.nothing", "nowhere"])
            self.subject()
            self.assertEqual([message.id for message in run_checks(tags=["waybill"])], ["waybill.W001"] * 2)
        self.assertEqual(self.told(), [("insert", "subject")])

    def test_a_switch_that_is_off_is_told(self):
        for name in ("WAYBILL_RECORDING", "ALLOW_MODEL_SERIALIZATION", "DJANGO_COLLECT_OFFLINE_ENABLED"):
            with override_settings(**{name: False}):
                (message,) = run_checks(tags=["waybill"])
                self.assertEqual((message.id, message.msg.split()[0]), ("waybill.W005", name))

    def test_writes_without_a_signal_are_found_before_deployment(self):
        self.assertEqual(self.found(Misremembered), [("waybill.E004", "Misremembered")])
        with self.registered(Unnamed):
            messages = [one.msg for one in run_checks(tags=["waybill"], include_deployment_checks=True) if one.id == "waybill.W006"]
        self.assertEqual([message.split(":")[1] for message in messages if "fill_in.py" in message], ["7", "8"])


class Registry(StudyCase):
    def test_registering_twice_is_refused(self):
        sites = SiteOfflineModels()
        sites.register(["study_app.Subject"], OfflineModel)
        self.assertRaises(AlreadyRegistered, sites.register, ["study_app.subject"])
        self.assertEqual(sorted(sites.registry), ["study_app.historicalsubject", "study_app.subject"])
        self.assertTrue(sites.loaded)

    def test_a_registered_record_is_wrapped_and_no_other(self):
        self.assertIsInstance(site_offline_models.get_wrapped_instance(Subject()), OfflineModel)
        self.assertIsInstance(site_offline_models.get_wrapped_instance(DrawnRequisition()), OfflineModel)
        self.assertRaises(ModelNotRegistered, site_offline_models.get_wrapped_instance, User())

    def test_an_app_registers_all_its_models_but_some(self):
        sites = SiteOfflineModels()
        sites.register_for_app("study_app", exclude_models=["study_app.note"], exclude_model_classes=(Household,))
        self.assertIn("study_app.requisition", sites.registry)
        self.assertFalse({"study_app.note", "study_app.household", "study_app.clinic"} & set(sites.registry))

    def test_models_by_app(self):
        self.assertIn(Clinic, site_offline_models.site_models("study_app")["study_app"])
        names = [model._meta.model_name for model in site_offline_models.site_models("study_app", offline=False)["study_app"]]
        self.assertEqual(names, ["note", "symptom"])
        self.assertEqual(list(site_offline_models.site_models()), ["study_app"])

    def test_a_proxy_stands_for_its_table(self):
        sites = SiteOfflineModels()
        sites.register(["study_app.drawnrequisition"])
        self.assertTrue(sites.covers(Requisition))
        self.assertEqual(sites.models(), [Requisition])

    def test_the_old_name_of_the_app_is_the_same_app(self):
        self.assertIs(AppConfig, WaybillConfig)
