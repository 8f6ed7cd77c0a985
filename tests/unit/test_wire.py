"""Our LDAP messages, read and written by ldap3's own definitions of them (RFC 4511)."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from ldap3 import MODIFY_ADD, MODIFY_DELETE, MODIFY_INCREMENT, MODIFY_REPLACE
from ldap3.operation.search import compile_filter, parse_filter
from ldap3.protocol import rfc2696, rfc4511
from ldap3.protocol.controls import build_control
from pyasn1.codec.ber import decoder, encoder

from connector.directory import controls, wire
from connector.directory.wire import Search

NUMBERS = st.integers(1, 2**31 - 1)
TEXTS = st.text(max_size=300)
NAMES = st.from_regex(r"[A-Za-z][A-Za-z0-9-]{0,20}", fullmatch=True)
VALUES = st.lists(TEXTS, min_size=1, max_size=4)
OPERATIONS = {MODIFY_ADD: 0, MODIFY_DELETE: 1, MODIFY_REPLACE: 2, MODIFY_INCREMENT: 3}
CHANGES = st.dictionaries(NAMES, st.lists(st.tuples(st.sampled_from(list(OPERATIONS)), VALUES), min_size=1, max_size=3))


def message(octets: bytes) -> Any:
    decoded, rest = decoder.decode(octets, asn1Spec=rfc4511.LDAPMessage())
    assert rest == b""
    return decoded


def received(octets: bytes) -> list[wire.Answer]:
    return list(wire.answers(bytearray(octets)))


def entry_message(number: int, dn: str, attributes: dict[str, list[str]]) -> bytes:
    entry = rfc4511.SearchResultEntry()
    entry["object"] = dn.encode()
    for place, (name, values) in enumerate(attributes.items()):
        entry["attributes"][place]["type"] = name.encode()
        for index, value in enumerate(values):
            entry["attributes"][place]["vals"][index] = value.encode()
    if not attributes:
        entry["attributes"].clear()
    whole = rfc4511.LDAPMessage()
    whole["messageID"] = number
    whole["protocolOp"]["searchResEntry"] = entry
    return bytes(encoder.encode(whole))


@given(NUMBERS, TEXTS, st.binary(max_size=300))
def test_a_bind_says_who_and_with_what(number: int, dn: str, password: bytes) -> None:
    said = message(wire.bind(number, dn, password, wire.control(b"1.2.3", b"why", is_critical=False)))
    request = said["protocolOp"]["bindRequest"]
    assert (int(said["messageID"]), int(request["version"])) == (number, 3)
    assert bytes(request["name"]).decode() == dn
    assert bytes(request["authentication"]["simple"]) == password
    assert bytes(said["controls"][0]["controlValue"]) == b"why"


@given(NUMBERS, TEXTS, CHANGES)
def test_a_modify_says_what_was_meant(number: int, dn: str, changes: Any) -> None:
    said = message(wire.modify(number, dn, changes, b""))
    assert int(said["messageID"]) == number
    request = said["protocolOp"]["modifyRequest"]
    assert bytes(request["object"]).decode() == dn
    told = [
        (
            str(one["modification"]["type"]),
            int(one["operation"]),
            [bytes(v).decode() for v in one["modification"]["vals"]],
        )
        for one in request["changes"]
    ]
    meant = [(name, OPERATIONS[what], list(values)) for name, each in changes.items() for what, values in each]
    assert told == meant


@given(NUMBERS, TEXTS, st.dictionaries(NAMES, VALUES, min_size=1))
def test_an_add_says_what_was_meant(number: int, dn: str, attributes: dict[str, list[str]]) -> None:
    request = message(wire.add(number, dn, attributes))["protocolOp"]["addRequest"]
    assert bytes(request["entry"]).decode() == dn
    assert {str(one["type"]): [bytes(v).decode() for v in one["vals"]] for one in request["attributes"]} == attributes


@given(NUMBERS, st.integers(1, 1000), st.binary(max_size=200), st.lists(NAMES, max_size=5))
def test_a_search_asks_for_one_page(number: int, size: int, cookie: bytes, names: list[str]) -> None:
    octets = controls.octets_of("(uid=a)")  # of a longer one pyasn1 cannot read back what it wrote
    said = message(Search("ou=people", octets, names).message(number, wire.page(size, cookie)))
    request = said["protocolOp"]["searchRequest"]
    assert (bytes(request["baseObject"]), int(request["scope"]), int(request["sizeLimit"])) == (b"ou=people", 2, 0)
    assert encoder.encode(request["filter"]) == octets
    assert [str(name) for name in request["attributes"]] == names
    (control,) = said["controls"]
    assert (bytes(control["controlType"]), bool(control["criticality"])) == (b"1.2.840.113556.1.4.319", True)
    value, _ = decoder.decode(bytes(control["controlValue"]), asn1Spec=rfc2696.RealSearchControlValue())
    assert (int(value["size"]), bytes(value["cookie"])) == (size, cookie)


def test_an_assertion_is_the_one_that_ldap3_would_send() -> None:
    locked, odd = wire.equal("pwdAccountLockedTime", "000001010000Z"), wire.equal("a", "*(x)")
    terms = wire.every([wire.negated(locked), odd, wire.at_least("b", "7"), wire.negated(wire.present("c"))])
    meant = "(&(!(pwdAccountLockedTime=000001010000Z))(a=\\2a\\28x\\29)(b>=7)(!(c=*)))"
    assert terms == controls.octets_of(meant)
    value = wire.equal("a", "b")
    told, _ = decoder.decode(controls.assertion(value), asn1Spec=rfc4511.Control())
    meant = build_control(controls.ASSERTION, True, compile_filter(parse_filter("(a=b)", *[False] * 5).elements[0]))
    assert [bytes(told[place]) for place in (0, 2)] == [bytes(meant[place]) for place in (0, 2)]
    assert bool(told[1])


@given(NUMBERS, TEXTS, st.dictionaries(st.from_regex(r"[a-z]{1,9}", fullmatch=True), st.lists(TEXTS, max_size=3)))
def test_an_entry_is_read_as_it_was_sent(number: int, dn: str, attributes: dict[str, list[str]]) -> None:
    attributes = {name: values for name, values in attributes.items() if values}
    (answer,) = received(entry_message(number, dn, attributes))
    assert (answer.number, answer.kind) == (number, wire.SEARCH_ENTRY)
    octets = {name: sorted(value.encode() for value in values) for name, values in attributes.items()}
    read_dn, read = answer.entry()
    assert (read_dn, {name: sorted(values) for name, values in read.items()}) == (dn, octets)


def test_names_are_told_in_lower_case() -> None:
    (answer,) = received(entry_message(1, "uid=a", {"supannCodeINE": ["x"]}))
    assert answer.entry() == ("uid=a", {"supanncodeine": [b"x"]})


def done(number: int, code: int, cookie: bytes | None) -> bytes:
    whole = rfc4511.LDAPMessage()
    whole["messageID"] = number
    answer = rfc4511.SearchResultDone()
    answer["resultCode"], answer["matchedDN"], answer["diagnosticMessage"] = code, b"", b"a remark"
    whole["protocolOp"]["searchResDone"] = answer
    if cookie is not None:
        value = rfc2696.RealSearchControlValue()
        value["size"], value["cookie"] = 0, cookie
        control = rfc4511.Control()
        control["controlType"] = b"1.2.840.113556.1.4.319"
        control["criticality"] = False
        control["controlValue"] = encoder.encode(value)
        whole["controls"][0] = control
    return bytes(encoder.encode(whole))


@given(st.integers(0, 122), st.binary(max_size=40))
def test_the_end_of_a_page_tells_how_to_go_on(code: int, cookie: bytes) -> None:
    (answer,) = received(done(7, code, cookie))
    assert (answer.kind, answer.code, answer.cookie()) == (wire.SEARCH_DONE, code, cookie)


def test_the_last_page_has_no_cookie() -> None:
    (answer,) = received(done(7, 0, None))
    assert answer.cookie() == b""


@pytest.mark.parametrize("step", [1, 2, 3, 7, 1000])
def test_messages_come_in_pieces(step: int) -> None:
    sent = entry_message(300, "uid=a", {"cn": ["x" * 200]}) + done(301, 4, b"")
    buffer, heard = bytearray(), []
    for place in range(0, len(sent), step):
        buffer += sent[place : place + step]
        heard += [(answer.number, answer.kind) for answer in wire.answers(buffer)]
    assert heard == [(300, wire.SEARCH_ENTRY), (301, wire.SEARCH_DONE)]
    assert buffer == b""
