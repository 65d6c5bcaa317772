"""Settings of the study that the tests run: a laptop's database (default) and a clinic's, of the kind that STUDY_DATABASE names."""

import os
import tempfile

KIND = os.environ.get("STUDY_DATABASE", "sqlite")
FOLDER = os.environ.get("STUDY_FOLDER") or tempfile.gettempdir()

if KIND == "mariadb":
    import pymysql

    pymysql.install_as_MySQLdb()

ENGINES = {
    "sqlite": {"ENGINE": "django.db.backends.sqlite3", "NAME": os.path.join(FOLDER, "{}.sqlite3")},
    "postgresql": {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": "{}",
        "HOST": os.environ.get("PGHOST", "127.0.0.1"),
        "USER": os.environ.get("PGUSER", "postgres"),
        # Tests ask what is committed, not what outlives a power cut.
        "OPTIONS": {"options": "-c synchronous_commit=off"},
    },
    "mariadb": {
        "ENGINE": "django.db.backends.mysql",
        "NAME": "{}",
        "HOST": os.environ.get("MYSQL_HOST", "127.0.0.1"),
        "USER": os.environ.get("MYSQL_USER", "root"),
        "OPTIONS": {"charset": "utf8mb4"},
        "TEST": {"CHARSET": "utf8mb4"},
    },
}


def database(name):
    """One database of this kind, of a name that no other run has."""
    own = f"{name}_{os.environ.get('STUDY_RUN', os.getpid())}"
    settings = dict(ENGINES[KIND], NAME=ENGINES[KIND]["NAME"].format(own))
    if KIND == "sqlite":
        # A file, as in an app, and not memory: then two can use it at once.
        settings["TEST"] = {"NAME": os.path.join(FOLDER, f"test_{own}.sqlite3")}
    return settings


DATABASES = {"default": database("waybill_laptop"), "clinic": database("waybill_clinic")}
INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sites",
    "waybill_django",
    "study_app",
    "careless_app",
]
SECRET_KEY = "of the tests"
SITE_ID = 1
USE_TZ = True
TIME_ZONE = "Africa/Gaborone"
DEFAULT_AUTO_FIELD = "django.db.models.AutoField"
