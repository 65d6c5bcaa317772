"""Which models are for offline use: the apps say so in their offline_models.py."""

from django.apps import apps
from django.utils.module_loading import autodiscover_modules

from .errors import AlreadyRegistered, ModelNotRegistered
from .offline_model import OfflineModel
from .one_transaction import save_in_one_transaction


class SiteOfflineModels:
    """The models for offline use, by label in lower case, each with the class that wraps its records."""

    module_name = "offline_models"
    wrapper_cls = OfflineModel
    register_historical = True

    def __init__(self):
        self.registry = {}
        self.behind_proxies = set()
        self.followers = set()
        self.loaded = False

    def register(self, models=None, wrapper_cls=None):
        """
        Registers models, `app_label.modelname` each, and their historical models with them.

        Raises AlreadyRegistered. A label that is no installed model is told by `manage.py check`, and does no harm.
        """
        self.loaded = True
        for label in (name.lower() for name in models or []):
            if label in self.registry and label not in self.followers:
                raise AlreadyRegistered(f"{label} is registered already")
            self.registry[label] = wrapper_cls or self.wrapper_cls
            self.behind_proxies.update(behind_proxy(label))
            if self.register_historical and historical_label(label) not in self.registry:
                self.registry[historical_label(label)] = wrapper_cls or self.wrapper_cls
                self.followers.add(historical_label(label))
        if apps.ready:
            self.keep_saves_whole()

    def register_for_app(self, app_label=None, exclude_models=None, exclude_model_classes=None):
        """Registers every model of an app but those that are excluded, by label or by class."""
        excluded = tuple(exclude_model_classes or ())
        models = [
            model._meta.label_lower
            for model in apps.get_app_config(app_label).get_models()
            if model._meta.label_lower not in (exclude_models or []) and not issubclass(model, excluded)
        ]
        self.register(models)

    def get_wrapped_instance(self, instance=None):
        """The record in its wrapper. Raises ModelNotRegistered, or what the wrapper finds wrong with the model."""
        label = instance._meta.concrete_model._meta.label_lower
        if not self.covers(type(instance)):
            raise ModelNotRegistered(f"{label} is not registered for offline use")
        return self.registry.get(label, self.wrapper_cls)(instance)

    def covers(self, model):
        """Whether what is saved of the model is recorded. A migration's own picture of a model never is."""
        label = model._meta.concrete_model._meta.label_lower
        return model._meta.apps is apps and (label in self.registry or label in self.behind_proxies)

    def models(self):
        """Every installed model that is registered, each once, in the order of registration."""
        found = (find_model(label) for label in self.registry)
        return list({model._meta.concrete_model: None for model in found if model is not None})

    def site_models(self, app_label=None, offline=True):
        """By app's name, its models that are registered, or (offline=False) those that are not."""
        configs = [apps.get_app_config(app_label)] if app_label else apps.get_app_configs()
        registered = self.models()
        chosen = {
            config.name: sorted(
                (model for model in config.get_models() if (model._meta.concrete_model in registered) == offline),
                key=lambda model: str(model._meta.verbose_name),
            )
            for config in configs
        }
        return {name: models for name, models in chosen.items() if models}

    def autodiscover(self, module_name=None):
        """Reads offline_models.py of every installed app that has one."""
        autodiscover_modules(module_name or self.module_name)

    def keep_saves_whole(self):
        """From now on a save of a registered model and the row that tells of it are one transaction."""
        for model in self.models():
            save_in_one_transaction(model)


def historical_label(label):
    """How django-simple-history calls the model of another's history."""
    app_label, _, model_name = label.partition(".")
    return f"{app_label}.historical{model_name}"


def behind_proxy(label):
    """The label of the model whose table a registered proxy shows; nothing for others."""
    model = find_model(label)
    return [model._meta.concrete_model._meta.label_lower] if model and model._meta.proxy else []


def find_model(label):
    """The installed model of that label; None where there is none."""
    try:
        return apps.get_model(label)
    except (LookupError, ValueError):
        return None


site_offline_models = SiteOfflineModels()
