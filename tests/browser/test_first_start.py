"""From nothing to the board: what all other tests are handed as done is done here, and whoever comes signs in."""

import re

import pytest

from tests.browser.conftest import own_database
from tests.browser.test_live import day
from tests.product import HURRIED, SESSION, Product, base_environment, embedded, grown, set_up


@pytest.fixture
def small(tmp_path):
    """One process that finds nothing, and sets itself up."""
    with embedded(tmp_path, HURRIED, is_first=True) as made:
        yield made


@pytest.fixture
def large(tmp_path, postgres_url, redis_url):
    """A feed and two web processes, after the commands of the README on an empty database."""
    with own_database(postgres_url) as url:
        set_up(Product(None, base_environment(None, url, tmp_path), tmp_path))
        with grown(tmp_path, url, redis_url, HURRIED) as made:
            yield made


@pytest.mark.parametrize("size", ["small", "large"])
def test_who_has_the_first_password_signs_in_and_sees_meetings(size, request, visitor):
    product = request.getfixturevalue(size)
    page = visitor(product)
    page.wait_for_url("**/login/**")  # nobody is signed in here
    page.fill("[name=username]", product.user)
    page.fill("[name=password]", product.password)
    page.click("button.primary")
    page.wait_for_url(re.compile(re.escape(f"{product.web[0]}/") + "$"))
    page.wait_for_selector("html[data-link=live]")
    assert SESSION not in [cookie["value"] for cookie in page.context.cookies()]

    product.zoom.send(*day(1))
    page.wait_for_selector("#meetings article >> text=Zoë meets")
