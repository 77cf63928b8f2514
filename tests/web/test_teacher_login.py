"""The login: guessing is slow, memory is bounded, sessions end when they should."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest
from clock import Clock
from itsdangerous import URLSafeTimedSerializer

from assistant.web.teacher_login import (
    LIFE,
    LOCK_SECONDS,
    LOCKED_AFTER,
    Brake,
    Logins,
    TooManyAttemptsError,
    WrongPasswordError,
)

SECRET = b"s" * 64
PASSWORD = "mot de passe é"


@pytest.fixture
def clock() -> Clock:
    return Clock(1_000_000.0)


@pytest.fixture
def logins(tmp_path: Path, clock: Clock) -> Logins:
    return Logins(tmp_path, SECRET, PASSWORD, clock=clock, brake=Brake(clock))


def fail(logins: Logins, client: str = "10.0.0.1") -> float:
    """Seconds to wait after one more wrong password; 0 where it was looked at."""
    try:
        logins.enter(client, "faux")
    except TooManyAttemptsError as error:
        return error.seconds
    except WrongPasswordError:
        return 0.0
    raise AssertionError("a wrong password entered")


def test_the_delay_grows_then_locks_and_is_forgiven(clock: Clock) -> None:
    brake = Brake(clock)
    told = []
    for _ in range(LOCKED_AFTER):
        while True:
            try:
                brake.begin("x")
                break
            except TooManyAttemptsError as error:
                told.append(error.seconds)
                clock.now += error.seconds
    assert told == [1, 2, 4, 8, 16, 32, 64]
    with pytest.raises(TooManyAttemptsError) as locked:
        brake.begin("x")
    assert locked.value.seconds == LOCK_SECONDS
    brake.begin("y")  # somebody else is not locked
    clock.now += 3601
    brake.begin("x")
    brake.begin("x")


def test_the_right_password_does_not_open_a_locked_door(logins: Logins, clock: Clock) -> None:
    while not (wait := fail(logins)):
        pass
    with pytest.raises(TooManyAttemptsError):
        logins.enter("10.0.0.1", PASSWORD)
    clock.now += wait
    assert logins.check(logins.enter("10.0.0.1", PASSWORD))
    assert fail(logins) == 0  # the count began again


def test_guessing_at_once_gains_nothing(logins: Logins) -> None:
    looked_at = []

    def guess() -> None:
        if not fail(logins):
            looked_at.append(1)

    threads = [threading.Thread(target=guess) for _ in range(30)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(looked_at) == 3


def test_many_addresses_are_slowed_together_and_bounded(clock: Clock) -> None:
    brake = Brake(clock)
    admitted = 0
    for number in range(300):
        try:
            brake.begin(f"client{number}")
            admitted += 1
        except TooManyAttemptsError:
            pass
    assert admitted == 60
    for number in range(12_000):
        clock.now += 3
        brake.begin(f"other{number}")
    assert len(brake) == 10_000


@pytest.mark.parametrize("guess", ["", "mot de passe", PASSWORD + " ", "é", "\ud800", "x" * 9999])
def test_only_the_password_enters(logins: Logins, guess: str) -> None:
    with pytest.raises(WrongPasswordError):
        logins.enter("a", guess)


@pytest.mark.parametrize("password", [None, ""])
def test_without_a_password_nobody_enters(tmp_path: Path, password: str | None) -> None:
    logins = Logins(tmp_path, SECRET, password)
    assert not logins.is_open
    for guess in ("", "None"):
        with pytest.raises(WrongPasswordError):
            logins.enter("a", guess)
    assert logins.check(URLSafeTimedSerializer(SECRET, salt="teacher").dumps("x")) is None


def test_a_login_survives_a_restart_and_ends_in_time(
    tmp_path: Path, logins: Logins, clock: Clock
) -> None:
    cookie = logins.enter("a", PASSWORD)
    again = Logins(tmp_path, SECRET, PASSWORD, clock=clock)
    assert again.check(cookie)
    clock.now += LIFE + 1
    assert again.check(cookie) is None


def test_a_logout_holds_for_a_copied_cookie_and_only_for_it(tmp_path: Path, logins: Logins) -> None:
    cookie, other = logins.enter("a", PASSWORD), logins.enter("a", PASSWORD)
    login = logins.check(cookie)
    assert login is not None
    logins.leave(login)
    assert logins.check(cookie) is None
    assert logins.check(other)
    assert Logins(tmp_path, SECRET, PASSWORD).check(cookie) is None


def test_another_password_or_secret_ends_every_login(tmp_path: Path, logins: Logins) -> None:
    cookie = logins.enter("a", PASSWORD)
    assert Logins(tmp_path, SECRET, "autre").check(cookie) is None
    assert Logins(tmp_path, b"t" * 64, PASSWORD).check(cookie) is None


def test_a_forged_cookie_is_nobody(logins: Logins) -> None:
    good = logins.enter("a", PASSWORD)
    for forged in (
        None, "", good[:-2], good + "x", "x", "é",
        URLSafeTimedSerializer(b"guess", salt="teacher").dumps("x"),
        URLSafeTimedSerializer(SECRET, salt="session").dumps("x"),
        URLSafeTimedSerializer(SECRET, salt="teacher").dumps({"admin": True}),
        URLSafeTimedSerializer(SECRET, salt="teacher").dumps("' OR '1'='1"),
    ):  # fmt: skip
        assert logins.check(forged) is None


def test_a_form_token_is_for_one_holder(logins: Logins) -> None:
    token = logins.form_token("anna")
    assert logins.is_form_token(token, "anna")
    for wrong, holder in ((token, "bob"), (token, None), (token, ""), ("", "anna"),
                          (token[:-1], "anna"), ("é", "anna")):  # fmt: skip
        assert not logins.is_form_token(wrong, holder)
