"""A split conserves every paisa; a refund takes back in proportion and never more than was given."""

from datetime import UTC, date, datetime
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from pydantic import ValidationError

from runtime.payments.money_rules import NOT_IN_FORCE
from runtime.payments.refusal import Refused
from runtime.payments.splits.errors import SplitCode
from runtime.payments.splits.model import REVERSALS_MAX, Fee, FeeTerms, Hold, Share, Split, SplitTerms
from runtime.payments.splits.rules import (
    check_terms,
    fee_with_gst,
    is_held,
    on_hold_until,
    restore,
    reverse,
    split_payment,
)

DAY = date(2026, 4, 1)
CATERER = Share(account_id="acc_caterer", basis_points=7_000)
TERMS = SplitTerms(shares=(CATERER,), remainder_to="acc_school")
FEE = FeeTerms(basis_points=200)
AMOUNTS = st.integers(1, 10**12)


def amounts(split: Split) -> dict[str, int]:
    return {part.account_id: part.amount_paise for part in split.parts}


@st.composite
def terms(draw: st.DrawFn) -> SplitTerms:
    """Up to six receivers with shares and fixed sums, with or without a fee."""
    count = draw(st.integers(0, 6))
    left = 10_000
    shares: list[Share] = []
    for position in range(count):
        bps = draw(st.integers(0, left))
        left -= bps
        fixed = draw(st.sampled_from([0, 0, 1, 99, 100, 12_345]))
        shares.append(Share(account_id=f"acc_{position}", basis_points=bps, fixed_paise=fixed))
    fee = draw(
        st.none() | st.builds(FeeTerms, basis_points=st.integers(0, 500), fixed_paise=st.integers(0, 500))
    )
    remainder_to = draw(st.sampled_from(["acc_school", "acc_0"]))
    return SplitTerms(shares=tuple(shares), remainder_to=remainder_to, fee=fee)


@st.composite
def splits(draw: st.DrawFn) -> Split:
    return split_payment(draw(st.integers(200_000, 10**9)), draw(terms()), DAY)


class TestSplit:
    def test_a_thousand_rupees_at_two_per_cent_and_gst(self) -> None:
        """The fee is 20.00, the GST of 18 % on it 3.60: 23.60 are deducted before anybody gets a share."""
        split = split_payment(100_000, TERMS.model_copy(update={"fee": FEE}), DAY)
        assert split.fee == Fee(charge_paise=2_000, gst_paise=360)
        assert split.fee.total_paise == 2_360
        assert amounts(split) == {"acc_caterer": 68_348, "acc_school": 29_292}

    def test_thirds_of_a_rupee(self) -> None:
        thirds = SplitTerms(
            shares=tuple(Share(account_id=f"acc_{each}", basis_points=3_333) for each in range(3)),
            remainder_to="acc_school",
        )
        assert amounts(split_payment(1_000, thirds, DAY)) == {"acc_0": 334, "acc_1": 333, "acc_2": 333}

    def test_fixed_sums_come_before_shares(self) -> None:
        shares = (
            Share(account_id="acc_van", fixed_paise=10_000),
            Share(account_id="acc_caterer", basis_points=5_000, fixed_paise=1_000),
        )
        split = split_payment(50_000, SplitTerms(shares=shares, remainder_to="acc_school"), DAY)
        assert amounts(split) == {"acc_van": 10_000, "acc_caterer": 20_500, "acc_school": 19_500}

    def test_the_receiver_of_the_remainder_may_have_a_share_too(self) -> None:
        own = SplitTerms(shares=(CATERER,), remainder_to="acc_caterer")
        assert amounts(split_payment(12_345, own, DAY)) == {"acc_caterer": 12_345}

    def test_without_shares_all_goes_to_the_receiver_of_the_remainder(self) -> None:
        assert amounts(split_payment(1, SplitTerms(remainder_to="acc_school"), DAY)) == {"acc_school": 1}

    @given(AMOUNTS, terms())
    def test_transfers_fee_and_retained_are_what_was_captured(
        self, captured_paise: int, given_terms: SplitTerms
    ) -> None:
        fixed = sum(share.fixed_paise for share in given_terms.shares)
        fee = 0 if given_terms.fee is None else fee_with_gst(captured_paise, given_terms.fee, DAY).total_paise
        if fee + fixed > captured_paise:
            with pytest.raises(Refused) as refused:
                split_payment(captured_paise, given_terms, DAY)
            too_dear = fee > captured_paise
            assert refused.value.code == (
                SplitCode.FEE_EXCEEDS_AMOUNT if too_dear else SplitCode.FIXED_EXCEEDS_AMOUNT
            )
            return
        split = split_payment(captured_paise, given_terms, DAY)
        assert split.transferred_paise + split.retained_paise + split.fee.total_paise == captured_paise
        assert all(part.amount_paise > 0 for part in split.parts)
        assert all(part.retained == (part.amount_paise < 100) for part in split.parts)

    @given(AMOUNTS, terms())
    def test_nobody_is_a_paisa_or_more_from_the_exact_share(
        self, captured_paise: int, given_terms: SplitTerms
    ) -> None:
        assume(given_terms.remainder_to == "acc_school")
        fixed = sum(share.fixed_paise for share in given_terms.shares)
        fee = 0 if given_terms.fee is None else fee_with_gst(captured_paise, given_terms.fee, DAY).total_paise
        assume(fee + fixed <= captured_paise)
        got = amounts(split_payment(captured_paise, given_terms, DAY))
        for share in given_terms.shares:
            exact = Fraction((captured_paise - fee - fixed) * share.basis_points, 10_000) + share.fixed_paise
            assert abs(got.get(share.account_id, 0) - exact) < 1

    def test_less_than_the_gateway_transfers_is_retained_and_still_owed(self) -> None:
        split = split_payment(332, TERMS, DAY)
        assert [(part.amount_paise, part.retained) for part in split.parts] == [(232, False), (100, False)]
        split = split_payment(300, TERMS, DAY)
        assert [(part.amount_paise, part.retained) for part in split.parts] == [(210, False), (90, True)]
        assert (split.transferred_paise, split.retained_paise) == (210, 90)

    def test_what_is_too_little_for_its_terms_is_refused(self) -> None:
        dear = TERMS.model_copy(update={"fee": FeeTerms(fixed_paise=1_000)})
        with pytest.raises(Refused) as refused:
            split_payment(1_179, dear, DAY)
        assert refused.value.code == SplitCode.FEE_EXCEEDS_AMOUNT
        assert split_payment(1_180, dear, DAY).parts == ()
        fixed = SplitTerms(shares=(Share(account_id="a", fixed_paise=101),), remainder_to="acc_school")
        with pytest.raises(Refused) as refused:
            split_payment(100, fixed, DAY)
        assert refused.value.code == SplitCode.FIXED_EXCEEDS_AMOUNT

    @pytest.mark.parametrize("amount", [0, -1, 10**12 + 1, True, 10.0])
    def test_only_whole_paise_can_be_split(self, amount: Any) -> None:
        with pytest.raises(Refused) as refused:
            split_payment(amount, TERMS, DAY)
        assert refused.value.code == SplitCode.AMOUNT_INVALID

    @pytest.mark.parametrize(
        ("shares", "code"),
        [
            ((CATERER, CATERER), SplitCode.SHARES_INVALID),
            (tuple(Share(account_id=f"a{each}") for each in range(21)), SplitCode.SHARES_INVALID),
            ((Share(account_id="a", basis_points=-1),), SplitCode.SHARES_INVALID),
            ((Share(account_id="a", fixed_paise=-1),), SplitCode.SHARES_INVALID),
            ((CATERER, Share(account_id="a", basis_points=3_001)), SplitCode.SHARES_EXCEED_WHOLE),
        ],
    )
    def test_terms_that_no_payment_can_be_split_by_are_refused(
        self, shares: tuple[Share, ...], code: SplitCode
    ) -> None:
        with pytest.raises(Refused) as refused:
            check_terms(SplitTerms(shares=shares, remainder_to="acc_school"))
        assert refused.value.code == code

    def test_a_fee_beyond_bounds_is_refused(self) -> None:
        with pytest.raises(Refused) as refused:
            check_terms(TERMS.model_copy(update={"fee": FeeTerms(basis_points=10_001)}))
        assert refused.value.code == SplitCode.SHARES_INVALID

    def test_before_gst_there_is_no_rate(self) -> None:
        with pytest.raises(Refused) as refused:
            fee_with_gst(100_000, FEE, date(2017, 6, 30))
        assert refused.value.code == NOT_IN_FORCE

    def test_a_stored_split_that_does_not_sum_is_not_read(self) -> None:
        split = split_payment(100_000, TERMS.model_copy(update={"fee": FEE}), DAY)
        assert Split.model_validate_json(split.model_dump_json()) == split
        with pytest.raises(ValidationError, match="are what was captured"):
            Split.model_validate(split.model_dump() | {"captured_paise": 100_001})


class TestReversal:
    SPLIT = split_payment(100_000, TERMS.model_copy(update={"fee": FEE}), DAY)
    """68,348 to the caterer, 29,292 to the school, 2,360 fee."""

    def test_a_refund_is_taken_in_proportion(self) -> None:
        reversal = reverse(self.SPLIT, "rfd_1", 10_000).reversals[0]
        taken = {each.account_id: each.amount_paise for each in reversal.taken}
        assert taken == {"acc_caterer": 7_000, "acc_school": 3_000}
        assert reversal.borne_paise == 0

    def test_the_platform_refunds_its_fee_last(self) -> None:
        split = reverse(self.SPLIT, "rfd_1", 100_000)
        assert split.reversals[0].borne_paise == 2_360
        assert set(split.unreversed_paise().values()) == {0}

    def test_the_caller_may_name_who_gives_what(self) -> None:
        split = reverse(self.SPLIT, "rfd_1", 30_000, {"acc_school": 0})
        assert split.unreversed_paise() == {"acc_caterer": 38_348, "acc_school": 29_292}
        split = reverse(self.SPLIT, "rfd_1", 30_000, {"acc_school": 29_292})
        assert split.unreversed_paise() == {"acc_caterer": 67_640, "acc_school": 0}

    def test_what_named_shares_leave_open_the_platform_bears(self) -> None:
        split = reverse(self.SPLIT, "rfd_1", 30_000, {"acc_school": 5_000, "acc_caterer": 5_000})
        assert split.reversals[0].borne_paise == 20_000

    @given(splits(), st.data())
    def test_whatever_is_refunded_in_parts_ends_where_a_full_refund_does(
        self, split: Split, data: st.DataObject
    ) -> None:
        number = 0
        while split.reversed_paise < split.captured_paise:
            number += 1
            left = split.captured_paise - split.reversed_paise
            refund_paise = left if number == 6 else data.draw(st.integers(1, left))
            before = split.unreversed_paise()
            split = reverse(split, f"rfd_{number}", refund_paise)
            after = split.unreversed_paise()
            assert all(0 <= after[account] <= before[account] for account in before)
            assert split.reversals[-1].refund_paise == refund_paise
            total = sum(before.values())
            if total:
                exact = Fraction(min(refund_paise, total), total)
                assert all(abs(before[each] - after[each] - before[each] * exact) < 1 for each in before)
        assert set(split.unreversed_paise().values()) <= {0}
        assert sum(reversal.borne_paise for reversal in split.reversals) == split.fee.total_paise

    @given(splits(), st.data())
    def test_a_refund_that_failed_leaves_no_trace(self, split: Split, data: st.DataObject) -> None:
        refund_paise = data.draw(st.integers(1, split.captured_paise))
        assert restore(reverse(split, "rfd_1", refund_paise), "rfd_1") == split

    def test_a_known_refund_changes_nothing_but_not_with_other_amounts(self) -> None:
        split = reverse(self.SPLIT, "rfd_1", 10_000, {"acc_school": 1})
        assert reverse(split, "rfd_1", 10_000, {"acc_school": 1}) is split
        for paise, named in ((10_001, {"acc_school": 1}), (10_000, {"acc_school": 2})):
            with pytest.raises(Refused) as refused:
                reverse(split, "rfd_1", paise, named)
            assert refused.value.code == SplitCode.REVERSAL_REUSED

    @pytest.mark.parametrize(
        ("refund_paise", "named", "code"),
        [
            (100_001, {}, SplitCode.REVERSAL_OVER_CAPTURED),
            (0, {}, SplitCode.AMOUNT_INVALID),
            (1.0, {}, SplitCode.AMOUNT_INVALID),
            (100, {"acc_other": 1}, SplitCode.ACCOUNT_UNKNOWN),
            (100, {"acc_school": -1}, SplitCode.AMOUNT_INVALID),
            (100, {"acc_school": 101}, SplitCode.REVERSAL_OVER_SHARE),
            (50_000, {"acc_school": 29_293}, SplitCode.REVERSAL_OVER_SHARE),
        ],
    )
    def test_what_cannot_be_taken_back_is_refused(
        self, refund_paise: Any, named: dict[str, int], code: SplitCode
    ) -> None:
        with pytest.raises(Refused) as refused:
            reverse(self.SPLIT, "rfd_1", refund_paise, named)
        assert refused.value.code == code

    def test_a_split_takes_only_so_many_reversals(self) -> None:
        split = self.SPLIT
        for each in range(REVERSALS_MAX):
            split = reverse(split, f"rfd_{each}", 1)
        with pytest.raises(Refused):
            reverse(split, "rfd_more", 1)

    def test_a_refund_that_is_not_known_cannot_be_restored(self) -> None:
        with pytest.raises(Refused) as refused:
            restore(self.SPLIT, "rfd_1")
        assert refused.value.code == SplitCode.REVERSAL_UNKNOWN


class TestHold:
    def test_a_hold_ends_when_the_day_begins_in_india(self) -> None:
        assert on_hold_until(date(2026, 4, 1)) == int(datetime(2026, 3, 31, 18, 30, tzinfo=UTC).timestamp())
        hold = Hold(until=date(2026, 4, 1))
        assert is_held(hold, datetime(2026, 3, 31, 18, 29, 59, tzinfo=UTC))
        assert not is_held(hold, datetime(2026, 3, 31, 18, 30, tzinfo=UTC))

    def test_a_hold_without_a_day_ends_by_hand_only(self) -> None:
        assert is_held(Hold(), datetime(2099, 1, 1, tzinfo=UTC))
        assert not is_held(None, datetime(2026, 1, 1, tzinfo=UTC))

    def test_a_moment_needs_its_offset(self) -> None:
        with pytest.raises(Refused) as refused:
            is_held(Hold(), datetime(2026, 4, 1))  # noqa: DTZ001  (the point of the test)
        assert refused.value.code == SplitCode.MOMENT_INVALID

    def test_the_transfer_carries_the_hold_of_its_share(self) -> None:
        hold = Hold(until=date(2026, 5, 1))
        shares = (CATERER.model_copy(update={"hold": hold}),)
        split = split_payment(100_000, SplitTerms(shares=shares, remainder_to="acc_school"), DAY)
        assert [part.hold for part in split.parts] == [hold, None]
