"""Where is Jane?"""

from django.http import HttpResponse

from dashboard import people as directory
from dashboard.views.page import SeenRequest, page_for, read_head, render_page
from zoomfeed import acts
from zoomfeed.models import Deed
from zoomfeed.viewer import Right


@page_for(Right.MEETINGS)
def people(request: SeenRequest) -> HttpResponse:
    head = read_head()
    asked = directory.PeopleQuery(request.GET)
    found = directory.Found(request.viewer, asked, directory.now(request.viewer))
    if found.words and request.viewer.names:
        acts.note(request.user, Deed.LOOKED_UP, f"people: {asked.text}")
    context = {
        "here": "people",
        "stream_url": f"/ws/people/?{asked.canonical()}" if asked.is_valid() else "",
        "form": asked,
        "found": found,
        "length": directory.PAGE,
        "seen_length": directory.SEEN,
    }
    return render_page(request, "people/people.html", head, context)
