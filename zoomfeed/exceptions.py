"""What can go wrong on the way from Zoom to the log.

RollcallError
├── TimeMayMend            try again, soon and quietly
│   ├── TokenUnavailable
│   ├── ConnectionFailed
│   ├── ConnectionLost
│   ├── TokenRefused
│   ├── TooEarly
│   ├── Limited
│   └── Weather
├── PersonMustAct          say it loudly, try again rarely
│   ├── SettingMissing
│   ├── CredentialsRefused
│   ├── SubscriptionRefused
│   └── NotAllowed
├── NotKnown               Zoom has no answer to this question, and will have none
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

    def __init__(self, problem: str, retry_after_s: float | None = None) -> None:
        self.problem = problem
        self.retry_after_s = retry_after_s
        super().__init__(f"No connection to Zoom: {problem}.")


class ConnectionLost(TimeMayMend):
    """An open socket ended. `code` is the close code, None when nothing arrived for too long.

    `heard_until_s`, in seconds since the epoch: what Zoom made after it may not have come, though a frame was read
    later than that. None: nothing is known but when the last frame was read.
    """

    def __init__(self, problem: str, code: int | None = None, heard_until_s: float | None = None) -> None:
        self.problem = problem
        self.code = code
        self.heard_until_s = heard_until_s
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


class TokenRefused(TimeMayMend):
    """Zoom's REST took neither the token that we had nor a fresh one."""

    def __init__(self, sentence: str) -> None:
        self.sentence = sentence
        super().__init__(f"Zoom's REST refused a fresh token ({sentence or 'no reason given'}).")


class TooEarly(TimeMayMend):
    """Zoom does not know the end of a run yet, or has not yet counted who was in it."""

    def __init__(self) -> None:
        super().__init__("Zoom does not tell yet how the meeting went.")


class Limited(TimeMayMend):
    """The account has asked too often, by whichever of its apps. `daily`: nothing more before `retry_after_s`."""

    def __init__(self, label: str, retry_after_s: float, *, daily: bool) -> None:
        self.label = label
        self.retry_after_s: float = retry_after_s
        self.daily = daily
        span = "a day" if daily else "a second"
        super().__init__(f"The account's limit of {label} calls {span} is used up.")


class Weather(TimeMayMend):
    """Zoom's REST is away, overloaded or answers nonsense."""

    def __init__(self, problem: str) -> None:
        self.problem = problem
        super().__init__(f"Zoom's REST did not answer: {problem}.")


class NotAllowed(PersonMustAct):
    """The app lacks a scope, or the account a plan."""

    def __init__(self, sentence: str, scope: str, plan: str) -> None:
        self.sentence = sentence
        self.scope = scope
        self.plan = plan
        super().__init__(
            f"Zoom does not allow it ({sentence or 'no reason given'}). Give the app the scope {scope}; "
            f"the account needs {plan}."
        )


class NotKnown(RollcallError):
    """A meeting or a user that Zoom does not know, or no longer."""

    def __init__(self, sentence: str) -> None:
        self.sentence = sentence
        super().__init__(f"Zoom does not know it ({sentence or 'no reason given'}).")
