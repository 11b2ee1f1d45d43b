"""Every list and form of the admin, of whatever model: asked what it does not offer, sent what nobody filled in."""

import pytest
from django.contrib import admin
from django.contrib.auth.models import Group, User
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from tests.zoomfeed.test_record import event, incoming
from zoomfeed.models import Act, Deed, Erasure
from zoomfeed.record import Incoming, record

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("rows")]

MODELS = sorted(admin.site._registry, key=lambda model: model._meta.label)
OF_THE_LOG = [model for model in MODELS if model._meta.app_label == "zoomfeed"]


def name(model):
    return model._meta.model_name


def address(model, view="changelist", *args):
    return reverse(f"admin:{model._meta.app_label}_{name(model)}_{view}", args=args)


@pytest.fixture
def rows(db):
    """One of everything, so that no query is spared for want of rows."""
    record(incoming(event("meeting.started", topic="Ward round")))
    record([Incoming(b"x", timezone.now(), rejected="not JSON")])
    Act.objects.create(at=timezone.now(), by="root", what=Deed.EXPORTED)
    Erasure.objects.create(at=timezone.now(), by="root", reason="asked", rows={})
    Group.objects.get_or_create(name="Viewers")


@pytest.fixture
def root(db):
    """Somebody who may do everything, and whose errors are answers."""
    client = Client(raise_request_exception=False)
    client.force_login(User.objects.create_superuser("root"))
    return client


LOOKUPS = [
    {"__regex": "("},
    {"__contains": "x"},
    {"__gt": "99999999999999999999"},
    {"__in": "1,2,x"},
    {"__year": "x"},
    {"__isnull": "x"},
    {"__nonsense": "1"},
    {"": "\N{NULL}"},
]


@pytest.mark.parametrize("model", MODELS, ids=name)
def test_a_lookup_that_no_filter_offers_is_not_made(root, model, django_assert_max_num_queries):
    fields = [field.name for field in model._meta.get_fields()]
    strange = ["body", "no_such_field", "user__password", "groups__permissions__codename", "_state", "pk"]
    for field in [*fields, *strange]:
        for lookup, value in (pair for one in LOOKUPS for pair in one.items()):
            answer = root.get(address(model), {f"{field}{lookup}": value})
            shown = (model, field, lookup, answer.status_code)

            assert answer.status_code in (200, 302), shown
            if answer.status_code == 302:
                assert answer["Location"] == f"{address(model)}?e=1", shown


ODD = [
    {"q": "\N{NULL}"},
    {"q": "x" * 5_000},
    {"q": "'\"%_\\"},
    {"p": "99999999999999999999"},
    {"p": "-1"},
    {"p": "x"},
    {"o": "99.-99.x"},
    {"o": "-"},
    {"all": ""},
    {"e": "1"},
    {"e": "1", "id__regex": "("},
    {"_popup": "1"},
    {"_to_field": "password"},
    {"_facets": "True"},
    {"_changelist_filters": "id__regex=("},
]


@pytest.mark.parametrize("model", MODELS, ids=name)
def test_whatever_is_asked_of_a_list_it_never_fails(root, model):
    for query in ODD:
        answer = root.get(address(model), query)

        assert answer.status_code in (200, 302, 400), (model, query)


@pytest.mark.parametrize("model", MODELS, ids=name)
@pytest.mark.parametrize("pk", ["0", "x", "99999999999999999999", "-1", "1_0Ax", "\N{NULL}", "1 OR 1=1", "_5B_5D"])
def test_a_row_that_does_not_exist_is_no_error(root, model, pk):
    for view in ("change", "delete", "history"):
        assert root.get(address(model, view, pk)).status_code in (302, 403, 404), view


def test_addresses_beside_the_lists_never_fail_either(root):
    for path in (
        "autocomplete/",
        "autocomplete/?app_label=auth&model_name=user&field_name=password",
        "r/1/1/",
        "r/9/x/",
    ):
        assert root.get(f"/admin/{path}").status_code in (302, 403, 404), path


# What nobody filled in


@pytest.mark.parametrize("model", MODELS, ids=name)
def test_a_form_that_another_site_sends_is_refused(model):
    browser = Client(enforce_csrf_checks=True)
    browser.force_login(User.objects.create_superuser("root"))
    pk = model._default_manager.values_list("pk", flat=True).first() or 1
    said = {"action": "delete_selected", "_selected_action": [pk], "post": "yes"}
    before = model._default_manager.count()
    for path in (
        address(model),
        address(model, "add"),
        address(model, "change", pk),
        address(model, "delete", pk),
    ):
        assert browser.post(path, said).status_code == 403, path

    assert model._default_manager.count() == before


@pytest.mark.parametrize("model", OF_THE_LOG, ids=name)
def test_what_happened_can_be_changed_by_nobody(root, model):
    pk = model._default_manager.values_list("pk", flat=True).first()
    before = model._default_manager.values().get(pk=pk)
    field = next(field.name for field in model._meta.fields if not field.primary_key)
    for path in (address(model, "add"), address(model, "change", pk), address(model, "delete", pk)):
        assert root.post(path, {field: "other", "post": "yes"}).status_code == 403, path
    root.post(address(model), {"action": "delete_selected", "_selected_action": [pk], "post": "yes"})
    root.post(address(model), {"form-TOTAL_FORMS": 1, "form-0-id": pk, f"form-0-{field}": "other", "_save": "Save"})

    assert model._default_manager.values().get(pk=pk) == before
