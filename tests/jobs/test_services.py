"""The `[anchors]` of a configuration: what is meant is read, what cannot be meant is refused with its name."""

from __future__ import annotations

from pathlib import Path

import pytest

from archiver.custody import note
from archiver.errors import InputError
from archiver.jobs.config import load
from archiver.jobs.services import Service

VKEY = str(note.verifier_key("witness.example/w1", b"\x01" * 32, note.COSIGNATURE))
LOG_VKEY = str(note.verifier_key("log.example/one", b"\x01" * 32))
CLOCK = '[[anchors.rfc3161]]\nname = "a"\nurl = "https://clock.example"\n'
WITNESS = '[[anchors.witness]]\nname = "w"\nurl = "https://witness.example"\n'


def configured(tmp_path: Path, text: str) -> tuple[Service, ...]:
    path = tmp_path / "archiver.toml"
    path.write_text(text)
    return load(path, environment={}).anchors


def test_every_key_is_read_in_the_order_of_the_file(tmp_path: Path) -> None:
    roots = tmp_path / "roots.pem"
    roots.write_text("")
    text = (
        f'{CLOCK}roots = "{roots}"\nqualified = true\npolicy = "1.3.6.1.4.1.99999.1"\n'
        '[[anchors.rfc3161]]\nname = "b"\nurl = "http://clock.example/b"\n'
        '[[anchors.ots]]\nname = "a"\nurl = "https://calendar.example"\n'
        f'{WITNESS}vkey = "{VKEY}"\n'
    )
    first, second, third, fourth = configured(tmp_path, text)
    assert first == Service(
        kind="rfc3161",
        name="a",
        url="https://clock.example",
        roots=str(roots),
        qualified=True,
        policy="1.3.6.1.4.1.99999.1",
    )
    assert (second.roots, second.qualified, second.trusted()) == ("", False, ())
    assert [one.label for one in (third, fourth)] == ["ots a", "witness w"]
    assert fourth.vkey == VKEY
    with pytest.raises(InputError, match="no certificate"):
        first.trusted()
    roots.unlink()
    with pytest.raises(InputError, match="cannot be read"):
        first.trusted()


def test_nobody_is_asked_by_default(tmp_path: Path) -> None:
    assert configured(tmp_path, "") == ()
    assert load(None, environment={}).anchors == ()


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("anchors = 3\n", "must be a table"),
        ('[anchors.rfc3161]\nname = "a"\nurl = "https://x.example"\n', "list of tables"),
        ('[[anchors.notary]]\nname = "a"\n', "unknown kind 'notary'"),
        (f'{CLOCK}root = "x"\n', "unknown key 'root'"),
        (f'{CLOCK}qualified = "yes"\n', "true or false"),
        (f"{CLOCK}policy = 3\n", "must be a text"),
        (f'{CLOCK}policy = "best"\n', "object identifier"),
        (f'{CLOCK}roots = "missing.pem"\n', "names no file"),
        ('[[anchors.rfc3161]]\nname = "a"\n', "needs 'url'"),
        ('[[anchors.rfc3161]]\nurl = "https://x.example"\n', "needs 'name'"),
        ('[[anchors.ots]]\nname = "a"\nurl = "ftp://x.example"\n', "must begin with http"),
        ('[[anchors.ots]]\nname = "../a"\nurl = "https://x.example"\n', "no name for a service"),
        ('[[anchors.ots]]\nname = "A b"\nurl = "https://x.example"\n', "no name for a service"),
        (CLOCK + CLOCK, "rfc3161 a stands twice"),
        (WITNESS, "needs 'vkey'"),
        (f'{WITNESS}vkey = "witness.example+00000000+AAAA"\n', "cannot be read"),
        (f'{WITNESS}vkey = "{LOG_VKEY}"\n', "of type 1, not of a witness"),
        ("".join(CLOCK.replace('"a"', f'"a{n}"') for n in range(33)), "At most 32"),
    ],
)
def test_what_cannot_be_meant_is_refused(tmp_path: Path, text: str, told: str) -> None:
    with pytest.raises(InputError, match=told) as refused:
        configured(tmp_path, text)
    assert str(tmp_path / "archiver.toml") in str(refused.value)
