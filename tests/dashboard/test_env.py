from pathlib import Path

import pytest

from dashboard import env

NAME = "ROLLCALL_TEST_SETTING"


@pytest.fixture(autouse=True)
def clean(monkeypatch):
    monkeypatch.delenv(NAME, raising=False)
    monkeypatch.delenv(f"{NAME}_FILE", raising=False)


def refusal(capfd, read, *args, **kwargs):
    """What a reader says when it refuses."""
    with pytest.raises(env.BadSettingError) as caught:
        read(NAME, *args, **kwargs)
    assert caught.value.code == 78
    said = capfd.readouterr().err
    assert said.startswith(NAME)
    assert said.count("\n") == 1
    return said


def test_an_unset_or_empty_variable_is_its_default(monkeypatch):
    assert env.text(NAME, "fallback") == "fallback"

    monkeypatch.setenv(NAME, "  ")

    assert env.text(NAME, "fallback") == "fallback"
    assert env.boolean(NAME, default=True) is True
    assert env.integer(NAME, 8000, least=1, most=65535) == 8000
    assert env.words(NAME, ("a", "b")) == ["a", "b"]
    assert env.choice(NAME, "text", ("text", "json")) == "text"


def test_a_secret_may_stand_in_a_file(monkeypatch, tmp_path):
    (tmp_path / "secret").write_text("hush\n")
    monkeypatch.setenv(f"{NAME}_FILE", str(tmp_path / "secret"))

    assert env.text(NAME) == "hush"


def test_a_file_that_cannot_be_read_is_named(monkeypatch, capfd):
    monkeypatch.setenv(f"{NAME}_FILE", "/nowhere/secret")

    assert "/nowhere/secret" in refusal(capfd, env.text)


def test_a_value_and_a_file_contradict_each_other(monkeypatch, capfd):
    monkeypatch.setenv(NAME, "hush")
    monkeypatch.setenv(f"{NAME}_FILE", "/nowhere/secret")

    assert "keep one" in refusal(capfd, env.text)


@pytest.mark.parametrize(("value", "meant"), [("1", True), ("TRUE", True), ("on", True), ("no", False), ("0", False)])
def test_a_switch_has_many_spellings(monkeypatch, value, meant):
    monkeypatch.setenv(NAME, value)

    assert env.boolean(NAME, default=not meant) is meant


def test_a_switch_that_is_neither_is_refused_with_what_it_accepts(monkeypatch, capfd):
    monkeypatch.setenv(NAME, "perhaps")

    assert "true or false, not 'perhaps'" in refusal(capfd, env.boolean, default=False)


@pytest.mark.parametrize("value", ["0", "65536", "-1", "8e3", "٨", "x"])
def test_a_number_out_of_bounds_is_refused_with_the_bounds(monkeypatch, capfd, value):
    monkeypatch.setenv(NAME, value)

    assert "from 1 to 65535" in refusal(capfd, env.integer, 8000, least=1, most=65535)


def test_words_are_separated_by_commas(monkeypatch):
    monkeypatch.setenv(NAME, " a.example.org, ,b.example.org ")

    assert env.words(NAME) == ["a.example.org", "b.example.org"]


def test_a_word_that_is_not_offered_is_refused_with_those_that_are(monkeypatch, capfd):
    monkeypatch.setenv(NAME, "xml")

    assert "text, json" in refusal(capfd, env.choice, "text", ("text", "json"))


@pytest.mark.parametrize(
    "url", ["mysql://root:hunter2@localhost/x", "postgres://", "hunter2", "postgres://u:hunter2@h:port/x"]
)
def test_a_database_url_is_refused_without_its_password(monkeypatch, capfd, url):
    monkeypatch.setenv(NAME, url)

    assert "hunter2" not in refusal(capfd, env.database, "sqlite:///x")


def test_a_dotenv_file_fills_only_what_the_environment_leaves_open(monkeypatch, tmp_path):
    monkeypatch.setenv("ROLLCALL_TEST_A", "environment")
    monkeypatch.setenv("ROLLCALL_TEST_B", "")
    monkeypatch.delenv("ROLLCALL_TEST_B")
    (tmp_path / ".env").write_text("ROLLCALL_TEST_A=file\nROLLCALL_TEST_B=file\n")

    env.read_file(tmp_path / ".env")

    assert (env.text("ROLLCALL_TEST_A"), env.text("ROLLCALL_TEST_B")) == ("environment", "file")


def test_no_dotenv_file_is_no_error(tmp_path):
    env.read_file(tmp_path / "missing")


def test_a_kept_value_is_read_and_a_missing_one_is_empty(tmp_path):
    (tmp_path / "key").write_text("kept\n")

    assert env.kept(tmp_path / "key") == "kept"
    assert env.kept(tmp_path / "other") == ""


def test_a_data_folder_is_closed_to_others(tmp_path):
    env.make_folder(tmp_path / "a" / "data")

    assert Path(tmp_path / "a" / "data").stat().st_mode & 0o777 == 0o700


@pytest.mark.parametrize(
    ("host", "stays"),
    [("localhost", True), ("[::1]", True), ("localhost.evil.example", False), ("127.evil.example", False)],
)
def test_only_names_of_this_machine_are_loopback(host, stays):
    assert env.is_loopback(host) is stays


def test_for_how_many_days(monkeypatch, capfd):
    assert env.days(NAME, least=2) is None
    monkeypatch.setenv(NAME, "forever")
    assert env.days(NAME, least=2) is None
    monkeypatch.setenv(NAME, "30")
    assert env.days(NAME, least=2) == 30
    monkeypatch.setenv(NAME, "1")
    assert "forever or a number of days from 2" in refusal(capfd, env.days, least=2)


def test_for_how_many_days_by_type(monkeypatch):
    monkeypatch.setenv(NAME, "meeting.participant_qos*=30, user.*=forever")
    assert env.days_by_type(NAME, least=2) == {"meeting.participant_qos*": 30, "user.*": None}


@pytest.mark.parametrize(
    "value", ["meeting.*", "meeting.*=", "meeting.*=1", "meeting.*=x", "a b=30", "a=30,a=40", "=30"]
)
def test_rules_that_say_nothing_clear_are_refused(monkeypatch, capfd, value):
    monkeypatch.setenv(NAME, value)
    refusal(capfd, env.days_by_type, least=2)
