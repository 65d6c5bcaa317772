"""
Runs the tests with Django's own runner on the databases of one kind: run.py [sqlite|postgresql|mariadb] [test...]
Says on standard output what became of each, a JSON object a line, and fails where one failed.
"""

import json
import os
import sys
import tempfile
import unittest
from pathlib import Path

FOLDER = Path(__file__).parent


class TellingResult(unittest.TextTestResult):
    """Tells of each test as it ends."""

    def tell(self, test, outcome, detail=""):
        print(json.dumps({"test": test.id(), "outcome": outcome, "detail": detail}), file=sys.__stdout__, flush=True)

    def addSuccess(self, test):
        super().addSuccess(test)
        self.tell(test, "passed")

    def addError(self, test, err):
        super().addError(test, err)
        self.tell(test, "failed", self.errors[-1][1])

    def addFailure(self, test, err):
        super().addFailure(test, err)
        self.tell(test, "failed", self.failures[-1][1])

    def addSkip(self, test, reason):
        super().addSkip(test, reason)
        self.tell(test, "skipped", reason)

    def addSubTest(self, test, subtest, err):
        super().addSubTest(test, subtest, err)
        if err is not None:
            self.tell(subtest, "failed", self._exc_info_to_string(err, test))


def main(kind="sqlite", *tests):
    """Runs them, and returns how many failed."""
    with tempfile.TemporaryDirectory() as folder:
        os.environ.update(STUDY_DATABASE=kind, STUDY_FOLDER=folder, DJANGO_SETTINGS_MODULE="settings", STUDY_RUN=str(os.getpid()))
        sys.path[:0] = [str(FOLDER), str(FOLDER.parent)]
        import django
        from django.test.runner import DiscoverRunner

        class Runner(DiscoverRunner):
            def get_resultclass(self):
                return TellingResult

        django.setup()
        return Runner(interactive=False, verbosity=0, pattern="test_*.py", top_level=str(FOLDER)).run_tests(list(tests) or [str(FOLDER)])


if __name__ == "__main__":
    sys.exit(1 if main(*sys.argv[1:]) else 0)
