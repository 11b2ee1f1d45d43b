"""Keeping a filter of the log under a name, and forgetting it."""

from django import forms
from django.contrib import messages
from django.db import transaction
from django.http import HttpResponse, QueryDict
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.views.decorators.http import require_POST

from dashboard.models import MOST_FILTERS, SavedFilter
from dashboard.views.page import SeenRequest, forbidden, only_with
from zoomfeed.filters import EventFilter
from zoomfeed.viewer import Right


class SaveForm(forms.Form):
    name = forms.CharField(max_length=60)
    query = forms.CharField(max_length=4000, required=False)
    for_all = forms.BooleanField(required=False)

    def clean_query(self) -> str:
        asked = EventFilter(QueryDict(self.cleaned_data["query"]))
        if not (query := asked.canonical()):
            raise forms.ValidationError("There is no filter to save: it is empty, or makes no sense.")
        return query


@require_POST
@only_with(Right.LOG)
def save(request: SeenRequest) -> HttpResponse:
    """Under a name that there is already, the new filter takes the place of the old one."""
    form = SaveForm(request.POST)
    if not form.is_valid():
        for field, errors in form.errors.items():
            messages.error(request, f"{field.capitalize()}: {' '.join(map(str, errors))}")
        return redirect("events")
    if form.cleaned_data["for_all"] and not request.viewer.shares_filters:
        return forbidden(request)
    owner = None if form.cleaned_data["for_all"] else request.user.pk
    name, query = form.cleaned_data["name"], form.cleaned_data["query"]
    with transaction.atomic():
        of_owner = SavedFilter.objects.filter(owner_id=owner)
        if not of_owner.filter(name=name).update(query=query):
            if of_owner.count() >= MOST_FILTERS:
                messages.error(request, f"{MOST_FILTERS} filters are kept already. Delete one first.")
                return redirect(f"{reverse('events')}?{query}")
            SavedFilter.objects.create(owner_id=owner, name=name, query=query)
    messages.success(request, "Saved.")
    return redirect(f"{reverse('events')}?{query}")


@require_POST
@only_with(Right.LOG)
def delete(request: SeenRequest, pk: int) -> HttpResponse:
    """One's own; one for all by those who may save such ones."""
    found = get_object_or_404(SavedFilter.objects.seen_by(request.user), pk=pk)
    if found.owner is None and not request.viewer.shares_filters:
        return forbidden(request)
    found.delete()
    return redirect("events")
