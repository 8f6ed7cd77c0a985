"""Accounts and the directory: everything Mon compte knows and does, without HTTP, HTML or French.

The glossary: one word, one thing.

account     a person's entry in the directory, as the portal may see it; frozen, read afresh for every request
population  the entries the portal may serve at all (a filter under the people branch); the rest does not exist
identifier  what a person types to be found: a login (``uid``), an INE, a student number
eligible    in a state that may hold a key; an account that is not is treated exactly like one that does not exist
key         the activation key: 15 characters, shown once, stored only as a hash
mistyped    of a key: the check character says no; told apart from ``wrong`` (well formed, and not this account's)
spent       of a key: it was once right, and was redeemed or replaced since
issue, redeem, revoke, purge    a key is made; used to set a password; taken back; swept away after its expiry
origin      where a key was handed over: ``letter``, ``mail`` or ``desk``; it decides the lifetime
proof       how somebody showed who they are in this session: by the password or by the key
rescue      the rescue address (adresse de secours): where a fresh key is mailed
code        six digits: mailed, they prove a rescue address; made by an authenticator, they are a second factor
former      of a rescue address: the proved one before the present, which gets the keys until the ``cool-down`` is over
opposition  *it was not me*, said by the former address: the change is undone, and a ``freeze`` begins
freeze      until its end a password alone changes no rescue address
charter     the rules of use: their version and the date are kept of whoever accepted them
refusal     one reason why a new password (or rescue address) is not accepted; all of them are told at once
outbox      the mails that are owed, written in the directory in the same Modify as the act that owes them
lease       how long whoever is mailing may take before another dispatcher claims the mail, in seconds
draft       what all mails of a kind share, rendered once; a ``hole`` in it is for what is one person's own
notice      the mail that tells a person about a change; it carries neither key nor password
caller      whoever sends a request: their ``source``, an IP address or a /64 of IPv6, and the request's name
limit       so many tries in such a time, counted per identifier, per source, per account or in all
mark        what a session remembers of its proof; it no longer fits once anything it rests on has changed
step        answers that must not tell by their time end on a multiple of one
resting     of an account: locked for a while by the directory's password policy
operator    whoever acts on others' accounts: at the shell, named in the audit; at the help desk, with a second factor
help desk   the operators' own pages, /guichet (guichet); the ``door`` lets them in, the ``roster`` tells who they are
second factor  what an operator shows beside the password: a code of their authenticator's
               present ``time step`` (RFC 6238), or a recovery code
enrol       to tie an authenticator to an operator, with the enrolment code that a sysadmin handed over
step-up     a fresh code before an act that could give an account away
slip        the page with a key that an operator prints and hands over
request     what somebody wrote who can do nothing else (demande d’assistance): owed to the desk's mailbox like a mail
office      the portal's counterpart for operators; every act that goes through it is audited with their name
standing    how an account stands: the ways in that open now, and each ``hindrance`` that keeps its owner out
cohort      those of the population who get a key, or a reminder, together
batch       the keys of a cohort, put on paper together; its ``record``, FILE.batch, says who got one and holds none
paper       what a batch is handed over on: a ``sheet`` (CSV, a row a person) or ``letters`` (PDF, a page a person)
bounce      mail that came back for good; it flags the rescue address it was for
postmark    what the Message-ID of a mail of ours tells us alone: whom it was for, and at which address
reminder    the mail to who never activated: it carries no key, so that the letter's lives on
intake      the import of students' records: an ``export`` (the file) is checked line by line, then written
register    the hand that makes and corrects entries for the intake, bound as an administrator, never as the portal
doctor      what looks at all that the portal rests on and writes nothing; a ``finding`` is a line of its report
remedy      of a finding: what to do about it; a ``fix`` is one as LDIF, which nothing of ours ever loads
statistics  the population counted, by facts; ``census`` is the one look at everybody that counts
trail       the last lines of the audit about one account
fast lane   a connection of its own for thousands of entries: read by pages, written many at a time
metric      a figure that Prometheus reads: counted by every process as it happens, or asked of the directory
vitals      how directory, outbox and mail server are just now, for probes and Prometheus
decoy       an entry of ours that stands in for people who do not exist, so that the directory works alike for all

Suffixes: ``_dn`` is a DN string, ``entry`` is a raw search result that never leaves ``connector.directory``,
``now`` is an aware UTC instant, ``hash`` a salted hash in a userPassword scheme (RFC 2307), ``_seconds`` a duration.
"""
