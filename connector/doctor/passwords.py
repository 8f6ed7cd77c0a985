"""How the directory takes a new password: hashed or not, by which policy, and what a sign-in costs."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from statistics import median

from connector import keys
from connector import limits as tries
from connector.directory.inspection import (
    CONSTRAINT,
    DELETE,
    NO_ACCESS,
    NO_SUCH_ATTRIBUTE,
    NO_SUCH_OBJECT,
    PASSWORD_POLICY,
    REPLACE,
    SUCCESS,
    Answer,
    Lane,
    PolicyError,
)
from connector.doctor import remedies
from connector.doctor.case import Case
from connector.doctor.finding import Finding, Fix, broken, ok, untried, warning
from connector.wording import _

_TURNS = 3
_SLOW_HASH_MS = 8.0  # argon2 and PBKDF2 take 20 and more; whatever else a Modify does, less
_POLICY = (
    *("pwdMinAge", "pwdMinLength", "pwdCheckQuality", "pwdLockout", "pwdMaxFailure", "pwdLockoutDuration"),
    *("pwdFailureCountInterval", "pwdMustChange", "pwdSafeModify", "pwdMaxAge", "pwdInHistory", "pwdAllowUserChange"),
)


def examine(case: Case) -> Iterator[Finding]:
    """Findings about the password policy overlay and everyone's policy."""
    yield from _module(case)
    lane = case.portal
    if lane is None:
        yield untried("passwords", case.why_not)
        return
    if not case.lacks_schema and case.has_rights:
        yield from _hindrance(case) or _hashing(case, lane)
    yield from _cost(case, lane)
    yield from _policy(case)
    yield from _never_locked(case)


def _module(case: Case) -> Iterator[Finding]:
    """slapd says with the controls that it knows whether it has loaded ppolicy; anybody may read that."""
    controls = case.read("", "supportedControl").get("supportedcontrol", [])
    if controls and PASSWORD_POLICY not in controls:
        said = _("slapd has not loaded ppolicy: nobody judges passwords, hashes them, or counts failures")
        yield broken("modules", said, _("load it"), case.load(remedies.MODULES))


def _hindrance(case: Case) -> list[Finding]:
    """Why a try at the decoy would tell nothing about the overlay, if so."""
    if case.is_above_rules:
        because = _("the password policy does not hold the rootdn: correct [directory] bind_dn first")
        return [untried("hashing", because)]
    if _lacks(case, case.gentle_policy):
        said = _("there is no %(dn)s: the portal's account and the decoy stand under it", dn=case.gentle_policy)
        return [_no_policy(case, case.gentle_policy, said)]
    return []


def _hashing(case: Case, lane: Lane) -> Iterator[Finding]:
    """Whether what arrives in clear is hashed. Where the overlay is, nothing but its work shows from outside.

    Without ppolicy, a password that was replaced can be deleted by its clear value; with it, that is refused first.
    """
    if case.settings.password.hash == "argon2id":
        said = _("the portal hashes new passwords itself (argon2id); its start tells whether slapd can use them")
        yield ok("hashing", said)
        return
    dn, secret = case.settings.directory.decoy_dn, keys.random_secret()
    twice = lane.try_modify(dn, {"userPassword": [(REPLACE, [secret]), (DELETE, [secret])]})
    if twice.code == NO_SUCH_ATTRIBUTE:
        said = _("the directory keeps new passwords in clear: it has no password policy overlay")
        yield broken("hashing", said, _('load it, or set [password] hash = "argon2id"'), case.load(remedies.POLICY))
    elif twice.code in {NO_ACCESS, NO_SUCH_OBJECT}:
        yield untried("hashing", _("the decoy must be mended first"))
    else:
        cost = _median(lambda: lane.try_modify(dn, _new(secret))) - _median(lambda: lane.try_modify(dn, {}))
        yield _hashed(case, cost)


def _hashed(case: Case, cost: float) -> Finding:
    """Where the overlay is: as cn=config has it, else by the milliseconds that a new password costs."""
    if case.overlays.get("ppolicy", {}).get("olcppolicyhashcleartext", []) == ["TRUE"]:
        return ok("hashing", _("the directory hashes new passwords (olcPPolicyHashCleartext)"))
    if case.owner and case.overlays:
        return _kept_in_clear(case)
    if cost > _SLOW_HASH_MS:
        return ok("hashing", _("the directory hashes new passwords: one costs it %(cost)s ms", cost=f"{cost:.0f}"))
    remedy = _("the portal finds out when it starts, by writing to the decoy; or give --config ldapi:///")
    return untried("hashing", _("a quick hash and none look alike from outside"), remedy)


def _new(secret: str) -> dict[str, list[tuple[object, list[str]]]]:
    return {"userPassword": [(REPLACE, [secret])]}


def _kept_in_clear(case: Case) -> Finding:
    overlay = next((dn for dn in case.overlays["ppolicy"].get("dn", [])), "olcOverlay={0}ppolicy," + case.database)
    fix = remedies.to_config(overlay, "replace: olcPPolicyHashCleartext", "olcPPolicyHashCleartext: TRUE")
    said = _("the directory keeps new passwords in clear: olcPPolicyHashCleartext is not TRUE")
    return broken("hashing", said, _("set it"), fix)


def _cost(case: Case, lane: Lane) -> Iterator[Finding]:
    """Of the portal's own sign-in, which succeeds and so leaves no trace; a new password has the same scheme."""
    directory, step = case.settings.directory, case.settings.throttle.refusal_step_ms
    answers = [lane.bind(directory.bind_dn, directory.password.get_secret_value()) for _turn in range(_TURNS)]
    spent = median(answer.milliseconds for answer in answers)
    if step and spent > step:
        said = _(
            "a sign-in costs %(spent)s ms, more than a step of refusals (%(step)s ms): time may tell who exists",
            spent=f"{spent:.0f}",
            step=step,
        )
        yield warning("sign-in-cost", said, _("[throttle] refusal_step_ms: longer (docs/limits.md, Time)"))
    else:
        yield ok("sign-in-cost", _("a sign-in costs %(spent)s ms", spent=f"{spent:.0f}"))


def _policy(case: Case) -> Iterator[Finding]:
    """Everyone's policy, as far as anybody shows it to us; else what the portal itself met with."""
    dn = _default(case)
    policy = case.read(dn, *_POLICY) if dn else {}
    if dn and _lacks(case, dn):
        said = _("there is no %(dn)s: no password is judged, and no failure counted", dn=dn)
        yield _no_policy(case, dn, said)
        return
    if not policy:
        yield from _met(case, case.password_try)
        return
    found = [*_blocks(case, dn, policy), *_lockout(case, policy), *_lengths(case, policy)]
    yield from found or [ok("policy", _("%(dn)s lets the portal work", dn=dn))]


def _lacks(case: Case, dn: str) -> bool:
    """Whether root on the server sees the branch and not this entry in it; to others it may be hidden."""
    lane = case.owner
    if lane is None or "ppolicy" not in case.overlays:
        return False
    return lane.search(dn).code == NO_SUCH_OBJECT and lane.search(dn.partition(",")[2]).code == SUCCESS


def _no_policy(case: Case, dn: str, said: str) -> Finding:
    load = case.load(remedies.ENTRIES)
    fix = remedies.record(load, dn) if load and f"dn: {dn}".lower() in load.ldif.lower() else None
    return broken("policy", said, _("load it"), fix)


def _default(case: Case) -> str:
    configured = case.overlays.get("ppolicy", {}).get("olcppolicydefault", [])
    return (
        configured[0] if configured else f"cn=default,ou=policies,{case.settings.directory.decoy_dn.partition(',')[2]}"
    )


def _met(case: Case, answer: Answer | None) -> Iterator[Finding]:
    """The policy itself is hidden from us."""
    if answer and answer.policy is PolicyError.TOO_YOUNG:
        yield warning("policy", _("a new password is refused for being too soon after the last"), "pwdMinAge: 0")
    elif answer and answer.policy is PolicyError.MUST_SUPPLY_OLD:
        said = _("the policy asks for the old password, which is what was lost")
        yield broken("policy", said, "pwdSafeModify: FALSE")
    elif answer and answer.policy is PolicyError.CHANGE_AFTER_RESET:
        said = _("the portal must change its own password first (pwdReset)")
        yield broken("policy", said, _("delete pwdReset from its entry"))
    elif answer and answer.code == CONSTRAINT:
        said = _("the policy refuses a long random password")
        yield broken("policy", said, _("pwdCheckQuality, pwdMaxLength, its check module"))
    else:
        remedy = _("--config ldapi:/// on the server lets root look")
        yield untried("policy", _("nobody shows us everyone's policy"), remedy)


def _blocks(case: Case, dn: str, policy: dict[str, list[str]]) -> Iterator[Finding]:
    """What stops the portal, or the person right after it."""

    def mend(name: str, value: str) -> Fix:
        return remedies.to_data(dn, f"replace: {name}", f"{name}: {value}")

    if _is_set(policy, "pwdSafeModify"):
        said = _("pwdSafeModify: the policy asks for the old password, which is what was lost")
        yield broken("policy", said, "FALSE", mend("pwdSafeModify", "FALSE"))
    if minimum := _number(policy, "pwdMinAge"):
        said = _("pwdMinAge: nobody gets a new password within %(seconds)s seconds of the last", seconds=minimum)
        yield warning("policy", said, "0", mend("pwdMinAge", "0"))
    if _is_set(policy, "pwdMustChange"):
        said = _("pwdMustChange: after an administrator set a password, its owner can do nothing but change it")
        yield warning("policy", said, "FALSE", mend("pwdMustChange", "FALSE"))
    if _number(policy, "pwdCheckQuality") >= 2 and case.settings.password.hash == "argon2id":  # noqa: PLR2004
        said = _("pwdCheckQuality 2 refuses passwords that arrive hashed, as [password] hash has them")
        yield broken("policy", said, _('1, or [password] hash = "directory"'), mend("pwdCheckQuality", "1"))


def _lockout(case: Case, policy: dict[str, list[str]]) -> Iterator[Finding]:
    limits, seconds = case.settings.throttle, case.settings.directory.lockout_seconds
    most, interval = _number(policy, "pwdMaxFailure"), _number(policy, "pwdFailureCountInterval")
    if not _is_set(policy, "pwdLockout") or not most:
        return
    binds = _within(limits.binds_per_account, interval) + _within(limits.key_like_binds_per_account, interval)
    if binds >= most:
        said = _(
            "the policy locks after %(most)s failures, and the portal lets %(binds)s through: anybody could lock "
            "anybody",
            most=most,
            binds=binds,
        )
        remedy = _("[throttle] binds_per_account and key_like_binds_per_account: together fewer")
        yield warning("lockout", said, remedy)
    duration = _number(policy, "pwdLockoutDuration")
    if duration != seconds:
        said = _(
            "the policy locks for %(duration)s seconds, the settings say %(seconds)s: time would tell who is locked",
            duration=duration,
            seconds=seconds,
        )
        yield warning("lockout", said, f"[directory] lockout_seconds = {duration}")


def _lengths(case: Case, policy: dict[str, list[str]]) -> Iterator[Finding]:
    least, ours = _number(policy, "pwdMinLength"), case.settings.password.min_length
    if least > ours and _number(policy, "pwdCheckQuality"):
        said = _("the policy asks for %(least)s characters, the page says %(ours)s", least=least, ours=ours)
        yield warning("policy", said, f"[password] min_length = {least}")


def _never_locked(case: Case) -> Iterator[Finding]:
    """The portal's account and the decoy must be under a policy that does not lock: strangers fail at both."""
    directory = case.settings.directory
    for dn in (directory.bind_dn, directory.decoy_dn):
        own = case.read(dn, "objectClass", "pwdPolicySubentry")
        policy_dn = next(iter(own.get("pwdpolicysubentry", [])), _default(case))
        policy = case.read(policy_dn, *_POLICY) if own else {}
        if _is_set(policy, "pwdLockout") and _number(policy, "pwdMaxFailure"):
            fix = remedies.to_data(dn, "replace: pwdPolicySubentry", f"pwdPolicySubentry: {case.gentle_policy}")
            said = _("a few wrong passwords lock %(dn)s: its policy is %(policy)s", dn=dn, policy=policy_dn)
            yield warning("lockout", said, _("one that never locks"), fix)


def _within(limits: str, seconds: int) -> int:
    """How many tries these limits let through within so many seconds; 0 seconds: ever, of which a day is told."""
    seconds = seconds or 86400
    return min(-(-seconds // limit.seconds) * limit.tries for limit in tries.read(limits))


def _is_set(policy: dict[str, list[str]], name: str) -> bool:
    return policy.get(name.lower(), [""])[0].upper() == "TRUE"


def _number(policy: dict[str, list[str]], name: str) -> int:
    value = policy.get(name.lower(), ["0"])[0]
    return int(value) if value.isdigit() else 0


def _median(ask: Callable[[], Answer]) -> float:
    return median(ask().milliseconds for _turn in range(_TURNS))
