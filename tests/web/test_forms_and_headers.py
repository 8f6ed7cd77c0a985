"""The pages without a directory: headers, forms, sentences, session. The journeys run on the real portal elsewhere.

``ScriptedPortal`` answers as it is told and holds no rule of ours; settings and password policy are the real ones.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, cast

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from connector import errors
from connector.choices import Judge
from connector.model import Account, AccountState, By, Done, Proof, Reason, Refusal, Status
from connector.passwords import PasswordPolicy
from connector.settings import Settings, build
from webui import create_app, messages

JEANNE = Account(
    dn="uid=jmartin001,ou=people,dc=univ,dc=example",
    uid="jmartin001",
    name="Jeanne Martin",
    state=AccountState(Status.TO_ACTIVATE),
    rescue="jeanne.martin@gmail.example.fr",
)
ALL_DONE = Done(JEANNE, activated=True, password_changed=True, rescue_changed=True)
PASSWORD = "Trois-chaloupes-4-voiles"
KEY = "K7QF9-M2XT4-RD8HC"
DESK = "Bâtiment K, bureau K103, du lundi au vendredi, 9 h – 17 h"


def make_settings(**web: Any) -> Settings:
    tree: dict[str, dict[str, Any]] = {
        "web": {
            "portal_url": "https://compte.univ.example/",
            "secret_key": "s" * 40,
            "title": "Université des Trois-Rivières",
            "desk": DESK,
            "secure_cookies": False,
            "assistance_url": "https://univ.example/assistance",
            "help_url": "https://univ.example/aide",
            **web,
        },
        "directory": {
            "uri": "ldapi:///",
            "bind_dn": "cn=portail,dc=univ",
            "password": "x",
            "people_dn": "ou=people,dc=univ",
            "decoy_dn": "cn=leurre,dc=univ",
        },
        "mail": {"sender": "compte@univ.example"},
    }
    return build(tree, "test", {})


@dataclass
class ScriptedPortal:
    """Raises or returns what the test put on it, and remembers what it was asked."""

    settings: Settings = field(default_factory=make_settings)
    policy: PasswordPolicy = field(default_factory=PasswordPolicy)
    judge: Judge = Judge(PasswordPolicy(), ("univ.example",))  # noqa: RUF009 (frozen)
    instant: datetime = datetime(2026, 9, 1, 8, 0, tzinfo=UTC)
    account: Account = JEANNE
    by: By = By.KEY
    error: Exception | None = None
    done: Done = ALL_DONE
    asked: list[tuple[object, ...]] = field(default_factory=list)

    def now(self) -> datetime:
        return self.instant

    def _answer(self, *asked: object) -> None:
        self.asked.append(asked)
        if self.error:
            raise self.error

    def sign_in(self, identifier: str, secret: str) -> Proof:
        self._answer("sign_in", identifier, secret)
        return Proof(self.account, self.by, "mark-1")

    def request_key(self, identifier: str) -> None:
        self._answer("request_key", identifier)

    def revisit(self, uid: str, by: By, mark: str) -> Account:
        if isinstance(self.error, errors.SessionStale | errors.DirectoryUnavailable):
            raise self.error
        return self.account

    def redeem_key(self, uid: str, mark: str, password: str, rescue: str | None) -> Done:
        self._answer("redeem_key", uid, mark, password, rescue)
        return self.done

    def change(self, uid: str, mark: str, current_password: str, password: str | None, rescue: str | None) -> Done:
        self._answer("change", uid, mark, current_password, password, rescue)
        return self.done


def make_app(portal: ScriptedPortal) -> Flask:
    return create_app(cast("Any", portal))


@pytest.fixture
def portal() -> ScriptedPortal:
    return ScriptedPortal()


@pytest.fixture
def client(portal: ScriptedPortal) -> FlaskClient:
    return make_app(portal).test_client()


def token(client: FlaskClient) -> str:
    found = re.search(r'name="csrf_token" value="([^"]+)"', client.get("/").text)
    assert found
    return found[1]


def post(client: FlaskClient, path: str, **typed: str) -> TestResponse:
    return client.post(path, data={"csrf_token": token(client), **typed})


def signed_in(client: FlaskClient) -> FlaskClient:
    assert post(client, "/connexion", identifier="jmartin001", secret=KEY).status_code == 303
    return client


def without_token(page: str) -> str:
    return re.sub(r'(name="csrf_token" value=")[^"]+', r"\1", page)


class TestSignIn:
    def test_success_opens_a_session_and_goes_on_by_a_relative_redirect(self, client: FlaskClient) -> None:
        answer = post(client, "/connexion", identifier=" jmartin001 ", secret=KEY)
        assert (answer.status_code, answer.headers["Location"]) == (303, "/mot-de-passe")
        assert "Jeanne Martin" in client.get("/mot-de-passe").text

    def test_the_secret_reaches_the_portal_untouched_and_the_identifier_stripped(
        self, client: FlaskClient, portal: ScriptedPortal
    ) -> None:
        post(client, "/connexion", identifier=" jmartin001 ", secret=" Ab 1-é ")
        assert portal.asked == [("sign_in", "jmartin001", " Ab 1-é ")]

    def test_the_refusal_is_the_same_byte_for_byte_whatever_was_wrong(
        self, client: FlaskClient, portal: ScriptedPortal
    ) -> None:
        portal.error = errors.SignInRefused()
        pages = [post(client, "/connexion", identifier="jmartin001", secret=s) for s in ("wrong", KEY, "x" * 40)]
        assert {page.status_code for page in pages} == {422}
        assert len({without_token(page.text) for page in pages}) == 1

    @pytest.mark.parametrize("error", [errors.SignInRefused(), errors.KeyMistyped()])
    def test_a_refusal_keeps_the_identifier_and_never_the_secret(
        self, client: FlaskClient, portal: ScriptedPortal, error: Exception
    ) -> None:
        portal.error = error
        page = post(client, "/connexion", identifier="jmartin001", secret="Un-secret-bien-a-moi").text
        assert 'value="jmartin001"' in page
        assert "Un-secret-bien-a-moi" not in page
        assert 'role="alert"' in page

    def test_an_empty_form_is_told_both_fields_and_asks_the_portal_nothing(
        self, client: FlaskClient, portal: ScriptedPortal
    ) -> None:
        page = post(client, "/connexion")
        assert page.status_code == 422
        assert 'href="#identifier"' in page.text
        assert 'href="#secret"' in page.text
        assert portal.asked == []

    @pytest.mark.parametrize(("name", "length"), [("identifier", 129), ("secret", 1025)])
    def test_nothing_over_its_bound_reaches_the_portal(
        self, client: FlaskClient, portal: ScriptedPortal, name: str, length: int
    ) -> None:
        typed = {"identifier": "jmartin001", "secret": KEY, name: "x" * length}
        assert post(client, "/connexion", **typed).status_code == 422
        assert portal.asked == []

    def test_a_dead_key_says_until_when_in_local_time_and_offers_a_fresh_one(
        self, client: FlaskClient, portal: ScriptedPortal
    ) -> None:
        ended = datetime(2026, 8, 31, 10, 5, tzinfo=UTC)
        portal.error = errors.KeyDead(errors.DeadKeyReason.EXPIRED, ended)
        page = post(client, "/connexion", identifier="jmartin001", secret=KEY)
        assert page.status_code == 422
        assert "31 août 2026 à 12 h 05" in page.text
        assert '<input type="hidden" name="identifier" value="jmartin001">' in page.text
        assert KEY not in page.text

    def test_signing_in_starts_from_an_empty_session(self, client: FlaskClient) -> None:
        with client.session_transaction() as session:
            session["planted"] = "by somebody else"
        signed_in(client)
        with client.session_transaction() as session:
            assert set(session) == {"uid", "by", "mark", "opened"}


class TestForgotten:
    def test_the_answer_is_always_the_same(self, client: FlaskClient, portal: ScriptedPortal) -> None:
        answers = [post(client, "/oubli", identifier=who) for who in ("jmartin001", "nobody", "0123456789A")]
        assert {(a.status_code, a.headers["Location"]) for a in answers} == {(303, "/oubli/envoye")}
        assert [asked[1] for asked in portal.asked] == ["jmartin001", "nobody", "0123456789A"]

    def test_the_page_after_tells_spam_lifetime_pause_and_desk(self, client: FlaskClient) -> None:
        page = client.get("/oubli/envoye").text
        for fact in ("spam", "24 heures", "5 minutes", DESK, 'href="/#connexion"'):
            assert fact in page

    def test_the_box_names_the_student_number_only_where_it_is_accepted(self) -> None:
        taken = make_settings()
        taken = taken.model_copy(update={"identifiers": taken.identifiers.model_copy(update={"student_number": True})})
        pages = [make_app(ScriptedPortal(settings=s)).test_client().get("/").text for s in (taken, make_settings())]
        assert ["numéro d’étudiant" in page for page in pages] == [True, False]


class TestNewPassword:
    def test_after_a_key_one_act_gives_both_and_the_session_can_do_no_more(
        self, client: FlaskClient, portal: ScriptedPortal
    ) -> None:
        signed_in(client)
        typed = {"password": PASSWORD, "confirmation": PASSWORD, "rescue": " j@exemple.fr "}
        answer = post(client, "/mot-de-passe", **typed)
        assert (answer.status_code, answer.headers["Location"]) == (303, "/fait")
        assert portal.asked[-1] == ("redeem_key", "jmartin001", "mark-1", PASSWORD, "j@exemple.fr")
        assert "activé" in client.get("/fait").text
        assert client.get("/mot-de-passe").headers["Location"] == "/"
        with client.session_transaction() as session:
            assert "jmartin001" not in str(dict(session))

    def test_an_empty_rescue_field_means_keep(self, client: FlaskClient, portal: ScriptedPortal) -> None:
        signed_in(client)
        post(client, "/mot-de-passe", password=PASSWORD, confirmation=PASSWORD, rescue="  ")
        assert portal.asked[-1][-1] is None

    def test_all_refusals_at_once_beside_their_fields_and_in_the_summary(
        self, client: FlaskClient, portal: ScriptedPortal
    ) -> None:
        signed_in(client)
        refusals = (Refusal(Reason.TOO_SHORT, 10), Refusal(Reason.IN_HISTORY))
        portal.error = errors.ChangeRefused(refusals, errors.RescueReason.OWN_DOMAIN)
        answer = post(client, "/mot-de-passe", password=PASSWORD, confirmation=PASSWORD, rescue="j@univ.example")
        assert answer.status_code == 422
        assert answer.text.count('href="#password"') == 2
        assert answer.text.count('href="#rescue"') == 1
        assert 'aria-describedby="password-errors rules" aria-invalid="true"' in answer.text
        assert 'value="j@univ.example"' in answer.text
        assert PASSWORD not in answer.text

    def test_a_wrong_confirmation_does_not_hide_what_else_is_wrong(
        self, client: FlaskClient, portal: ScriptedPortal
    ) -> None:
        signed_in(client)
        page = post(client, "/mot-de-passe", password="court", confirmation="long", rescue="j@univ.example").text
        assert '<a href="#password">Trop court' in page
        assert '<a href="#rescue">C’est une adresse de l’université' in page
        assert 'href="#confirmation"' in page
        assert portal.asked[-1][0] == "sign_in"

    def test_the_rescue_address_on_file_is_masked(self, client: FlaskClient) -> None:
        page = signed_in(client).get("/mot-de-passe").text
        assert "j***@g***.fr" in page
        assert "gmail" not in page

    def test_the_rules_shown_before_typing_are_those_of_the_policy(
        self, client: FlaskClient, portal: ScriptedPortal
    ) -> None:
        page = signed_in(client).get("/mot-de-passe").text
        assert re.findall(r'data-rule="([^"]+)"', page) == [rule.reason.value for rule in portal.policy.rules()]
        assert "au moins 10 caractères" in page

    def test_password_managers_find_the_login_and_the_right_tokens(self, client: FlaskClient) -> None:
        page = signed_in(client).get("/mot-de-passe").text
        assert 'value="jmartin001" readonly autocomplete="username"' in page
        assert page.count('autocomplete="new-password"') == 2
        assert page.count('autocomplete="email"') == 1


class TestChange:
    @pytest.fixture
    def portal(self) -> ScriptedPortal:
        return ScriptedPortal(by=By.PASSWORD, account=Account(dn="", uid="jmartin001", name="Jeanne Martin"))

    def test_the_current_password_goes_along_and_empty_fields_mean_keep(
        self, client: FlaskClient, portal: ScriptedPortal
    ) -> None:
        signed_in(client)
        post(client, "/mot-de-passe", current_password="Ancien-9-mot", rescue="j@exemple.fr")
        assert portal.asked[-1] == ("change", "jmartin001", "mark-1", "Ancien-9-mot", None, "j@exemple.fr")

    def test_without_the_current_password_the_portal_is_not_asked(
        self, client: FlaskClient, portal: ScriptedPortal
    ) -> None:
        signed_in(client)
        assert 'href="#current-password"' in post(client, "/mot-de-passe", rescue="j@exemple.fr").text
        assert portal.asked[-1][0] == "sign_in"

    @pytest.mark.parametrize(
        ("error", "where"), [(errors.ProofRefused(), "current-password"), (errors.NothingToChange(), "password")]
    )
    def test_a_refusal_points_to_its_field(
        self, client: FlaskClient, portal: ScriptedPortal, error: Exception, where: str
    ) -> None:
        signed_in(client)
        portal.error = error
        answer = post(client, "/mot-de-passe", current_password="Ancien-9-mot")
        assert answer.status_code == 422
        assert f'href="#{where}"' in answer.text

    def test_a_wrong_current_password_does_not_hide_a_weak_new_one(
        self, client: FlaskClient, portal: ScriptedPortal
    ) -> None:
        signed_in(client)
        portal.error = errors.ProofRefused()
        page = post(client, "/mot-de-passe", current_password="x", password="court", confirmation="court").text
        assert 'href="#current-password"' in page
        assert "Trop court" in page


class TestMeter:
    @pytest.mark.parametrize("typed", ["martin", PASSWORD, KEY, "joëlle.x@exemple.fr", "x" * 129])
    def test_it_is_the_servers_own_verdict(self, client: FlaskClient, portal: ScriptedPortal, typed: str) -> None:
        signed_in(client)
        headers, rescue = {"X-CSRFToken": token(client)}, "joelle.x@exemple.fr"
        answer = client.post("/force", data={"password": typed, "rescue": rescue}, headers=headers).json
        verdict = portal.judge.verdict(JEANNE, typed, rescue)
        refused = {refusal.reason for refusal in verdict.refusals}
        assert answer
        assert answer["strength"] == verdict.strength
        assert answer["label"] == ("Faible", "Moyen", "Fort")[verdict.strength]
        assert len(answer["refusals"]) == len(verdict.refusals)
        assert set(answer["met"]).isdisjoint(reason.value for reason in refused)
        kept = [] if len(typed) > portal.policy.max_length else [rule.reason for rule in portal.policy.rules()]
        assert answer["met"] == [reason.value for reason in kept if reason not in refused]

    def test_it_needs_a_session_and_a_token(self, client: FlaskClient) -> None:
        assert client.post("/force", data={"password": "martin"}).status_code == 400
        assert post(client, "/force", password="martin").status_code == 303


class TestSession:
    def test_it_ends_after_its_minutes_by_the_portals_clock(self, client: FlaskClient, portal: ScriptedPortal) -> None:
        signed_in(client)
        portal.instant += timedelta(minutes=portal.settings.web.session_minutes) - timedelta(seconds=1)
        assert client.get("/mot-de-passe").status_code == 200
        portal.instant += timedelta(seconds=1)
        assert client.get("/mot-de-passe").headers["Location"] == "/"
        assert "session est terminée" in client.get("/").text

    def test_what_the_directory_no_longer_confirms_is_over(self, client: FlaskClient, portal: ScriptedPortal) -> None:
        signed_in(client)
        portal.error = errors.SessionStale()
        assert client.get("/mot-de-passe").status_code == 303
        portal.error = None
        assert client.get("/mot-de-passe").status_code == 303

    def test_a_key_that_dies_meanwhile_ends_the_session_and_offers_a_fresh_one(
        self, client: FlaskClient, portal: ScriptedPortal
    ) -> None:
        signed_in(client)
        portal.error = errors.KeyDead(errors.DeadKeyReason.SPENT)
        answer = post(client, "/mot-de-passe", password=PASSWORD, confirmation=PASSWORD)
        assert 'name="identifier" value="jmartin001"' in answer.text
        portal.error = None
        assert client.get("/mot-de-passe").status_code == 303

    def test_signing_out_forgets_everything_and_says_so(self, client: FlaskClient) -> None:
        signed_in(client)
        assert post(client, "/deconnexion").headers["Location"] == "/"
        assert "déconnecté" in client.get("/").text
        assert client.get("/mot-de-passe").status_code == 303

    def test_the_page_after_is_only_for_who_did_something(self, client: FlaskClient) -> None:
        assert client.get("/fait").headers["Location"] == "/"

    @pytest.mark.parametrize("secure", [True, False])
    def test_the_cookie_is_locked_down(self, secure: bool) -> None:
        app = make_app(ScriptedPortal(settings=make_settings(secure_cookies=secure)))
        cookie = app.test_client().get("/", base_url="https://localhost").headers["Set-Cookie"]
        assert cookie.startswith("__Host-moncompte=" if secure else "moncompte=")
        assert "HttpOnly" in cookie
        assert "SameSite=Lax" in cookie
        assert "Path=/" in cookie
        assert "Domain" not in cookie
        assert ("Secure" in cookie) is secure


class TestProblems:
    def test_an_outage_is_a_503_the_same_for_everyone_with_when_to_return(
        self, client: FlaskClient, portal: ScriptedPortal
    ) -> None:
        portal.error = errors.DirectoryUnavailable()
        answers = [
            post(client, "/connexion", identifier="jmartin001", secret=KEY),
            post(client, "/connexion", identifier="nobody", secret="x"),
            post(client, "/oubli", identifier="jmartin001"),
        ]
        assert {answer.status_code for answer in answers} == {503}
        assert {answer.headers["Retry-After"] for answer in answers} == {"120"}
        assert len({answer.text for answer in answers}) == 1
        assert "Rien n’a été changé" in answers[0].text

    def test_a_form_without_its_token_is_400_and_loses_nothing_but_the_secret(
        self, client: FlaskClient, portal: ScriptedPortal
    ) -> None:
        answer = client.post("/connexion", data={"identifier": "jmartin001", "secret": "Mon-secret-1"})
        assert answer.status_code == 400
        assert 'value="jmartin001"' in answer.text
        assert "Mon-secret-1" not in answer.text
        assert portal.asked == []

    def test_a_fault_of_ours_is_a_500_that_tells_nothing_of_itself(
        self, client: FlaskClient, portal: ScriptedPortal
    ) -> None:
        portal.error = errors.DirectoryMisconfigured("cn=portail lacks a right")
        answer = post(client, "/oubli", identifier="jmartin001")
        assert answer.status_code == 500
        assert "cassé chez nous" in answer.text
        assert "lacks" not in answer.text

    def test_statuses_keep_their_meaning_in_our_design(self, client: FlaskClient) -> None:
        lost, method = client.get("/nulle-part"), client.get("/connexion")
        large = client.post("/oubli", data={"identifier": "x" * 70_000})
        assert [answer.status_code for answer in (lost, method, large)] == [404, 405, 413]
        assert "POST" in method.headers["Allow"]
        assert all("Mon compte" in answer.text for answer in (lost, method, large))


@pytest.mark.parametrize(
    "path", ["/", "/mot-de-passe", "/oubli/envoye", "/fait", "/nulle-part", "/connexion", "/static/style.css"]
)
def test_every_answer_carries_the_security_headers(client: FlaskClient, path: str) -> None:
    with client.get(path) as answer:
        headers = answer.headers
    assert headers["Content-Security-Policy"] == (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
        "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    )
    assert headers["Referrer-Policy"] == "same-origin"
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert "camera=()" in headers["Permissions-Policy"]
    assert headers["Cross-Origin-Opener-Policy"] == headers["Cross-Origin-Resource-Policy"] == "same-origin"
    assert (headers["Cache-Control"] == "no-store") is not path.startswith("/static")
    assert len(headers.getlist("Content-Security-Policy")) == 1


def test_over_https_a_form_from_elsewhere_is_refused_and_ours_is_not() -> None:
    client = make_app(ScriptedPortal(settings=make_settings(secure_cookies=True))).test_client()
    home = "https://localhost"
    found = re.search(r'name="csrf_token" value="([^"]+)"', client.get("/", base_url=home).text)
    assert found
    statuses = [
        client.post(
            "/oubli", base_url=home, data={"csrf_token": found[1], "identifier": "x"}, headers={"Referer": referer}
        ).status_code
        for referer in ("https://evil.example/", "https://localhost/")
    ]
    assert statuses == [400, 303]


def test_get_changes_nothing_and_no_page_has_anything_inline(client: FlaskClient, portal: ScriptedPortal) -> None:
    signed_in(client)
    asked = list(portal.asked)
    for path in ("/", "/mot-de-passe", "/oubli/envoye", "/fait"):
        page = client.get(path, follow_redirects=True).text
        assert not re.search(r"<style|\sstyle=|\son\w+=|javascript:|<script(?![^>]*\ssrc=\")", page)
        assert not re.search(r"(?:src|<link[^>]*href)=\"(?!/static/)", page)
    assert portal.asked == asked


def test_ids_are_unique_and_every_reference_meets_one(client: FlaskClient) -> None:
    signed_in(client)
    for path in ("/", "/mot-de-passe", "/oubli/envoye"):
        page = client.get(path).text
        ids = re.findall(r'\sid="([^"]+)"', page)
        references = " ".join(
            re.findall(r'(?:aria-describedby|aria-labelledby|for|data-reveal|href)="#?([\w -]+)"', page)
        )
        assert len(ids) == len(set(ids))
        assert set(references.split()) <= set(ids)


def test_every_reason_has_its_sentences(client: FlaskClient) -> None:
    with client.application.test_request_context():
        for reason in Reason:
            assert messages.refusal(Refusal(reason, 2, "é")).endswith(".")
            assert messages.rule(Refusal(reason, 2))
        for why in errors.RescueReason:
            assert messages.field_problems(errors.ChangeRefused((), why))["rescue"]


@pytest.mark.parametrize(
    ("address", "shown"),
    [("jeanne@gmail.com", "j***@g***.com"), ("é@sous.domaine.exemple.fr", "é***@s***.fr"), ("a@b.fr", "a***@b***.fr")],
)
def test_masking_tells_neither_name_nor_length(address: str, shown: str) -> None:
    assert messages.masked(address) == shown
