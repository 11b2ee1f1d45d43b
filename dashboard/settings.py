"""All settings, top to bottom. The environment is read here and nowhere else; `.env` fills what it leaves open."""

from pathlib import Path
from typing import Any

from dashboard import env

BASE_DIR = Path(__file__).resolve().parent.parent
env.read_file(Path(env.text("ENV_FILE", str(BASE_DIR / ".env"))))

# Zoom. Empty: not connected. `checks` says what contradicts itself.
ZOOM_ACCOUNT_ID = env.text("ZOOM_ACCOUNT_ID")
ZOOM_CLIENT_ID = env.text("ZOOM_CLIENT_ID")
ZOOM_CLIENT_SECRET = env.text("ZOOM_CLIENT_SECRET")
ZOOM_SUBSCRIPTION_ID = env.text("ZOOM_SUBSCRIPTION_ID")
ZOOM_WEBHOOK_SECRET_TOKEN = env.text("ZOOM_WEBHOOK_SECRET_TOKEN")
ZOOM_OAUTH_GRANT = env.choice("ZOOM_OAUTH_GRANT", "client_credentials", ("client_credentials", "account_credentials"))
ZOOM_OAUTH_URL = env.text("ZOOM_OAUTH_URL") or "https://zoom.us/oauth/token"
ZOOM_WS_URL = env.text("ZOOM_WS_URL") or "wss://ws.zoom.us/ws"
ZOOM_API_URL = env.text("ZOOM_API_URL") or "https://api.zoom.us/v2"

# The demo runs on a simulated Zoom, says so on every page, and listens on loopback only.
ROLLCALL_DEMO = env.boolean("ROLLCALL_DEMO", default=False)

# Django
DEBUG = env.boolean("DEBUG", default=False)
SECRET_KEY = env.text("SECRET_KEY") or env.kept(BASE_DIR / "data" / "secret_key")
if not SECRET_KEY:
    raise env.BadSettingError(
        "SECRET_KEY", "set it to 50 or more random characters; script/bootstrap makes one in data/secret_key"
    )
PORT = env.integer("PORT", 8000, least=1, most=65535)
ALLOWED_HOSTS = env.words("ALLOWED_HOSTS", ("localhost", "127.0.0.1", "[::1]"))
if "*" in ALLOWED_HOSTS and not DEBUG:
    raise env.BadSettingError("ALLOWED_HOSTS", "name the hosts that people use; * is for DEBUG only")
CSRF_TRUSTED_ORIGINS = env.words("CSRF_TRUSTED_ORIGINS")

INSTALLED_APPS = [
    "daphne",
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "channels",
    "zoomfeed",
    "dashboard",
]

MIDDLEWARE = [
    "dashboard.middleware.SecurityHeaders",
    "django.middleware.security.SecurityMiddleware",
    "servestatic.middleware.ServeStaticMiddleware",
    "dashboard.middleware.CompressPages",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.auth.middleware.LoginRequiredMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]

ROOT_URLCONF = "dashboard.urls"
ASGI_APPLICATION = "dashboard.asgi.application"

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "dashboard.views.page.site",
            ],
        },
    },
]

# Database. Transactions of SQLite begin IMMEDIATE: one that reads and then writes fails at once beside another
# writer otherwise, whatever its timeout. FULL costs next to nothing when events are committed in batches.
DATABASES = {"default": env.database("DATABASE_URL", f"sqlite:///{BASE_DIR / 'data' / 'rollcall.sqlite3'}")}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
if DATABASES["default"]["ENGINE"].endswith("sqlite3"):
    env.make_folder(Path(DATABASES["default"]["NAME"]).parent)
    DATABASES["default"]["OPTIONS"] = {
        "transaction_mode": "IMMEDIATE",
        "timeout": 20,
        "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA journal_size_limit=67108864",
    }
else:
    DATABASES["default"]["CONN_MAX_AGE"] = 0
    DATABASES["default"]["CONN_HEALTH_CHECKS"] = True
    DATABASES["default"]["OPTIONS"] = {
        "connect_timeout": 3,
        "tcp_user_timeout": 10_000,
        "keepalives_idle": 10,  # a server that vanished between question and answer sends nothing to notice it by
        "keepalives_interval": 3,
        "keepalives_count": 3,
        "options": "-c statement_timeout=10s -c lock_timeout=5s -c idle_in_transaction_session_timeout=5s",
        **DATABASES["default"].get("OPTIONS", {}),  # what the URL says, such as sslmode
    }

# Where events wait on disk while the database is away. On another disk than the database it also bears a full one.
SPOOL_DIR = env.text("SPOOL_DIR") or str(BASE_DIR / "data" / "spool")

# For how many days what is kept; `prune` lets go of the rest. Not less than two: Zoom repeats events for 85 minutes,
# repair asks for a day, and what comes again must still be known.
KEEP_EVENTS_DAYS = env.days("KEEP_EVENTS_DAYS", least=2)
KEEP_EVENT_TYPES = env.days_by_type("KEEP_EVENT_TYPES", least=2)
KEEP_MEETINGS_DAYS = env.days("KEEP_MEETINGS_DAYS", least=2)
KEEP_PERSONAL_DATA_DAYS = env.days("KEEP_PERSONAL_DATA_DAYS", least=2)

# The bell. redis-py 8 gives sockets a read timeout of 5 s, at which idle subscribers break: name our own.
REDIS_URL = env.text("REDIS_URL")
CHANNEL_LAYERS: dict[str, Any] = {"default": {"BACKEND": "channels.layers.InMemoryChannelLayer"}}
if REDIS_URL:
    CHANNEL_LAYERS = {
        "default": {
            "BACKEND": "channels_redis.pubsub.RedisPubSubChannelLayer",
            "CONFIG": {
                "hosts": [
                    {
                        "address": REDIS_URL,
                        "socket_timeout": 15,
                        "socket_connect_timeout": 3,
                        "health_check_interval": 10,
                    }
                ],
                "prefix": "rollcall",
            },
        }
    }

# Pages that one web process keeps in step, in all and of one person
ROLLCALL_MOST_PAGES = env.integer("ROLLCALL_MOST_PAGES", 1_000, least=1, most=100_000)
ROLLCALL_MOST_PAGES_PER_USER = env.integer("ROLLCALL_MOST_PAGES_PER_USER", 20, least=1, most=100_000)

# Monitoring. Empty: there is no /metrics.
METRICS_TOKEN = env.text("METRICS_TOKEN")

# People
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in ("UserAttributeSimilarityValidator", "MinimumLengthValidator", "CommonPasswordValidator")
]
LOGIN_URL = "login"
LOGIN_REDIRECT_URL = "live"
LOGOUT_REDIRECT_URL = "login"
SESSION_COOKIE_AGE = 12 * 60 * 60

# TLS: every address beyond this machine needs it. Plain http stays possible on loopback, for a first look.
SITE_HTTPS = env.boolean("SITE_HTTPS", default=any(not env.is_loopback(host) for host in ALLOWED_HOSTS))
CSRF_COOKIE_HTTPONLY = True  # forms bring the token; no script of ours reads the cookie
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = SECURE_SSL_REDIRECT = SITE_HTTPS
SECURE_REDIRECT_EXEMPT = [r"^healthz$", r"^readyz$", r"^metrics$"]  # probes come from inside, without TLS
if SITE_HTTPS:
    # A name that begins with __Host- is taken by browsers from this very host and over TLS only.
    SESSION_COOKIE_NAME, CSRF_COOKIE_NAME = "__Host-sessionid", "__Host-csrftoken"
    SECURE_HSTS_SECONDS = 365 * 24 * 60 * 60
    SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_HSTS_PRELOAD = True
TRUSTED_PROXIES = env.boolean("TRUSTED_PROXIES", default=False)
if TRUSTED_PROXIES:
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"

DEFAULT_EXCEPTION_REPORTER_FILTER = "dashboard.reports.ReporterFilter"

LANGUAGE_CODE = "en"
TIME_ZONE = env.text("TIME_ZONE") or "UTC"
USE_TZ = True
USE_THOUSAND_SEPARATOR = False

STATIC_URL = "static/"
STATIC_ROOT = BASE_DIR / "staticfiles"
STATICFILES_DIRS = [BASE_DIR / "static"]
SERVESTATIC_ALLOW_ALL_ORIGINS = False  # nothing of ours is for the pages of others
SERVESTATIC_USE_FINDERS = SERVESTATIC_AUTOREFRESH = DEBUG
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {
        "BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"
        if DEBUG
        else "dashboard.staticfiles.HashedStorage"
    },
}

LOG_LEVEL = env.choice("LOG_LEVEL", "INFO", ("DEBUG", "INFO", "WARNING", "ERROR"))
LOG_FORMAT = env.choice("LOG_FORMAT", "text", ("text", "json"))
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "filters": {"secrets": {"()": "zoomfeed.oauth.RedactSecrets"}},
    "formatters": {
        "text": {
            "()": "dashboard.logs.TextFormatter",
            "format": "{asctime} {levelname} {name}: {message}",
            "style": "{",
        },
        "json": {"()": "dashboard.logs.JsonFormatter"},
    },
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": LOG_FORMAT, "filters": ["secrets"]}},
    "root": {"handlers": ["stderr"], "level": LOG_LEVEL},
    "loggers": {
        # The handshake line of websockets holds the token, the addresses of REST hold people's and meetings' ids, and
        # Daphne's access log holds what people search for
        "websockets": {"level": "INFO"},
        "urllib3": {"level": "INFO"},
        "websockets.server": {"level": "WARNING"},
        "daphne": {"level": "WARNING"},
        "django.channels.server": {"level": "WARNING"},
    },
}
