"""The way in: one login for the pages and for the admin."""

from datetime import timedelta
from typing import Any
from urllib.parse import urlencode

from django.contrib.auth.decorators import login_not_required
from django.contrib.auth.forms import AuthenticationForm
from django.contrib.auth.views import LoginView
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.views.decorators.cache import never_cache

from dashboard import throttle
from dashboard.views.page import forbidden, is_staff
from dashboard.words import duration

TOO_MANY = "too many"


class LoginForm(AuthenticationForm):
    """Django's own, for who does not guess."""

    waits = timedelta()

    def clean(self) -> dict[str, Any]:
        if not {"username", "password"} <= self.cleaned_data.keys():
            return super().clean()  # nothing is tried
        assert self.request is not None
        counters = throttle.counters(self.request, self.cleaned_data["username"])
        self.waits = throttle.enter(counters)
        if self.waits:
            raise ValidationError(f"Too many failed tries. Wait {duration(self.waits)} and try again.", TOO_MANY)
        cleaned = super().clean()
        throttle.succeeded(counters)
        return cleaned


class Login(LoginView):
    """Says 429 and until when to who has to wait, so that machines understand it, too."""

    template_name = "login.html"
    authentication_form = LoginForm
    redirect_authenticated_user = True

    def form_invalid(self, form: AuthenticationForm) -> HttpResponse:
        response = super().form_invalid(form)
        if form.has_error("__all__", TOO_MANY) and isinstance(form, LoginForm):
            response.status_code = 429
            response["Retry-After"] = str(int(form.waits.total_seconds()) + 1)
        return response


@login_not_required
@never_cache
def admin_login(request: HttpRequest) -> HttpResponse:
    """The admin sends whom it does not know to our own login. Whoever is signed in already is not staff."""
    if request.user.is_authenticated and not is_staff(request):
        return forbidden(request)
    return redirect(f"{reverse('login')}?{urlencode({'next': request.GET.get('next') or reverse('admin:index')})}")
