"""A person's contact: read, and never shown."""

from runtime.platform.contacts import Contact


def test_a_contact_shows_nothing_of_itself() -> None:
    shown = repr(Contact(name="Asha", phone_e164="+919000090000", email="asha@example.com"))
    assert not [part for part in ("Asha", "90000", "example") if part in shown]
