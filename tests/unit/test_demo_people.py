"""The sample people: every state is there, everything that identifies is unique, and the LDIF says what they are."""

from __future__ import annotations

import base64
import re
from collections import Counter
from datetime import UTC, datetime, timedelta

import pytest

from connector import keys
from connector.demo.groups import groups_ldif
from connector.demo.people import SamplePerson, sample_people, to_ldif
from connector.model import Strength
from connector.passwords import PasswordPolicy

NOW = datetime(2026, 11, 2, 9, 30, tzinfo=UTC)
BASE = "dc=universite,dc=example"
INE_FORMS = {
    "rnie": r"[0-9]{9}[A-HJK]{2}",
    "bea": r"[0-9]{10}[A-HJ-NPR-Z]",
    "base36": r"[0-9A-Z]{10}[0-9]",
    "provisional": r"[0-9]{4}D[0-9]{5}[A-Z]",
}


@pytest.fixture(scope="module")
def people() -> list[SamplePerson]:
    return sample_people(200, NOW, BASE)


def read_ldif(ldif: str) -> list[tuple[str, dict[str, list[str]]]]:
    """A reader of its own, so that the writer is not judged by itself."""
    entries = []
    for block in ldif.strip().split("\n\n"):
        pairs = [(name, decode(rest)) for name, _, rest in (line.partition(":") for line in block.splitlines())]
        attributes: dict[str, list[str]] = {}
        for name, value in pairs[1:]:
            attributes.setdefault(name, []).append(value)
        assert pairs[0][0] == "dn"
        entries.append((pairs[0][1], attributes))
    return entries


def decode(rest: str) -> str:
    return base64.b64decode(rest[1:].strip()).decode() if rest.startswith(":") else rest.strip()


def when(person: SamplePerson, attribute: str) -> datetime:
    return datetime.strptime(person.attributes[attribute][0], "%Y%m%d%H%M%SZ").replace(tzinfo=UTC)


def form_of(ine: str) -> set[str]:
    return {form for form, pattern in INE_FORMS.items() if re.fullmatch(pattern, ine)}


@pytest.mark.parametrize("count", [0, 1, 2, 5, 12, 200])
def test_there_are_as_many_people_as_were_asked_for(count: int) -> None:
    assert len(sample_people(count, NOW, BASE)) == count


def test_the_entries_lie_where_the_portal_looks_for_people(people: list[SamplePerson]) -> None:
    assert people[0].dn == "uid=jmartin001,ou=people,dc=universite,dc=example"
    assert all(person.dn == f"uid={person.uid},ou=people,{BASE}" for person in people)


def test_twelve_people_show_every_state_and_every_special_case() -> None:
    twelve = sample_people(12, NOW, BASE)
    assert {person.state for person in twelve} == {"to-activate", "active", "suspended", "expired", "staff"}
    assert len({person.note for person in twelve}) == 12
    forms = [form_of(ine) for person in twelve for ine in person.attributes.get("supannCodeINE", ())]
    assert set.union(*forms) == set(INE_FORMS)


def test_two_hundred_people_are_in_the_proportions_of_an_intake(people: list[SamplePerson]) -> None:
    states = Counter(person.state for person in people)
    assert 80 <= states["to-activate"] <= 120
    assert 60 <= states["active"] <= 100
    assert states["active"] < states["to-activate"]
    assert states["suspended"] >= 3
    assert states["expired"] >= 3
    assert 2 <= states["staff"] <= 3
    without_rescue = sum(person.state == "active" and person.rescue is None for person in people)
    assert 5 <= without_rescue <= 30


@pytest.mark.parametrize(
    "note", ["two INEs", "letter key expired", "no state at all", "three labels", "names of one letter", "very long"]
)
def test_there_is_exactly_one_of_each_special_case(people: list[SamplePerson], note: str) -> None:
    assert sum(note in person.note for person in people) == 1


def test_whatever_identifies_a_person_is_unique() -> None:
    many = sample_people(3000, NOW, BASE)
    for values in (
        [person.dn for person in many],
        [person.uid for person in many],
        [ine for person in many for ine in person.attributes.get("supannCodeINE", ())],
        [number for person in many for number in person.attributes.get("supannEtuId", ())],
        [mail.partition("}")[2] for person in many for mail in person.attributes.get("supannMailPrive", ())],
        [person.key for person in many if person.key],
        [person.password for person in many if person.password],
    ):
        assert len(values) == len(set(values))


def test_a_uid_is_an_initial_a_surname_and_three_digits_in_plain_ascii(people: list[SamplePerson]) -> None:
    assert [person.uid for person in people[:4]] == ["jmartin001", "tlefevre001", "andiaye001", "soconnor001"]
    assert all(re.fullmatch(r"[a-z]{2,21}[0-9]{3}", person.uid) for person in people)
    names = {person.uid: person.attributes["sn"][0] for person in sample_people(3000, NOW, BASE)}
    assert "Đặng" in names.values()
    assert all(uid[1:].startswith("dang") for uid, name in names.items() if name == "Đặng")


def test_every_ine_has_one_of_the_real_forms_and_all_forms_occur_in_the_crowd() -> None:
    crowd = sample_people(1000, NOW, BASE)[20:]
    forms = [form_of(person.ine or "") for person in crowd]
    assert all(forms)
    for state in ("to-activate", "active"):
        here = [form for person, form in zip(crowd, forms, strict=True) if person.state == state]
        assert set.union(*here) == set(INE_FORMS)


def test_an_ine_that_was_given_already_is_drawn_again(monkeypatch: pytest.MonkeyPatch) -> None:
    drawn = iter(["906691059DJ", "906691059DJ", "906691059DJ", "512185345EF"])
    monkeypatch.setattr("connector.demo.people._draw_ine", lambda _form, _dice: next(drawn))
    assert [person.ine for person in sample_people(2, NOW, BASE)] == ["906691059DJ", "512185345EF"]


def test_the_check_letter_of_a_bea_ine_is_computed_not_drawn() -> None:
    ines = [person.ine or "" for person in sample_people(1000, NOW, BASE)]
    bea = [ine for ine in ines if re.fullmatch(r"[0-9]{10}[A-Z]", ine)]
    assert len(bea) > 100
    assert {ine[-1] for ine in bea} == set("ABCDEFGHJKLMNPRSTUVWXYZ")
    assert all(ine[-1] == "ABCDEFGHJKLMNPRSTUVWXYZ"[int(ine[:10]) % 23] for ine in bea)


def test_the_person_with_two_ines_has_two_and_the_staff_has_none(people: list[SamplePerson]) -> None:
    counts = {person.note: len(person.attributes.get("supannCodeINE", ())) for person in people}
    assert counts.pop("active, two INEs") == 2
    assert {counts.pop(note) for note in list(counts) if note.startswith("staff: ")} == {0}
    assert set(counts.values()) == {1}


def test_a_letter_key_is_printed_as_people_read_it_and_stored_as_a_hash_of_it(people: list[SamplePerson]) -> None:
    holders = [person for person in people if person.key]
    assert holders
    for person in holders:
        typed = keys.read(person.key or "")
        assert typed is not None
        assert typed.is_sound
        assert keys.verify(typed.text, person.attributes["moncompteKeyHash"][0])
        assert person.attributes["moncompteKeyOrigin"] == ("letter",)


def test_letter_keys_are_live_for_days_except_the_one_that_is_there_to_be_dead(people: list[SamplePerson]) -> None:
    for person in (person for person in people if person.key):
        assert when(person, "moncompteKeyIssued") < NOW
        left = when(person, "moncompteKeyExpiry") - NOW
        assert left < timedelta(0) if "expired" in person.note else left >= timedelta(days=5)


def test_a_class_of_ours_is_there_exactly_when_an_attribute_of_it_is(people: list[SamplePerson]) -> None:
    for person in people:
        ours = {name for name in person.attributes if name.startswith("moncompte")}
        classes = person.attributes["objectClass"]
        assert ("moncompteOperator" in classes) == ("moncompteEnrolCode" in ours)
        assert ("moncompteAccount" in classes) == bool(ours - {"moncompteEnrolCode"})
    assert 0 < sum("moncompteAccount" in person.attributes["objectClass"] for person in people) < len(people)


def test_an_operator_of_each_kind_may_enrol_for_a_day(people: list[SamplePerson]) -> None:
    operators = {person.serves: person for person in people if person.serves}
    assert set(operators) == {"everybody", "component"}
    for operator in operators.values():
        until, _blank, hashed = operator.attributes["moncompteEnrolCode"][0].partition(" ")
        typed = keys.read(operator.enrolment or "")
        assert typed is not None
        assert keys.verify(typed.text, hashed)
        assert until == "20261103093000Z"
        assert operator.state == "staff"


def test_every_student_is_of_a_component_and_a_secretariat_is_of_one_of_theirs(people: list[SamplePerson]) -> None:
    components = Counter(
        person.attributes["supannEntiteAffectation"][0] for person in people if person.state != "staff"
    )
    assert len(components) == 3
    assert min(components.values()) > 60
    (secretary,) = (person for person in people if person.serves == "component")
    assert secretary.attributes["supannEntiteAffectation"][0] in components


def test_the_groups_name_the_operators_and_are_never_empty(people: list[SamplePerson]) -> None:
    serving = {person.serves: person.dn for person in people}
    expected = {"helpdesk": [serving["everybody"]], "secretariats": [serving["component"]]}
    assert members_of_groups(people) == expected
    assert members_of_groups(people[:3]) == {name: [BASE] for name in expected}


def members_of_groups(people: list[SamplePerson]) -> dict[str, list[str]]:
    groups = dict(read_ldif(groups_ldif(people, BASE)))
    return {name: groups[f"cn={name},ou=groups,{BASE}"]["member"] for name in ("helpdesk", "secretariats")}


def test_sample_passwords_pass_the_default_policy_and_are_strong(people: list[SamplePerson]) -> None:
    policy = PasswordPolicy()
    for person in (person for person in people if person.password):
        words = (person.uid, person.attributes["cn"][0], person.ine or "", person.rescue or "")
        verdict = policy.verdict(person.password or "", words)
        assert not verdict.refusals
        assert verdict.strength is Strength.STRONG
        assert keys.read(person.password or "") is None
        assert not set("aeiouy") & set(person.password or ""), "a name of three letters could be in it by chance"


def test_only_a_salted_hash_of_the_password_is_in_the_entry(people: list[SamplePerson]) -> None:
    ldif = to_ldif(people)
    for person in (person for person in people if person.password):
        assert keys.verify(person.password or "", person.attributes["userPassword"][0])
        assert (person.password or "") not in ldif
    assert all("userPassword" not in person.attributes for person in people if not person.password)


def test_a_person_who_never_activated_has_no_password_and_the_others_have_one(people: list[SamplePerson]) -> None:
    for person in people:
        never = "never activated" in person.note or "before activating" in person.note
        assert (person.password is None) == never
        assert (person.key is not None) == never


def test_the_rescue_address_is_the_one_labelled_secours(people: list[SamplePerson]) -> None:
    for person in people:
        values = person.attributes.get("supannMailPrive", ())
        rescues = [value.removeprefix("{SECOURS}") for value in values if value.startswith("{SECOURS}")]
        assert rescues == ([person.rescue] if person.rescue else [])
        assert all(len(address.split("@")[0]) <= 64 for address in rescues)


def test_the_state_in_the_entry_is_the_state_that_is_shown(people: list[SamplePerson]) -> None:
    expected = {
        "to-activate": "{COMPTE}I:SupannCree",
        "active": "{COMPTE}A:SupannActif",
        "suspended": "{COMPTE}S:SupannVerrouAdministratif",
        "expired": "{COMPTE}I:SupannExpire",
        "staff": "{COMPTE}A:SupannActif",
    }
    for person in people:
        if "no state at all" in person.note:
            assert not {"supannRessourceEtat", "supannRessourceEtatDate"} & set(person.attributes)
            continue
        value = expected[person.state]
        assert person.attributes["supannRessourceEtat"] == (value,)
        begin = re.fullmatch(re.escape(value) + r":(\d{8}):", person.attributes["supannRessourceEtatDate"][0])
        assert begin is not None
        assert begin[1] < f"{NOW:%Y%m%d}"


def test_staff_are_staff_and_not_students(people: list[SamplePerson]) -> None:
    for person in people:
        affiliations = set(person.attributes["eduPersonAffiliation"])
        assert affiliations == ({"staff", "member"} if person.state == "staff" else {"student", "member"})


def test_the_same_seed_gives_the_same_people_with_fresh_secrets() -> None:
    one, two, other = (sample_people(60, NOW, BASE, seed) for seed in (0, 0, 1))
    assert [(person.uid, person.ine) for person in one] == [(person.uid, person.ine) for person in two]
    assert [person.uid for person in one] != [person.uid for person in other]
    assert one[0].key != two[0].key
    assert one[1].password != two[1].password


def test_a_larger_demo_begins_with_the_people_of_a_smaller_one(people: list[SamplePerson]) -> None:
    small = sample_people(30, NOW, BASE)
    assert [(person.uid, person.ine) for person in small] == [(person.uid, person.ine) for person in people[:30]]


def test_the_ldif_reads_back_as_the_people_it_was_made_of(people: list[SamplePerson]) -> None:
    expected = [(person.dn, {name: list(values) for name, values in person.attributes.items()}) for person in people]
    assert read_ldif(to_ldif(people)) == expected


def test_the_ldif_is_ascii_and_the_accents_are_in_base64(people: list[SamplePerson]) -> None:
    ldif = to_ldif(people)
    assert ldif.isascii()
    assert "sn:: " + base64.b64encode("Lefèvre".encode()).decode() in ldif
    assert "sn: N'Diaye\n" in ldif


@pytest.mark.parametrize("value", [" leading", ":colon", "<less", "trailing ", "two\nlines", "\x00", "é", ""])
def test_a_value_that_ldif_cannot_carry_as_it_is_survives(value: str) -> None:
    """RFC 2849 SAFE-STRING; a newline would otherwise add an attribute of somebody's choice."""
    person = sample_people(1, NOW, BASE)[0]
    odd = SamplePerson(person.dn, "x", None, "active", None, None, None, "", {"description": [value]})
    line = to_ldif([odd]).splitlines()[1]
    assert line == ("description: " if not value else "description:: " + base64.b64encode(value.encode()).decode())
