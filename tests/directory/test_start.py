"""Starting on a directory that is not ready: refused, with the remedy; on one that is down: patient."""

import pytest

from connector.demo.slapd import PrivateSlapd
from connector.errors import DirectoryMisconfigured, SettingsInvalid
from connector.model import By
from connector.portal import Portal
from connector.settings import Settings
from tests.conftest import PASSWORD


def variant(settings: Settings, **directory: object) -> Settings:
    return settings.model_copy(update={"directory": settings.directory.model_copy(update=directory)})


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"people_dn": "ou=nowhere,dc=universite,dc=example"}, "search under ou=nowhere.*check the DN"),
        ({"decoy_dn": "cn=nothing,ou=moncompte,dc=universite,dc=example"}, "cn=nothing.*check the DN, load"),
        ({"decoy_dn": "cn=portal,ou=moncompte,dc=universite,dc=example"}, "60-access.ldif"),
        ({"bind_dn": "cn=nobody,dc=universite,dc=example"}, "bind as cn=nobody.*invalidCredentials"),
    ],
)
def test_what_is_missing_is_said_with_its_remedy(
    settings: Settings, people: dict[str, str], wrong: dict[str, object], said: str
) -> None:
    portal = Portal(variant(settings, **wrong))
    with pytest.raises(DirectoryMisconfigured, match=said):
        portal.start()
    portal.stop()


@pytest.mark.parametrize("name", ["rescue", "alias", "student_number"])
def test_an_attribute_that_the_directory_does_not_know_is_named(
    settings: Settings, people: dict[str, str], name: str
) -> None:
    names = settings.attributes.model_copy(update={name: "supannMailPersso"})
    portal = Portal(settings.model_copy(update={"attributes": names}))
    with pytest.raises(DirectoryMisconfigured, match="does not know supannMailPersso"):
        portal.start()
    portal.stop()


def test_a_population_that_is_no_filter_is_told(settings: Settings) -> None:
    with pytest.raises(SettingsInvalid, match="population"):
        Portal(variant(settings, population="(a=b)(c=d)"))


def test_a_directory_that_is_down_is_waited_for(
    settings: Settings, people: dict[str, str], slapd: PrivateSlapd
) -> None:
    slapd.halt()
    portal = Portal(settings)
    try:
        portal.start()
    finally:
        slapd.launch()
    assert portal.sign_in("jmartin001", PASSWORD).by is By.PASSWORD
    portal.stop()


def test_the_second_server_is_asked_when_the_first_does_not_answer(settings: Settings, people: dict[str, str]) -> None:
    portal = Portal(variant(settings, uri=("ldap://127.0.0.1:1", *settings.directory.uri)))
    assert portal.sign_in("jmartin001", PASSWORD).by is By.PASSWORD
    portal.stop()
