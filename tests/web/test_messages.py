"""The sentences: there is one for every reason, and none says more than it should."""

import pytest
from flask.testing import FlaskClient

from connector.errors import ChangeRefused, DeadKeyReason, KeyDead, RescueReason
from connector.model import Reason, Refusal, Strength
from webui import messages


def test_every_reason_has_its_sentences(client: FlaskClient) -> None:
    with client.application.test_request_context():
        for reason in Reason:
            assert messages.refusal(Refusal(reason, 2, "é")).endswith(".")
            assert messages.rule(Refusal(reason, 2))
        for why in RescueReason:
            assert messages.field_problems(ChangeRefused((), why))["rescue"]
        for dead in DeadKeyReason:
            assert all(messages.key_dead(KeyDead(dead)))
        assert len({messages.strength_label(strength) for strength in Strength}) == len(Strength)


@pytest.mark.parametrize(
    ("address", "shown"),
    [("jeanne@gmail.com", "j***@g***.com"), ("é@sous.domaine.exemple.fr", "é***@s***.fr"), ("a@b.fr", "a***@b***.fr")],
)
def test_masking_tells_neither_name_nor_length(address: str, shown: str) -> None:
    assert messages.masked(address) == shown
