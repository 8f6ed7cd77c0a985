"""The sentences: there is one for every reason, and none says more than it should."""

import pytest
from flask.testing import FlaskClient

from connector.errors import ChangeRefused, KeyDead, KeyMistyped, RescueReason, SignInRefused, Throttled
from connector.model import DeadKeyReason, Reason, Refusal, Strength, masked
from connector.passwords import PasswordPolicy
from webui import messages, rules


def test_every_reason_has_its_sentences(client: FlaskClient) -> None:
    with client.application.test_request_context():
        for reason in Reason:
            assert rules.refusal(Refusal(reason, 2, "é")).endswith(".")
            assert rules.rule(Refusal(reason, 2))
        for why in RescueReason:
            assert messages.field_problems(ChangeRefused((), why))["rescue"]
        for dead in DeadKeyReason:
            assert all(messages.key_dead(KeyDead(dead))[:2])
        assert len({rules.strength_label(strength) for strength in Strength}) == len(Strength)


@pytest.mark.parametrize("plain", [Reason.TOO_SHORT, Reason.PERSONAL, Reason.COMMON])
def test_a_plainer_reason_silences_that_it_is_weak_as_well(client: FlaskClient, plain: Reason) -> None:
    weak, accent = Refusal(Reason.TOO_WEAK, 1), Refusal(Reason.FORBIDDEN_CHARACTER, found="é")
    with client.application.test_request_context():
        assert rules.refusals([Refusal(plain, 10), weak]) == [rules.refusal(Refusal(plain, 10))]
        assert rules.refusals([accent, weak]) == [rules.refusal(accent), rules.refusal(weak)]


def test_every_character_at_fault_is_named_and_a_space_that_nobody_sees_too(client: FlaskClient) -> None:
    with client.application.test_request_context():
        several = rules.refusal(Refusal(Reason.FORBIDDEN_CHARACTER, found="é, è, U+00A0"))
        one = rules.refusal(Refusal(Reason.FORBIDDEN_CHARACTER, found="U+202F"))
    assert several.startswith("Ces caractères ne sont pas acceptés\N{NO-BREAK SPACE}: é, è, espace insécable.")
    assert one.startswith("Ce caractère n’est pas accepté\N{NO-BREAK SPACE}: espace insécable.")


@pytest.mark.parametrize(
    ("policy", "told"),
    [
        (PasswordPolicy(), "Au moins 10 caractères, dont 2 chiffres ou signes, sans accent."),
        (
            PasswordPolicy(min_length=15, min_non_letters=1),
            "Au moins 15 caractères, dont 1 chiffre ou signe, sans accent.",
        ),
        (PasswordPolicy(min_non_letters=0), "Au moins 10 caractères, sans accent."),
    ],
)
def test_the_rules_in_one_line_are_those_of_the_policy(client: FlaskClient, policy: PasswordPolicy, told: str) -> None:
    with client.application.test_request_context():
        assert rules.in_short(policy.rules()) == told


@pytest.mark.parametrize(
    ("address", "shown"),
    [("jeanne@gmail.com", "j***@g***.com"), ("é@sous.domaine.exemple.fr", "é***@s***.fr"), ("a@b.fr", "a***@b***.fr")],
)
def test_masking_tells_neither_name_nor_length(address: str, shown: str) -> None:
    assert masked(address) == shown


@pytest.mark.parametrize(("seconds", "told"), [(61, "2 minutes"), (5400, "90 minutes"), (5401, "2 heures")])
def test_a_long_wait_is_told_in_hours_and_never_too_short(client: FlaskClient, seconds: int, told: str) -> None:
    with client.application.test_request_context():
        assert f"réessayez dans {told}." in messages.throttled(Throttled("ask_per_source", seconds)).advice


def test_too_often_is_told_at_the_field_that_it_is_about(client: FlaskClient) -> None:
    with client.application.test_request_context():
        limits = ("rescue_changes_per_account", "sign_in_per_identifier")
        told = [list(messages.field_problems(Throttled(limit, 60))) for limit in limits]
    assert told == [["rescue"], ["current_password"]]


def test_what_was_wrong_with_a_key_is_told_apart(client: FlaskClient) -> None:
    with client.application.test_request_context():
        assert len({messages.key_dead(KeyDead(dead)).advice for dead in DeadKeyReason}) == len(DeadKeyReason)
        told = [messages.sign_in_refused(error, "la loge").advice for error in (SignInRefused(), KeyMistyped())]
    assert ["faute de frappe" in advice for advice in told] == [False, True]


@pytest.mark.parametrize("strength", [Strength.MEDIUM, Strength.STRONG])
def test_the_rule_names_the_strength_that_is_asked_for(client: FlaskClient, strength: Strength) -> None:
    with client.application.test_request_context():
        assert rules.strength_label(strength) in rules.rule(Refusal(Reason.TOO_WEAK, strength))
