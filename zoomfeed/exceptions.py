"""What can go wrong on the way from Zoom to the log.

RollcallError
├── TimeMayMend            try again, soon and quietly
│   ├── TokenUnavailable
│   ├── ConnectionFailed
│   └── ConnectionLost
├── PersonMustAct          say it loudly, try again rarely
│   ├── SettingMissing
│   ├── CredentialsRefused
│   └── SubscriptionRefused
└── LeaseLost              another process holds the feed

Each carries its facts as attributes and makes its sentence from them. No sentence holds a token or a secret.
"""


class RollcallError(Exception):
    """The root of the tree."""


class TimeMayMend(RollcallError):
    """Weather."""

    retry_after_s: float | None = None


class PersonMustAct(RollcallError):
    """A setting or an account is wrong."""


class TokenUnavailable(TimeMayMend):
    """The token endpoint is away, overloaded or answers nonsense."""

    def __init__(self, problem: str, retry_after_s: float | None = None) -> None:
        self.problem = problem
        self.retry_after_s = retry_after_s
        super().__init__(f"Zoom gave no access token: {problem}.")


class ConnectionFailed(TimeMayMend):
    """The socket could not be opened, or no verdict came."""

    def __init__(self, problem: str) -> None:
        self.problem = problem
        super().__init__(f"No connection to Zoom: {problem}.")


class ConnectionLost(TimeMayMend):
    """An open socket ended. `code` is the close code, None when nothing arrived for too long."""

    def __init__(self, problem: str, code: int | None = None) -> None:
        self.problem = problem
        self.code = code
        super().__init__(f"The connection to Zoom ended: {problem}.")


class SettingMissing(PersonMustAct):
    """A ZOOM_* variable is needed and empty."""

    def __init__(self, name: str, where: str) -> None:
        self.name = name
        super().__init__(f"{name} is not set. {where}")


class CredentialsRefused(PersonMustAct):
    """The token endpoint answered 400 or 401."""

    def __init__(self, status: int, reason: str) -> None:
        self.status = status
        self.reason = reason
        super().__init__(
            f"Zoom refused the app ({status}: {reason}). Copy ZOOM_ACCOUNT_ID, ZOOM_CLIENT_ID and ZOOM_CLIENT_SECRET "
            "from the app's credentials page, and see that the app is activated."
        )


class SubscriptionRefused(PersonMustAct):
    """The first frame said no, also with a fresh token of either grant."""

    def __init__(self, text: str) -> None:
        self.text = text
        super().__init__(
            f"Zoom refused the socket ({text or 'no reason given'}). Copy the endpoint of the app's event subscription "
            "into ZOOM_SUBSCRIPTION_ID; its delivery method must be WebSocket."
        )


class LeaseLost(RollcallError):
    """Another process took the feed over; what this one writes is refused."""

    def __init__(self, feed_pk: int) -> None:
        self.feed_pk = feed_pk
        super().__init__(f"Another process holds feed {feed_pk} now.")
