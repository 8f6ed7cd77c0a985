"""Property tests that say the same thing every time they run, and soon."""

from __future__ import annotations

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st


def examples(count: int) -> settings:
    """So many examples, always the same ones. Their fixtures are shared: what is tested keeps nothing between them."""
    return settings(
        max_examples=count,
        derandomize=True,
        deadline=None,
        suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
    )


NASTY = (
    "",
    "*",
    "*)(uid=*",
    "jmartin001)(|(uid=*",
    "jmartin001*",
    "jmartin\\2a001",
    "\\",
    "\\2a\\28\\29",
    "uid=jmartin001,ou=people,dc=universite,dc=example",
    "jmartin001\0",
    "\0",
    "jmartin001\r\nBcc: moi@ailleurs.example",
    "\r\n\r\n",
    "jmartin\x1b[2J001",
    "😀" * 30,
    "\N{RIGHT-TO-LEFT OVERRIDE}100nitramj",
    "\N{ZERO WIDTH SPACE}\N{WORD JOINER}",
    "e" + "\N{COMBINING ACUTE ACCENT}" * 100,
    "ﷺ" * 128,  # NFKC makes 18 characters of each
    "İıſßŉﬃ",
    "\u00a8tudiant",  # NFKC makes a blank and a mark of the first
    "\ud800",
    "{{ 7 * 7 }}{% raw %}",
    "%s%n%(x)s%00%zz{0}",
    "{SSHA}c29tZXRoaW5n",
    "../../../etc/passwd",
    "<script>alert(1)</script>\"'>",
    "' OR 1=1 --",
    " " * 100,
    "-1",
    "9" * 100,
    "x" * 129,
    "x" * 1025,
    " " * 5000 + "jmartin001",
    "*" * 30_000,
)
"""What somebody types who is up to no good, or whose cat walks over the keyboard."""

LDAP_SIGNS = "*()\\&|!=<>~:;,+#\"'/ \0"
odd_text = st.one_of(
    st.sampled_from(NASTY),
    st.text(max_size=80),
    st.text(alphabet=LDAP_SIGNS + "ab2c5\u00e9\u202e\u200b😀\r\n{}", max_size=60),
)
"""Any text, with what has a meaning to LDAP or to people more often than chance would have it."""
