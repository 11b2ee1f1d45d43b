"""Who works at the simulated organisation, who visits it, and what their meetings are called.

A university with a hospital: people and topics in many languages and scripts, because the names that break a page
are the ones that its makers did not think of. Nobody here exists; addresses are in domains reserved for examples
(RFC 2606), telephone numbers in the range reserved for fiction.
"""

import base64
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cache
from random import Random

LANGUAGES: tuple[tuple[str, str, str], ...] = (
    ("Alice Benjamin Charlotte Grace Oliver Siobhán", "Abernathy O’Connor Okonkwo Smith-Jones Taylor", "{0} {1}"),
    ("Zoë Jürgen Käthe Björn Åsa Søren", "Müller Großmann Weiß Ångström Sjöberg Østergård", "{0} {1}"),
    ("Anaïs François Hélène Noël", "Lefèvre Garçon D’Août Bœuf", "{0} {1}"),
    ("José Íñigo Begoña João Conceição", "Núñez Muñoz Gonçalves Guimarães", "{0} {1}"),
    ("Małgorzata Šárka Kateřina", "Żółkiewska Dvořáková Říhová", "{0} {1}"),
    ("Łukasz Zdeněk Đorđe", "Wójcik Dvořák Šašić", "{0} {1}"),
    ("İpek Şükrü Çağla Ömer", "Yıldız Öztürk Ağaoğlu Güneş", "{0} {1}"),
    ("Nguyễn Trần Phạm Đặng", "Thị·Hương Văn·Đức Quỳnh·Ánh Minh·Tuấn", "{0} {1}"),
    ("Szabó Kővári Nagy Tóth", "Zsófia Gergő Ágnes Ödön", "{0} {1}"),
    ("Ольга Наталія", "Иванова Щербакова Ковальчук", "{0} {1}"),
    ("Дмитрий Ђорђе", "Щербаков Јовановић Ковальчук", "{0} {1}"),
    ("Ελένη Αικατερίνη", "Παπαδοπούλου Ιωάννου Χατζηδάκη", "{0} {1}"),
    ("محمد فاطمة ليلى يوسف", "الخطيب المصري حداد أبو·زيد", "{0} {1}"),
    ("שרה דוד נועה יצחק", "כהן לוי בן־דוד מזרחי", "{0} {1}"),
    ("زهرا رضا پریسا", "احمدی کریمی پورحسینی", "{0} {1}"),
    ("王 李 欧阳 張", "伟 秀英 小龍 思远", "{0}{1}"),
    ("佐藤 鈴木 髙橋 渡邉", "花子 健一 さくら 翔太", "{0} {1}"),
    ("김 이 박 남궁", "민준 서연 지우 하윤", "{0}{1}"),
    ("प्रिया अर्जुन लक्ष्मी", "शर्मा पटेल कृष्णमूर्ति", "{0} {1}"),
    ("தமிழ்ச்செல்வி முருகன்", "சுப்பிரமணியன் இராமன்", "{0} {1}"),
    ("สมชาย ศิริพร ณัฐวุฒิ", "แก้วใส ทองดี ศรีสุวรรณ", "{0} {1}"),
    ("გიორგი ნინო", "ბერიძე მაისურაძე", "{0} {1}"),
    ("አበበ ትዕግሥት", "ከበደ ተስፋዬ", "{0} {1}"),
)
"""Names that come first, names that come second (a raised dot stands for a space inside one), how they are put."""

DECORATED = 0.2
DECORATIONS = ("Dr. {}", "Prof. {}", "{} | Radiology", "{} – Ward 7", "{} 🎧", "🎓 {}", "{} 🧑🏽‍⚕️")
DEVICE_NAMES = ("iPhone", "iPad (2)", "Galaxy S24", "Seminar room 2.14", "X-Ray PC 3", "user", "👻")

LECTURES = (
    "Linear Algebra II", "Introduction à l’histoire de l’art", "Molekulare Zellbiologie – Übung", "线性代数 第七讲",
    "有機化学 第5回", "Теория вероятностей, семинар", "مدخل إلى علم الاجتماع", "מבוא למדעי המחשב", "한국 근대사 세미나",
    "भारतीय दर्शन: व्याख्यान ४", "Κλασική Φιλολογία", "ชีวเคมีพื้นฐาน", "Anatomy for nurses: the heart 🫀",
    "Statistics with <R> & \"Python\"", "Økonomi og etikk", "Diferenciální rovnice",
)  # fmt: skip
CLINICS = (
    "Tumour board", "Handover ward 7", "Übergabe Station 3B", "مناوبة قسم الطوارئ", "救急カンファレンス",
    "Утренняя планёрка", "ישיבת צוות כירורגיה", "Réunion de concertation – oncologie",
    "Radiology case conference 🩻", "ICU morning round", "Telemedicine consultation", "病房交班",
    "Sesión clínica de pediatría",
)  # fmt: skip
TEAM_MEETINGS = (
    "Stand-up", "Jour fixe IT-Betrieb", "Kitchen rota 🍲", "Faculty board", "Réunion d’équipe",
    "週次ミーティング", "주간 회의", "Совещание кафедры", "Reunião do projeto", "Budget 2027: first draft",
    "Library working group", "اجتماع الفريق", "Toplantı: Öğrenci işleri", "Onboarding", "1:1", "Zoom Meeting",
    "Spotkanie zespołu",
)  # fmt: skip
OPEN_HOURS = ("Office hours", "Sprechstunde Studienberatung", "Permanence administrative", "相談室", "Консультация")
WEBINARS = (
    "Open day: studying medicine", "Inaugural lecture: the quiet universe 🌌", "公開講座:健康な睡眠",
    "Tag der offenen Tür", "Public health after the pandemic", "Conférence publique – l’eau",
    "ندوة: الذكاء الاصطناعي في الطب",
)  # fmt: skip

TIMEZONES = ("Europe/Vienna", "America/New_York", "Asia/Tokyo", "Asia/Kolkata", "Africa/Lagos", "UTC", "")


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody who comes to meetings, with the ids by which Zoom knows them; a plain guest has none."""

    name: str
    zoom_id: str = ""
    email: str = ""
    customer_key: str = ""
    registrant_id: str = ""
    phone: str = ""

    @property
    def identity(self) -> str:
        """What tells that two visits are of the same person; "" when nothing does."""
        return self.zoom_id or self.customer_key or self.registrant_id


@cache
def staff(seed: int, size: int = 160) -> tuple[Person, ...]:
    """The people with an account at the organisation, the same on every day of a seed."""
    rng = Random(f"staff/{seed}")
    return tuple(
        Person(full_name(rng), zoom_id=opaque_id(rng), email=f"{rng.choice('abkmrst')}{number:04}@example.edu")
        for number in range(1, size + 1)
    )


def cast(
    seed: int,
    rng: Random,
    *,
    size: int,
    host: Person,
    staff_share: float = 0.6,
    stranger: Callable[[Random], Person] | None = None,
) -> list[Person]:
    """Who comes to a meeting besides its host: some of the staff, the others strangers (guests, if not said)."""
    colleagues = [person for person in staff(seed) if person != host]
    of_staff = round(size * staff_share)
    found = rng.sample(colleagues, of_staff) + [(stranger or guest)(rng) for _ in range(size - of_staff)]
    rng.shuffle(found)
    return found


def guest(rng: Random) -> Person:
    """Somebody from elsewhere, of whom Zoom tells nothing but the name they typed."""
    return Person(full_name(rng) if rng.random() < 0.85 else rng.choice(DEVICE_NAMES))


def known_guest(rng: Random) -> Person:
    """A guest whose link carried a key of ours."""
    return replace(guest(rng), customer_key=f"{rng.getrandbits(128):032x}")


def registrant(rng: Random) -> Person:
    """A guest who registered for a webinar."""
    return replace(guest(rng), registrant_id=opaque_id(rng))


def caller(rng: Random) -> Person:
    """Somebody who dials in: a number, and for a name the number with its middle hidden."""
    last = rng.randint(100, 199)
    return Person(f"1202***0{last}", phone=f"12025550{last}")


def full_name(rng: Random) -> str:
    """A name as somebody may have typed it."""
    first, second, form = rng.choice(LANGUAGES)
    name = form.format(rng.choice(first.split()), rng.choice(second.split())).replace("·", " ")
    return rng.choice(DECORATIONS).format(name) if rng.random() < DECORATED else name


def opaque_id(rng: Random) -> str:
    """An id as Zoom makes them for users, hosts and registrations: 22 characters of base64url."""
    return base64.urlsafe_b64encode(rng.randbytes(16)).decode().rstrip("=")
