"""The mail catcher: real SMTP and HTTP over sockets; what arrives is shown, what is broken breaks nothing."""

from __future__ import annotations

import gc
import json
import re
import smtplib
import socket
import threading
import time
import urllib.error
import urllib.request
import warnings
from collections.abc import Iterator
from datetime import UTC, datetime
from email.message import EmailMessage
from http.client import HTTPMessage
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from connector.demo.mailbox import Mailbox

NOW = datetime(2026, 11, 2, 9, 30, tzinfo=UTC)


@pytest.fixture
def mailbox() -> Iterator[Mailbox]:
    with Mailbox(clock=lambda: NOW) as running:
        yield running


def letter(subject: str = "Votre clé d’activation", to: str = "zoe@courriel.example") -> EmailMessage:
    message = EmailMessage()
    message["From"] = "Mon compte <ne-pas-repondre@universite.example>"
    message["To"] = to
    message["Subject"] = subject
    message.set_content("Bonjour Zoé,\nvoici la clé : K7QF9-M2XT4-RD8HC\n")
    message.add_alternative("<p style='color:teal'>Bonjour Zoé <script>alert(1)</script></p>", subtype="html")
    return message


def send(mailbox: Mailbox, *messages: EmailMessage) -> None:
    with smtplib.SMTP("127.0.0.1", mailbox.smtp_port, local_hostname="localhost", timeout=5) as client:
        for message in messages:
            client.send_message(message)


def send_raw(mailbox: Mailbox, raw: bytes, to: str = "zoe@courriel.example") -> None:
    with smtplib.SMTP("127.0.0.1", mailbox.smtp_port, local_hostname="localhost", timeout=5) as client:
        client.sendmail("portail@universite.example", [to], raw)


def get(url: str, host: str | None = None) -> tuple[str, HTTPMessage]:
    request = urllib.request.Request(url, headers={"Host": host} if host else {})
    with urllib.request.urlopen(request, timeout=5) as answer:
        return answer.read().decode(), answer.headers


def test_a_mail_is_caught_with_its_envelope_its_parts_and_its_decoded_headers(mailbox: Mailbox) -> None:
    send(mailbox, letter())
    (mail,) = mailbox.mails
    assert (mail.sender, mail.to) == ("ne-pas-repondre@universite.example", ("zoe@courriel.example",))
    assert mail.subject == "Votre clé d’activation"
    assert "K7QF9-M2XT4-RD8HC" in mail.text
    assert mail.html.startswith("<p style")
    assert mail.headers["From"] == "Mon compte <ne-pas-repondre@universite.example>"
    assert mail.received == NOW


def test_the_json_gives_each_mail_with_exactly_the_promised_fields_oldest_first(mailbox: Mailbox) -> None:
    send(mailbox, letter("un"), letter("deux"))
    body, headers = get(mailbox.json_url)
    mails = json.loads(body)
    assert mailbox.json_url == mailbox.url + "mails.json"
    assert headers.get_content_type() == "application/json"
    assert [mail["subject"] for mail in mails] == ["un", "deux"]
    assert set(mails[0]) == {"to", "from", "subject", "text", "html", "headers"}
    assert mails[0]["to"] == ["zoe@courriel.example"]
    assert mails[0]["from"] == "ne-pas-repondre@universite.example"
    assert mails[0]["text"] == "Bonjour Zoé,\nvoici la clé : K7QF9-M2XT4-RD8HC\n"
    assert mails[0]["headers"]["Subject"] == "un"


def test_recipients_are_those_of_the_envelope_even_when_no_header_names_them(mailbox: Mailbox) -> None:
    with smtplib.SMTP("127.0.0.1", mailbox.smtp_port, local_hostname="localhost", timeout=5) as client:
        client.send_message(
            letter(to="liste@universite.example"), to_addrs=["a@courriel.example", "b@courriel.example"]
        )
    assert mailbox.mails[0].to == ("a@courriel.example", "b@courriel.example")


def test_an_address_with_accents_is_taken(mailbox: Mailbox) -> None:
    """RFC 6531, SMTPUTF8."""
    send(mailbox, letter(to="zoé@courriel.example"))
    assert mailbox.mails[0].to == ("zoé@courriel.example",)


def test_a_mail_with_one_part_leaves_the_other_empty(mailbox: Mailbox) -> None:
    send_raw(mailbox, b"Subject: plain\n\nonly text\n")
    send_raw(mailbox, b"Content-Type: text/html; charset=utf-8\n\n<p>only html")
    plain, html = mailbox.mails
    assert (plain.text.strip(), plain.html) == ("only text", "")
    assert (html.text, html.html.strip()) == ("", "<p>only html")


def test_an_attachment_is_not_taken_for_the_text(mailbox: Mailbox) -> None:
    message = EmailMessage()
    message["To"] = "zoe@courriel.example"
    message["From"] = "portail@universite.example"
    message.make_mixed()
    message.add_attachment("attached", filename="a.txt")
    send(mailbox, message)
    assert "attached" in message.as_string()
    assert mailbox.mails[0].text == ""


def test_a_picture_that_came_with_a_mail_is_shown_in_it_and_no_other(mailbox: Mailbox) -> None:
    """The frame may fetch nothing (its policy), so that what is not in the mail stays away."""
    message = letter()
    html = message.get_body(("html",))
    assert html
    pictures = '<img src="cid:a@x"><img src=cid:b%40x><img src="cid:c@x"><img src="cid:d@x">'
    html.set_content(pictures, subtype="html")
    for name, kind in [("a@x", "png"), ("b@x", "jpeg"), ("c@x", "svg+xml")]:
        html.add_related(b"octets", "image", kind, cid=f"<{name}>")
    send(mailbox, message)
    page, _ = get(f"{mailbox.url}mails/1/html")
    shown = ["data:image/png;base64,b2N0ZXRz", "data:image/jpeg;base64,b2N0ZXRz", "cid:c@x", "cid:d@x"]
    assert re.findall(r'<img src="?([^">]+)', page) == shown
    assert "cid:a@x" in mailbox.mails[0].html


def test_a_mail_without_any_header_keeps_its_text(mailbox: Mailbox) -> None:
    send_raw(mailbox, b"\nonly text")
    assert mailbox.mails[0].text.strip() == "only text"


def test_a_header_that_comes_twice_keeps_both_values(mailbox: Mailbox) -> None:
    send_raw(mailbox, b"X-Trace: one\nX-Trace: two\n\nhello")
    assert mailbox.mails[0].headers["X-Trace"] == "one\ntwo"


def test_the_page_lists_the_newest_first(mailbox: Mailbox) -> None:
    send(mailbox, letter("le premier"), letter("le second"))
    page, _ = get(mailbox.url)
    assert page.index("le second") < page.index("le premier")
    assert "zoe@courriel.example" in page


def test_the_page_can_fetch_its_rows_alone_to_refresh_itself(mailbox: Mailbox) -> None:
    send(mailbox, letter("un"), letter("deux"))
    rows, _ = get(mailbox.url + "rows")
    assert re.findall('id="mail-([0-9]+)"', rows) == ["2", "1"]
    assert "<style" not in rows


def test_a_flood_shows_the_newest_and_says_how_many_there_are(mailbox: Mailbox) -> None:
    send(mailbox, *(letter(f"n° {number}") for number in range(1, 203)))
    page, _ = get(mailbox.url)
    assert page.count("<li ") == 200
    assert "n° 202<" in page
    assert "n° 2<" not in page
    assert "sur 202" in page
    assert len(json.loads(get(mailbox.json_url)[0])) == 202


def test_the_page_of_a_mail_shows_subject_text_and_headers(mailbox: Mailbox) -> None:
    send(mailbox, letter())
    page, _ = get(f"{mailbox.url}mails/{mailbox.mails[0].number}")
    assert "K7QF9-M2XT4-RD8HC" in page
    assert "Votre clé d’activation" in page
    assert "MIME-Version" in page


def test_a_mails_html_never_runs_in_the_pages_own_origin(mailbox: Mailbox) -> None:
    """Neither from the subject or the text, nor in the frame, nor when the frame's address is opened by itself."""
    send_raw(mailbox, b"Subject: <script>alert(1)</script>\nContent-Type: text/html\n\n<script>alert(2)</script>")
    address = f"{mailbox.url}mails/1"
    for page in (get(mailbox.url)[0], get(address)[0]):
        assert "<script>alert" not in page
    assert 'sandbox="allow-popups allow-popups-to-escape-sandbox"' in get(address)[0]
    _, headers = get(f"{address}/html")
    directives = headers["Content-Security-Policy"].split("; ")
    assert "sandbox allow-popups allow-popups-to-escape-sandbox" in directives
    assert "default-src 'none'" in directives
    assert not any(directive.startswith("script-src") for directive in directives)


def test_the_pages_own_scripts_need_a_nonce_that_changes(mailbox: Mailbox) -> None:
    policies = [get(mailbox.url)[1]["Content-Security-Policy"] for _ in range(2)]
    assert policies[0] != policies[1]
    assert all("default-src 'none'" in policy and "unsafe-inline" not in policy for policy in policies)


def test_a_link_in_the_text_can_be_followed_and_holds_no_script(mailbox: Mailbox) -> None:
    send_raw(mailbox, b"\nhttps://portail.example/#K7 javascript:alert(1) <b>")
    page, _ = get(f"{mailbox.url}mails/1")
    assert 'href="https://portail.example/#K7"' in page
    assert 'href="javascript' not in page
    for escaped in (page, get(mailbox.url)[0], get(mailbox.url + "rows")[0]):
        assert "&lt;b&gt;" in escaped
        assert "<b>" not in escaped


def test_another_sites_name_pointed_at_this_host_gets_nothing(mailbox: Mailbox) -> None:
    """DNS rebinding: a page elsewhere must not read the keys."""
    send(mailbox, letter())
    with pytest.raises(urllib.error.HTTPError) as refused:
        get(mailbox.json_url, host="attacker.example")
    assert refused.value.code == 400
    refused.value.close()


def test_a_mail_that_is_not_there_is_a_404(mailbox: Mailbox) -> None:
    for path in ("mails/1", "mails/1/html"):
        with pytest.raises(urllib.error.HTTPError) as missing:
            get(mailbox.url + path)
        assert missing.value.code == 404
        missing.value.close()


def test_cleared_mails_are_gone_and_their_addresses_are_not_given_again(mailbox: Mailbox) -> None:
    send(mailbox, letter())
    mailbox.clear()
    assert mailbox.mails == []
    assert json.loads(get(mailbox.json_url)[0]) == []
    send(mailbox, letter())
    assert mailbox.mails[0].number == 2


MALFORMED = [
    b"",
    b"no header at all",
    b"Subject: =?utf-8?b?!!!?= =?nonsense?q?x?=\n\nx",
    b"Subject: \xff\xfe caf\xe9\nTo: \xe9@\xe9\n\n\xff\xfe",
    b"Content-Type: text/plain; charset=klingon\n\nhello",
    b"Content-Type: text/plain; charset=klingon\n\n\xff\xfe caf\xe9",
    b"Content-Type: text/plain; charset=utf-7\n\nhalf a surrogate pair +2AA-",
    b"Subject: =?unicode_escape?q?=5Cud800?=\nContent-Type: text/html; charset=unicode_escape\n\n\\ud800",
    b"Content-Type: text/plain; charset=utf-8\nContent-Transfer-Encoding: base64\n\n!!!",
    b"Content-Type: text/plain; charset=utf-16\n\n\x00\xd8odd",
    b"Content-Type: multipart/mixed; boundary=x\n\n--x\nContent-Type: multipart/mixed\n\n--x",
    b"Content-Type: multipart/alternative\n\nno boundary",
    b"Content-Type: message/rfc822\n\n",
    b'Content-Type: ;;;===\nContent-Disposition: =?"\n\nx',
    b"From: <\nTo: @,@\nMessage-ID: <\nDate: never\n\nx",
    b"Sender: \nReply-To: ;:\nFrom: a:b;c@\n\nx",
    b'To: "=?utf-8?q?=41?=" <"=?utf-8?q?=00?=@\n\nx',
]


@pytest.mark.parametrize("raw", MALFORMED)
def test_a_malformed_mail_is_caught_and_breaks_no_page(mailbox: Mailbox, raw: bytes) -> None:
    send_raw(mailbox, raw)
    assert len(mailbox.mails) == 1
    for path in ("", "mails.json", "mails/1", "mails/1/html"):
        get(mailbox.url + path)


HEADER_NAMES = st.sampled_from(["Subject", "To", "From", "Content-Type", "Content-Disposition", "Message-ID", "Date"])
HEADER_VALUES = st.text('=?utf-8bq<>@;:,"\\ ()\xe9\udcff/x', max_size=30)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(HEADER_NAMES, HEADER_VALUES), max_size=4), st.binary(max_size=40))
def test_no_mail_whatever_breaks_the_pages(mailbox: Mailbox, headers: list[tuple[str, str]], body: bytes) -> None:
    mailbox.clear()
    lines = "".join(f"{name}: {value}\n" for name, value in headers)
    send_raw(mailbox, lines.encode("utf-8", "surrogateescape") + b"\n" + body)
    (mail,) = mailbox.mails
    for path in ("", "mails.json", f"mails/{mail.number}", f"mails/{mail.number}/html"):
        get(mailbox.url + path)


def test_text_in_an_unknown_charset_is_still_readable(mailbox: Mailbox) -> None:
    send_raw(mailbox, b"Content-Type: text/plain; charset=klingon\n\nK7QF9-M2XT4-RD8HC")
    assert "K7QF9-M2XT4-RD8HC" in mailbox.mails[0].text


def test_wait_for_returns_as_soon_as_the_mail_is_there(mailbox: Mailbox) -> None:
    sender = threading.Timer(0.2, send, (mailbox, letter("autre", "b@courriel.example"), letter("celui-ci")))
    sender.start()
    started = time.monotonic()
    assert mailbox.wait_for("Zoe@courriel.example", timeout_seconds=10).subject == "celui-ci"
    assert time.monotonic() - started < 5
    sender.join()
    assert mailbox.wait_for(lambda mail: mail.subject == "autre", timeout_seconds=0).to == ("b@courriel.example",)


def test_wait_for_gives_up_after_its_time(mailbox: Mailbox) -> None:
    send(mailbox, letter(to="b@courriel.example"))
    with pytest.raises(TimeoutError):
        mailbox.wait_for("zoe@courriel.example", timeout_seconds=0.05)


@pytest.mark.parametrize("code", [451, 550])
def test_a_refused_recipient_gets_the_code_and_later_mail_is_taken_again(mailbox: Mailbox, code: int) -> None:
    mailbox.refuse(code)
    with pytest.raises(smtplib.SMTPRecipientsRefused) as refused:
        send(mailbox, letter())
    assert refused.value.recipients["zoe@courriel.example"][0] == code
    assert mailbox.mails == []
    mailbox.refuse(None)
    send(mailbox, letter())
    assert len(mailbox.mails) == 1


def test_a_held_server_accepts_the_connection_and_says_nothing(mailbox: Mailbox) -> None:
    mailbox.hold(True)
    with socket.create_connection(("127.0.0.1", mailbox.smtp_port), timeout=0.2) as client:
        client.sendall(b"EHLO somebody\r\n")
        with pytest.raises(TimeoutError):
            client.recv(1)
    mailbox.hold(False)
    send(mailbox, letter())
    assert len(mailbox.mails) == 1


def test_an_answer_in_several_lines_is_not_held_back(mailbox: Mailbox) -> None:
    """Nagle's algorithm would cost each mail 40 ms, and measurements of the portal would show it."""
    spent = []
    with smtplib.SMTP("127.0.0.1", mailbox.smtp_port, local_hostname="localhost", timeout=5) as client:
        for _ in range(5):
            started = time.monotonic()
            client.ehlo("localhost")
            spent.append(time.monotonic() - started)
    assert min(spent) < 0.02


def test_the_ports_can_be_chosen_and_a_taken_one_is_an_error_that_leaves_nothing_open() -> None:
    with Mailbox() as first:
        for other in (Mailbox(smtp_port=first.smtp_port), Mailbox(web_port=int(first.url.split(":")[2].strip("/")))):
            threads = set(threading.enumerate())
            with pytest.raises(OSError, match="in use"):
                other.start()
            assert_ended(set(threading.enumerate()) - threads)
        smtp_port = first.smtp_port
    with Mailbox(smtp_port=smtp_port) as again:
        assert again.smtp_port == smtp_port


def open_files() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


def assert_ended(threads: set[threading.Thread]) -> None:
    for thread in threads:
        thread.join(1)
    assert not [thread.name for thread in threads if thread.is_alive()]


def test_stopping_leaves_no_thread_and_no_socket_even_with_clients_that_hang_on() -> None:
    """A client in mid conversation, one on hold, and a browser that keeps its connection open."""
    gc.collect()
    threads, files = set(threading.enumerate()), open_files()
    mailbox = Mailbox()
    mailbox.start()
    web = ("127.0.0.1", int(mailbox.url.split(":")[2].strip("/")))
    talking = smtplib.SMTP("127.0.0.1", mailbox.smtp_port, local_hostname="localhost", timeout=5)
    mailbox.hold(True)
    clients = [socket.create_connection(("127.0.0.1", mailbox.smtp_port), 5), socket.create_connection(web, 5)]
    clients[1].sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
    assert clients[1].recv(12) == b"HTTP/1.1 200"
    started = time.monotonic()
    mailbox.stop()
    assert time.monotonic() - started < 2
    assert_ended(set(threading.enumerate()) - threads)
    assert clients[0].recv(1) == b""
    for client in clients:
        client.close()
    talking.close()
    with warnings.catch_warnings():
        warnings.simplefilter("error", ResourceWarning)
        gc.collect()
    assert open_files() == files
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", mailbox.smtp_port), 1)
