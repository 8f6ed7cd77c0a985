"""What the doctor says of a server that is set up wrongly: each fault is made on a real slapd, and named."""

from __future__ import annotations

import re
import socket
import ssl
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Thread

import pytest
import trustme

from connector.cli.demo import settings as demo_settings
from connector.demo.ldap_tools import run, tool
from connector.demo.mailbox import Mailbox
from connector.demo.slapd import EXTERNAL, SAMPLE_SUFFIX, PrivateSlapd
from connector.demo.smtp import SmtpServer
from connector.doctor import Level, Report, tuning
from connector.doctor.finding import To
from connector.settings import Settings
from tests.checked import (
    DATABASE,
    changed,
    examined,
    mended,
    names,
    only,
    record,
    with_change,
    with_rules,
    without,
    wrong,
)
from tests.conftest import GROUPS, PEOPLE_LDIF, reset_people

PPOLICY = f"olcOverlay={{0}}ppolicy,{DATABASE}"
DEFAULT_POLICY = f"cn=default,ou=policies,ou=moncompte,{SAMPLE_SUFFIX}"
GENTLE = f"cn=never-locks,ou=policies,ou=moncompte,{SAMPLE_SUFFIX}"
PORTAL, DECOY = f"cn=portal,ou=moncompte,{SAMPLE_SUFFIX}", f"cn=decoy,ou=moncompte,{SAMPLE_SUFFIX}"
PEOPLE = f"ou=people,{SAMPLE_SUFFIX}"
DAY = timedelta(days=1)
OURS = 17  # of 60-access.ldif, that name the portal


@pytest.fixture(scope="module")
def own() -> Iterator[PrivateSlapd]:
    """A slapd of this file's own, to be broken and mended."""
    with PrivateSlapd(password_hash="{SSHA}") as server:
        reset_people(server)
        server.add_ldif(GROUPS.format(base=server.base))
        server.run("ldapdelete", *server.as_root, f"uid=afontaine2,{PEOPLE}")
        yield server


@pytest.fixture
def fitting(own: PrivateSlapd, mailbox: Mailbox) -> Settings:
    return demo_settings(own, mailbox, 8080)


# Nothing is written


def everything(server: PrivateSlapd) -> str:
    """All entries with their operational attributes, as slapd keeps them, and its configuration."""
    options = ("-LLL", "-o", "ldif-wrap=no")
    data = server.run("ldapsearch", *server.as_root, *options, "-b", server.base, "*", "+")
    return data + server.run("ldapsearch", *EXTERNAL, *options, "-b", "cn=config", "*", "+")


def test_looking_changes_nothing_at_all(own: PrivateSlapd, fitting: Settings) -> None:
    before = everything(own)
    assert len(before) > 20_000
    assert wrong(examined(fitting)) == []
    assert wrong(examined(fitting, own.ldapi_uri)) == []
    assert everything(own) == before


def test_looking_changes_nothing_where_the_portal_may_do_anything(own: PrivateSlapd, fitting: Settings) -> None:
    """Then every try is let through, but for its last part."""
    before = everything(own)
    with with_rules(own, lambda rules: [f'to * by dn.exact="{PORTAL}" manage by * break', *rules]):
        assert "no-wider" in names(examined(fitting))
    with with_rules(own, lambda rules: [f'to * by dn.exact="{PORTAL}" write by * break', *rules]):
        assert "no-wider" in names(examined(fitting))
    assert data_of(everything(own)) == data_of(before)


def data_of(dump: str) -> str:
    return dump.partition("dn: cn=config\n")[0]


# Access rules


@pytest.mark.parametrize(
    ("edit", "name", "said"),
    [
        (without(PORTAL), "rights", "may write nothing"),
        (lambda rules: [rule.replace("cn=portal,", "cn=autre,") for rule in rules], "rights", "may write nothing"),
        (lambda rules: rules[10:] + rules[:10], "rights", ""),
        (without("attrs=userPassword by dn.exact"), "rights", "the password"),
        (without("val=moncompteAccount"), "rights", "the class moncompteAccount"),
        (without("attrs=supannMailPrive"), "rights", "the rescue address"),
        (without("attrs=supannRessourceEtat val"), "rights", "the step from to-activate to active"),
        (without("attrs=supannRessourceEtatDate val"), "rights", "supannRessourceEtatDate of that step"),
        (lambda rules: [rule.replace(",moncompteSessionMark", "") for rule in rules], "rights", "moncompteSessionMark"),
        (lambda rules: [rule.replace(",pwdChangedTime", "") for rule in rules], "rights", "to read pwdChangedTime"),
        (lambda rules: [rule.replace("displayName,", "") for rule in rules], "rights", "to read displayName"),
        (without(f'dn.exact="{DECOY}" attrs=moncompteKeyHash'), "decoy", "may not write"),
        (lambda rules: [rule.replace(" =wc ", " =w ") for rule in rules], "decoy", "not compare"),
    ],
)
def test_a_right_that_is_missing_is_named(
    own: PrivateSlapd, fitting: Settings, edit: object, name: str, said: str
) -> None:
    with with_rules(own, edit):
        found = [finding for finding in wrong(examined(fitting)) if finding.name in {"rights", "decoy"}]
        mended(own, fitting, name)
    assert found
    assert found[0].name == name
    assert said in found[0].what


def front(rule: str, right: str = "write") -> object:
    return lambda rules: [f'{rule} by dn.exact="{PORTAL}" {right} by * break', *rules]


@pytest.mark.parametrize(
    ("edit", "said"),
    [
        (front("to attrs=userPassword"), "to read a password's hash"),
        (front("to attrs=userPassword", "=wcx"), "to compare a password"),
        (front("to attrs=userPassword"), "to a password to somebody who is suspended"),
        (front(f'to dn.subtree="{PEOPLE}" attrs=description,mail'), "to write description, mail"),
        (front("to attrs=supannMailPrive"), "other labels"),
        (front("to attrs=supannRessourceEtat"), "another state than active"),
        (front("to attrs=supannRessourceEtat"), "active who is suspended"),
        (front("to attrs=objectClass"), "an operator"),
        (front(f'to dn.subtree="ou=moncompte,{SAMPLE_SUFFIX}" attrs=description'), "to write to cn=portal"),
        (front(f'to dn.exact="{PORTAL}" attrs=userPassword'), "its own password"),
    ],
)
def test_a_right_that_is_too_much_is_named(own: PrivateSlapd, fitting: Settings, edit: object, said: str) -> None:
    with with_rules(own, edit):
        found = [finding.what for finding in wrong(examined(fitting)) if finding.name == "no-wider"]
        mended(own, fitting, "no-wider")
        rules = own.run(
            "ldapsearch", *EXTERNAL, "-LLL", "-o", "ldif-wrap=no", "-b", DATABASE, "-s", "base", "olcAccess"
        )
        assert rules.count(f'by dn.exact="{PORTAL}"') == OURS  # the one too much is gone, not only overruled
    assert len(found) == 1
    assert said.replace("to a password to", "to give a password to") in found[0]


def test_people_outside_the_population_who_are_seen_are_named(own: PrivateSlapd, fitting: Settings) -> None:
    seen = "attrs=entry,uid,eduPersonAffiliation"
    with with_rules(
        own, lambda rules: [f'to dn.subtree="{PEOPLE}" {seen} by dn.exact="{PORTAL}" read by * break', *rules]
    ):
        found = {finding.name for finding in wrong(examined(fitting))}
        mended(own, fitting, "outside")
    assert "outside" in found


def test_secrets_that_strangers_may_read_are_named(own: PrivateSlapd, fitting: Settings) -> None:
    spent = "replace: moncompteSpentHash\nmoncompteSpentHash: {SSHA512}x\n"
    with (
        with_change(own, DECOY, spent, "replace: moncompteSpentHash\n"),
        with_rules(own, without("to attrs=moncompteKeyHash,moncompteSpentHash")),
    ):
        finding = only(examined(fitting))
        mended(own, fitting, "strangers")
    assert finding.name == "strangers"
    assert "moncompteSpentHash" in finding.what


def test_a_sweep_that_is_cut_short_is_named(own: PrivateSlapd, fitting: Settings) -> None:
    """The stock limit is 500; here it is lower, for want of people."""
    limits = f'olcLimits: {{0}}dn.exact="{PORTAL}" size.pr=1000 size.prtotal=unlimited\n'
    tight = "delete: olcLimits\n-\nreplace: olcSizeLimit\nolcSizeLimit: 5\n"
    back = f"replace: olcLimits\n{limits}-\nreplace: olcSizeLimit\n"
    with with_change(own, DATABASE, tight, back):
        found = [finding for finding in wrong(examined(fitting)) if finding.name == "limits-of-size"]
        assert found
        assert found[0].fix
        own.add_config(found[0].fix.ldif)
        assert wrong(examined(fitting)) == []


def test_a_rule_of_the_site_about_the_secrets_stays_in_front(own: PrivateSlapd, fitting: Settings) -> None:
    """Its administrators, or a replica, would else lose sight of the keys."""
    theirs = f'to attrs=moncompteKeyHash by dn.exact="{own.root_dn}" write by * break'
    with with_rules(own, lambda rules: [theirs, *(rule for rule in rules if "val=moncompteAccount" not in rule)]):
        mended(own, fitting, "rights")
        options = (*EXTERNAL, "-LLL", "-o", "ldif-wrap=no", "-b", DATABASE, "-s", "base", "olcAccess")
        now = own.run("ldapsearch", *options).split("\n\n")[0].splitlines()
    assert "moncompteKeyHash by dn" in now[1]
    assert now[-1].endswith("to * by * read")


def test_a_rule_that_hides_secrets_of_the_site_with_ours_is_kept_and_does_not_blind_the_portal(
    own: PrivateSlapd, fitting: Settings
) -> None:
    theirs, former = "to attrs=moncompteKeyHash,carLicense by * none", "to attrs=moncompteKeyHash by * none"
    with with_rules(own, lambda rules: [theirs, former, *rules]):
        mended(own, fitting, "rights")
        options = (*EXTERNAL, "-LLL", "-o", "ldif-wrap=no", "-b", DATABASE, "-s", "base", "olcAccess")
        now = own.run("ldapsearch", *options)
    assert theirs in now
    assert former not in now


# The schema


def test_an_attribute_that_is_defined_otherwise_is_named(mailbox: Mailbox) -> None:
    """Somebody took our names for a schema of their own."""
    with PrivateSlapd(password_hash="{SSHA}") as server:
        options = (*EXTERNAL, "-LLL", "-o", "ldif-wrap=no", "-b", "cn=schema,cn=config", "(cn=*moncompte)")
        shown = server.run("ldapsearch", *options, "olcAttributeTypes")
        dn = re.search(r"^dn: (.*)$", shown, re.MULTILINE)
        lines = re.findall(r"^(olcAttributeTypes: .*)$", shown, re.MULTILINE)
        assert dn
        several = [line.replace(" SINGLE-VALUE", "") if "'moncompteKeyHash'" in line else line for line in lines]
        server.add_config(record(dn[1], "replace: olcAttributeTypes\n" + "\n".join(several)))
        reset_people(server)
        found = [f for f in wrong(examined(demo_settings(server, mailbox, 8080))) if f.name == "schema"]
    assert len(found) == 1
    assert "moncomptekeyhash" in found[0].what


def test_a_class_that_allows_too_little_is_exchanged_while_slapd_runs(mailbox: Mailbox) -> None:
    with PrivateSlapd(password_hash="{SSHA}") as server:
        options = (*EXTERNAL, "-LLL", "-o", "ldif-wrap=no", "-b", "cn=schema,cn=config", "(cn=*moncompte)")
        shown = server.run("ldapsearch", *options, "olcObjectClasses").strip()
        dn, *lines = shown.replace("$ moncompteCharter ", "").splitlines()
        server.add_config(record(dn.removeprefix("dn: "), "replace: olcObjectClasses\n" + "\n".join(lines)))
        reset_people(server)
        server.add_ldif(GROUPS.format(base=server.base))
        server.run("ldapdelete", *server.as_root, f"uid=afontaine2,{PEOPLE}")
        settings = demo_settings(server, mailbox, 8080)
        blind = next(finding for finding in wrong(examined(settings)) if finding.name == "schema")
        assert "allows too little in moncompteaccount" in blind.what
        assert "--config" in blind.remedy
        mended(server, settings, "schema")


# Passwords


POLICY = [
    ("pwdSafeModify", "TRUE", "FALSE", "policy"),
    ("pwdMinAge", "3600", "0", "policy"),
    ("pwdMustChange", "TRUE", "FALSE", "policy"),
    ("pwdMaxFailure", "3", "10", "lockout"),
    ("pwdLockoutDuration", "60", "900", "lockout"),
    ("pwdMinLength", "12", "10", "policy"),
]


@pytest.mark.parametrize(("attribute", "bad", "good", "name"), POLICY)
def test_a_trap_of_the_policy_is_named(
    own: PrivateSlapd, fitting: Settings, attribute: str, bad: str, good: str, name: str
) -> None:
    back = f"replace: {attribute}\n{attribute}: {good}\n"
    with with_change(own, DEFAULT_POLICY, f"replace: {attribute}\n{attribute}: {bad}\n", back):
        finding = only(examined(fitting))
    assert finding.name == name


def test_a_policy_that_nobody_shows_is_known_by_what_it_does(own: PrivateSlapd, fitting: Settings) -> None:
    hidden = lambda rules: [f'to dn.subtree="ou=moncompte,{SAMPLE_SUFFIX}" attrs=@pwdPolicy by * none', *rules]  # noqa: E731
    back = "replace: pwdSafeModify\npwdSafeModify: FALSE\n"
    with with_rules(own, hidden):
        assert "policy" in [finding.name for finding in examined(fitting).findings(Level.UNTRIED)]
        with with_change(own, DEFAULT_POLICY, back.replace("FALSE", "TRUE"), back):
            finding = only(examined(fitting))
    assert "old password" in finding.what


def test_hashes_refused_by_the_policy_are_named(own: PrivateSlapd, fitting: Settings) -> None:
    back = "replace: pwdCheckQuality\npwdCheckQuality: 1\n"
    with with_change(own, DEFAULT_POLICY, back.replace("1", "2"), back):
        found = wrong(examined(changed(fitting, "password", hash="argon2id")))
    assert "pwdCheckQuality 2" in found[0].what


@pytest.mark.parametrize("dn", [PORTAL, DECOY])
def test_an_account_of_ours_that_may_be_locked_is_named(own: PrivateSlapd, fitting: Settings, dn: str) -> None:
    back = f"replace: pwdPolicySubentry\npwdPolicySubentry: {GENTLE}\n"
    with with_change(own, dn, "replace: pwdPolicySubentry\n", back):
        finding = only(examined(fitting))
    assert finding.name == "lockout"
    assert dn in finding.what
    assert finding.fix
    assert GENTLE in finding.fix.ldif


def test_a_portal_that_is_locked_is_named_and_can_be_unlocked(own: PrivateSlapd, fitting: Settings) -> None:
    locked = "replace: pwdAccountLockedTime\npwdAccountLockedTime: 000001010000Z\n"
    with with_change(own, PORTAL, locked, "replace: pwdAccountLockedTime\n"):
        finding = only(examined(fitting))
        assert "is locked" in finding.what
        assert finding.fix
        own.add_ldif(finding.fix.ldif)
        assert wrong(examined(fitting)) == []


def test_passwords_kept_in_clear_are_told_by_cn_config(own: PrivateSlapd, fitting: Settings) -> None:
    back = "replace: olcPPolicyHashCleartext\nolcPPolicyHashCleartext: TRUE\n"
    with with_change(own, PPOLICY, back.replace("TRUE", "FALSE"), back):
        finding = only(examined(fitting, own.ldapi_uri))
        assert names(examined(fitting)) == []  # from outside it cannot be seen, and is said to be untried
    assert finding.name == "hashing"
    assert finding.fix
    assert "olcPPolicyHashCleartext: TRUE" in finding.fix.ldif


@pytest.mark.parametrize("dn", [DEFAULT_POLICY, GENTLE])
def test_a_policy_that_is_not_there_is_named_and_can_be_loaded(own: PrivateSlapd, fitting: Settings, dn: str) -> None:
    """Not taken for an overlay that is not there: that one cannot be loaded twice."""
    own.run("ldapdelete", *own.as_root, dn)
    finding = only(examined(fitting, own.ldapi_uri))
    assert finding.name == "policy"
    assert finding.what.startswith(f"there is no {dn}: ")
    assert finding.fix
    own.add_ldif(finding.fix.ldif)
    assert wrong(examined(fitting, own.ldapi_uri)) == []


def test_a_slow_hash_is_seen_from_outside(own: PrivateSlapd, fitting: Settings) -> None:
    frontend = "olcDatabase={-1}frontend,cn=config"
    back = "replace: olcPasswordHash\nolcPasswordHash: {SSHA}\n"
    with with_change(own, frontend, back.replace("{SSHA}", "{ARGON2}"), back):
        report = examined(fitting)
    assert "hashing" in [finding.name for finding in report.findings(Level.OK)]


# cn=config


CONFIG = [
    (DATABASE, "replace: olcDbIndex\nolcDbIndex: objectClass eq\nolcDbIndex: uid eq\n", "olcDbIndex", "indexes"),
    (PPOLICY, "replace: olcPPolicyUseLockout\nolcPPolicyUseLockout: TRUE\n", "olcPPolicyUseLockout", "lockout"),
    (
        "olcDatabase={-1}frontend,cn=config",
        "replace: olcPasswordHash\nolcPasswordHash: {CRYPT}\n",
        "olcPasswordHash",
        "scheme",
    ),
]


@pytest.mark.parametrize(("dn", "change", "attribute", "name"), CONFIG)
def test_a_fault_of_the_configuration_is_named(
    own: PrivateSlapd, fitting: Settings, dn: str, change: str, attribute: str, name: str
) -> None:
    options = (*EXTERNAL, "-LLL", "-o", "ldif-wrap=no", "-b", dn, "-s", "base", attribute)
    old = "".join(line + "\n" for line in own.run("ldapsearch", *options).splitlines() if line.startswith(attribute))
    with with_change(own, dn, change, f"replace: {attribute}\n{old}"):
        finding = only(examined(fitting, own.ldapi_uri))
        assert finding.name == name
        if name == "indexes":
            assert finding.fix
            own.add_config(finding.fix.ldif)  # what it says can be loaded, and mends it
            assert wrong(examined(fitting, own.ldapi_uri)) == []


@pytest.mark.parametrize(
    ("attribute", "level", "said"),
    [
        ("supannMailPrive", Level.BROKEN, "every redeem fails"),
        ("supannCodeINE", Level.WARNING, "no import can correct it"),
        ("uid", None, ""),
    ],
)
def test_a_unique_overlay_in_our_way_is_named(mailbox: Mailbox, attribute: str, level: Level | None, said: str) -> None:
    with PrivateSlapd(password_hash="{SSHA}") as server:
        reset_people(server)
        server.add_config(record("cn=module{0},cn=config", "add: olcModuleLoad\nolcModuleLoad: unique"))
        server.add_config(
            f"dn: olcOverlay=unique,{DATABASE}\nobjectClass: olcOverlayConfig\nobjectClass: olcUniqueConfig\n"
            f"olcOverlay: unique\nolcUniqueURI: ldap:///?{attribute}?sub\n"
        )
        report = examined(demo_settings(server, mailbox, 8080), server.ldapi_uri)
    found = [finding for finding in wrong(report) if finding.name == "unique"]
    assert [finding.level for finding in found] == ([level] if level else [])
    assert all(said in finding.what for finding in found)


def test_cn_config_that_is_not_shown_is_untried(own: PrivateSlapd, fitting: Settings) -> None:
    report = examined(fitting, own.tcp_uri)  # SASL EXTERNAL is for the socket
    assert "config" in [finding.name for finding in report.findings(Level.UNTRIED)]
    assert names(examined(fitting, "ldapi://%2Fnowhere")) == ["config"]


def test_a_missing_index_is_felt_on_a_large_directory(mailbox: Mailbox, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without cn=config, by time alone; so the bounds are lowered to what 8,000 people take."""
    monkeypatch.setattr(tuning, "_SLOW_MS", 3.0)
    with PrivateSlapd(password_hash="{SSHA}") as server:
        crowd(server, 8000)
        settings = demo_settings(server, mailbox, 8080)
        assert "indexes" not in names(examined(settings))
        server.add_config(record(DATABASE, "replace: olcDbIndex\nolcDbIndex: objectClass,uid,eduPersonAffiliation eq"))
        found = [finding for finding in wrong(examined(settings)) if finding.name == "indexes"]
    assert len(found) == 1
    assert "supannCodeINE" in found[0].what
    assert "uid" not in found[0].what.split()


def crowd(server: PrivateSlapd, count: int) -> None:
    """So many students, by the tool that needs no server."""
    server.halt()
    ldif = server.folder / "crowd.ldif"
    ldif.write_text(
        "".join(
            f"dn: uid=foule{n},{PEOPLE}\nobjectClass: inetOrgPerson\n"
            f"objectClass: eduPerson\nobjectClass: supannPerson\n"
            f"uid: foule{n}\ncn: Foule\nsn: Foule\nsupannCodeINE: {n:09d}AB\neduPersonAffiliation: student\n"
            "supannMailPrive: {SECOURS}foule@courriel.example\n\n"
            for n in range(count)
        )
    )
    run([tool("slapadd"), "-q", "-F", str(server.folder / "config"), "-b", server.base, "-l", str(ldif)])
    server.launch()


def test_a_directory_of_supann_2009_is_looked_at_by_its_own_names(own: PrivateSlapd, fitting: Settings) -> None:
    attributes = {"rescue": "supannMailPerso", "rescue_label": "", "state": "", "state_date": ""}
    older = changed(fitting, "attributes", **attributes)
    assert "the rescue address" in next(f for f in wrong(examined(older)) if f.name == "rights").what
    labelled = 'attrs=supannMailPrive val.regex="^[{]SECOURS[}]"'
    with with_rules(own, lambda rules: [rule.replace(labelled, "attrs=supannMailPerso") for rule in rules]):
        found = wrong(examined(older))
    assert [finding.name for finding in found] in ([], ["rescue"])


# TLS


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> tuple[trustme.CA, Path]:
    folder = tmp_path_factory.mktemp("check-tls")
    ca = trustme.CA()
    ca.cert_pem.write_to_path(folder / "ca.pem")
    trustme.CA().cert_pem.write_to_path(folder / "stranger.pem")
    return ca, folder


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # ldap3 drops the socket it wrapped
@pytest.mark.parametrize(
    ("days", "host", "ca_file", "level", "said"),
    [
        (300, "127.0.0.1", "ca.pem", None, ""),
        (20, "127.0.0.1", "ca.pem", Level.WARNING, "ends in"),
        (-1, "127.0.0.1", "ca.pem", Level.BROKEN, "expired"),
        (300, "localhost", "ca.pem", Level.BROKEN, "for other names"),
        (300, "127.0.0.1", "stranger.pem", Level.BROKEN, "not believed"),
    ],
)
def test_a_certificate_is_judged(
    mailbox: Mailbox,
    authority: tuple[trustme.CA, Path],
    days: int,
    host: str,
    ca_file: str,
    level: Level | None,
    said: str,
) -> None:
    ca, folder = authority
    now = datetime.now(UTC)
    issued = ca.issue_cert("127.0.0.1", not_before=now - 30 * DAY, not_after=now + days * DAY)
    issued.private_key_pem.write_to_path(folder / "key.pem")
    issued.cert_chain_pems[0].write_to_path(folder / "cert.pem")
    with PrivateSlapd(password_hash="{SSHA}") as server:
        server.add_config(
            record(
                "cn=config",
                f"replace: olcTLSCertificateFile\nolcTLSCertificateFile: {folder}/cert.pem\n-\n"
                f"replace: olcTLSCertificateKeyFile\nolcTLSCertificateKeyFile: {folder}/key.pem",
            )
        )
        settings = demo_settings(server, mailbox, 8080)
        uri = (server.tcp_uri.replace("127.0.0.1", host),)
        report = examined(changed(settings, "directory", uri=uri, start_tls=True, ca_file=str(folder / ca_file)))
    found = [finding for finding in wrong(report) if finding.name == "certificate"]
    assert [finding.level for finding in found] == ([level] if level else [])
    assert all(said in finding.what for finding in found)


@pytest.mark.parametrize(("ca_file", "found"), [("ca.pem", []), ("stranger.pem", ["mail-server"])])
def test_the_mail_servers_certificate_is_judged(
    fitting: Settings, authority: tuple[trustme.CA, Path], ca_file: str, found: list[str]
) -> None:
    ca, folder = authority
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    ca.issue_cert("127.0.0.1").configure_cert(context)
    server = SmtpServer(0, lambda _mail: None, starttls=context)
    server.start()
    try:
        mail = {"tls": "starttls", "port": server.port, "ca_file": str(folder / ca_file)}
        report = examined(changed(fitting, "mail", **mail))
    finally:
        server.stop()
    assert names(report) == found
    assert all("ca_file" in finding.remedy for finding in wrong(report))


def test_a_server_without_tls_is_named(own: PrivateSlapd, fitting: Settings) -> None:
    finding = only(examined(changed(fitting, "directory", uri=(own.tcp_uri,), start_tls=True)))
    assert finding.name == "certificate"
    assert "has no TLS" in finding.what


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # ldap3 drops the socket it wrapped
def test_ldaps_with_the_certificate_of_another_name_is_told_plainly(
    fitting: Settings, authority: tuple[trustme.CA, Path]
) -> None:
    ca, folder = authority
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    ca.issue_cert("127.0.0.1").configure_cert(context)
    with socket.create_server(("127.0.0.1", 0)) as listening:
        greeting = Thread(target=shake_hands, args=(listening, context))
        greeting.start()
        uri = f"ldaps://localhost:{listening.getsockname()[1]}"
        report = examined(changed(fitting, "directory", uri=(uri,), ca_file=str(folder / "ca.pem")))
        greeting.join()
    said = only(report).what
    assert "its certificate is for other names than localhost" in said
    assert "{" not in said


def shake_hands(listening: socket.socket, context: ssl.SSLContext) -> None:
    """Once, as slapd would; ldap3 looks at the name after it."""
    with suppress(OSError), context.wrap_socket(listening.accept()[0], server_side=True) as connection:
        connection.recv(1)


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # ldap3 drops the socket it wrapped
def test_ldaps_at_a_port_that_speaks_no_tls_is_not_a_certificate_to_mend(own: PrivateSlapd, fitting: Settings) -> None:
    finding = only(examined(changed(fitting, "directory", uri=(own.tcp_uri.replace("ldap:", "ldaps:"),))))
    assert "no TLS handshake" in finding.what
    assert "_ssl" not in finding.what
    assert "636" in finding.remedy


# Replicas


def test_servers_that_do_not_hold_the_same_are_named(own: PrivateSlapd, fitting: Settings, mailbox: Mailbox) -> None:
    with PrivateSlapd(password_hash="{SSHA}") as second:
        both = changed(fitting, "directory", uri=(own.ldapi_uri, second.ldapi_uri))
        second.run("ldappasswd", *second.as_root, "-s", own.portal_password, PORTAL)
        reset_people(second)
        down = changed(fitting, "directory", uri=(own.ldapi_uri, "ldap://127.0.0.1:1"))
        assert "not every server" in next(f.what for f in examined(down).findings() if f.name == "replicas")
        report = examined(both)
        assert "replicas" in [finding.name for finding in report.findings(Level.UNTRIED)]
        for server, stamp in ((own, "20261122120000"), (second, "20261122110000")):
            stamped(server, stamp)
        finding = only(examined(both))
        assert finding.name == "replicas"
        assert f"{second.ldapi_uri} is 3600 seconds behind" in finding.what
        stamped(second, "20261122120000")
        assert wrong(examined(both)) == []


def stamped(server: PrivateSlapd, stamp: str) -> None:
    """Give the suffix the contextCSN that replication would have written."""
    server.halt()
    ldif = server.folder / "stamp.ldif"
    ldif.write_text(record(server.base, f"replace: contextCSN\ncontextCSN: {stamp}.000000Z#000000#001#000000"))
    run([tool("slapmodify"), "-F", str(server.folder / "config"), "-b", server.base, "-l", str(ldif)])
    server.launch()


# From nothing to a directory that serves


class Stock(PrivateSlapd):
    """What Debian's package makes, and nothing of ours."""

    def _files(self) -> list[Path]:
        return []

    def _load_config(self) -> None:
        self.add_ldif(
            f"dn: {self.base}\nobjectClass: organization\nobjectClass: dcObject\no: U\ndc: universite\n\n"
            f"dn: {self.people_dn}\nobjectClass: organizationalUnit\nou: people\n"
        )


def test_a_stock_slapd_is_led_to_one_that_serves(mailbox: Mailbox) -> None:
    """Whoever applies what is said, round by round, gets there; each round names what is missing."""
    with Stock() as server:
        settings = demo_settings(server, mailbox, 8080)
        rounds = []
        for _ in range(8):
            report = examined(settings, server.ldapi_uri)
            if not (found := wrong(report)):
                break
            rounds.append([finding.name for finding in found])
            apply(server, report)
            if any("refuses the password" in finding.what for finding in found):
                server.run("ldappasswd", *server.as_root, "-T", str(server.folder / "portal.password"), PORTAL)
            if "people" in rounds[-1]:
                text = PEOPLE_LDIF.read_text(encoding="utf-8")
                server.add_ldif(re.sub(r"# .*\ndn: uid=afontaine2(.*\n)+?\n", "", text))
                server.add_ldif(GROUPS.format(base=server.base))
                server.run("ldapdelete", *server.as_root, f"uid=afontaine2,{PEOPLE}")
    assert rounds == [
        ["sign-in", "schema", "schema", "schema", "modules"],  # nothing of ours is there
        ["sign-in", "indexes"],  # the portal's account has no password yet
        ["people", "decoy", "assistance"],  # nobody there yet, and no access rules
        ["hashing"],  # the overlay is not loaded
    ]
    assert wrong(report) == []


def apply(server: PrivateSlapd, report: Report) -> None:
    """As a sysadmin would: cn=config first, then the entries."""
    fixes = {finding.fix.ldif: finding.fix.to for finding in report.findings() if finding.fix}
    for ldif, to in sorted(fixes.items(), key=lambda fix: fix[1] is To.DATA):
        (server.add_ldif if to is To.DATA else server.add_config)(ldif)
