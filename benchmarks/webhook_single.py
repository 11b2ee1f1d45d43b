"""The product with a transaction for each webhook, for comparison."""

from dashboard.asgi import application
from zoomfeed import webhook

webhook.MOST_IN_BATCH = 1

__all__ = ["application"]
