"""Hooks as an app writes them; tests change what they do."""

calls = []
answers = {}


def before_apply(change):
    calls.append(("before_apply", change.pk_text))
    return answers["before_apply"](change) if "before_apply" in answers else None


def on_duplicate(change, arrived, existing):
    calls.append(("on_duplicate", change.pk_text))
    return answers["on_duplicate"](change, arrived, existing) if "on_duplicate" in answers else None


def on_missing_parent(change, model, key):
    calls.append(("on_missing_parent", model._meta.label_lower, key))
    return answers["on_missing_parent"](change, model, key) if "on_missing_parent" in answers else None
