"""Whatever becomes of refunds, transfers and silence, in any order: no paisa is lost, made, or paid twice."""

from datetime import UTC, date, datetime, timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from runtime.gateways.razorpay.models import Reversal as GatewayReversal
from runtime.ledger.accounts import school_payable
from runtime.ledger.model import JournalEntry, trial_balance
from runtime.payments.disputes.model import Dispute, DisputeStatus
from runtime.payments.reconciliation.expectations import expectations_of
from runtime.payments.refunds.model import Refund, RefundBook, RefundRequest, RefundStatus
from runtime.payments.refunds.rules import hear, hear_request, hear_total
from runtime.payments.returns.model import Returns
from runtime.payments.splits.accounting import split_entry, transfer_entries_due
from runtime.payments.splits.model import FeeTerms, Share, SplitTerms
from runtime.payments.splits.record import ON_ITS_WAY, SplitRecord, Transfer, TransferStatus
from runtime.payments.splits.rules import split_payment
from runtime.payments.splits.shares import amounts_taken, follow
from runtime.payments.splits.targets import Pay, Step, TakeBack, next_look, outstanding_paise, pause, steps
from runtime.payments.splits.transfers import hear_transfer, merge_transfer, with_reversals
from runtime.platform.clock import iso

DAY, NOW = date(2026, 4, 1), datetime(2026, 4, 1, 6, 30, tzinfo=UTC)
CAPTURED, OWED = 45_000, school_payable("sch_1")
TERMS = SplitTerms(
    shares=(Share(account_id="acc_a", basis_points=6_000), Share(account_id="acc_b", fixed_paise=150)),
    remainder_to="acc_school",
    fee=FeeTerms(basis_points=200),
)


class Standing:
    """A split, its returns, its books, and a gateway of which it hears only what it fetches."""

    def __init__(self) -> None:
        split = split_payment(CAPTURED, TERMS, DAY)
        entry = split_entry(split, "pay_A", OWED, "INR", DAY)
        self.record = SplitRecord(
            payment_id="pmt_1",
            school_id="sch_1",
            gateway_payment_id="pay_A",
            currency="INR",
            terms_number=1,
            split=split,
            journal=(entry.entry_id,),
            created_at=iso(NOW),
            updated_at=iso(NOW),
        )
        book = RefundBook(
            gateway_payment_id="pay_A", currency="INR", captured_paise=CAPTURED, captured_base_paise=CAPTURED
        )
        self.returns = Returns(payment_id="pmt_1", school_id="sch_1", payer_id="usr_1", book=book)
        self.entries: list[JournalEntry] = [entry]
        self.gateway: dict[str, Transfer] = {}
        self.reversals: list[GatewayReversal] = []
        self.seconds = 0

    # What is said of money that goes back

    def ask(self, number: int, amount_paise: int) -> None:
        self._said(
            hear_request(
                self.returns.book, RefundRequest(request_id=f"rfd_{number}", amount_paise=amount_paise)
            )
        )

    def refuse(self, number: int) -> None:
        known = self.returns.book.requests.get(f"rfd_{number}")
        if known is not None:
            self._said(hear_request(self.returns.book, known.model_copy(update={"refused": True})))

    def refund(self, number: int, status: RefundStatus) -> None:
        known = self.returns.book.requests.get(f"rfd_{number}")
        refund = Refund(
            gateway_refund_id=f"rfnd_{number}",
            request_id=f"rfd_{number}" if known is not None else None,
            amount_paise=known.amount_paise if known is not None else 1_000 * (number + 1),
            currency="INR",
            status=status,
            observed_at=number,
        )
        if refund.gateway_refund_id in self.returns.book.refunds:
            said = self.returns.book.refunds[refund.gateway_refund_id]
            refund = said.model_copy(update={"status": status})
        self._said(hear(self.returns.book, refund))

    def total(self, amount_paise: int) -> None:
        self._said(hear_total(self.returns.book, amount_paise))

    def dispute(self, status: DisputeStatus) -> None:
        dispute = Dispute(
            dispute_id="disp_1",
            gateway_payment_id="pay_A",
            amount_paise=20_000,
            currency="INR",
            status=status,
            observed_at=1,
        )
        self.returns = self.returns.model_copy(update={"disputes": {"disp_1": dispute}})
        self._said(self.returns.book)

    def _said(self, book: RefundBook) -> None:
        self.returns = self.returns.model_copy(update={"book": book})
        assert self.record.split is not None
        split, entries = follow(
            self.record.split, self.returns, self.record.journal, owed=OWED, business_day=DAY
        )
        journal = (*self.record.journal, *(entry.entry_id for entry in entries))
        self.record = self.record.model_copy(update={"split": split, "journal": journal})
        self.entries.extend(entries)

    # What is done and what becomes of it at the gateway

    def work(self, *, heard: bool = True) -> None:
        """A look by a worker; not ``heard``: the gateway did it all and confirmed nothing."""
        self.fetch()
        for step in steps(self.record, NOW):
            made = self._do(step)
            if not heard:
                return
            if isinstance(step, TakeBack):
                self.hear(with_reversals(self.gateway[step.transfer_id], made))
        self.fetch()

    def name(self) -> None:
        """A worker asks for the reversals that only a total tells of."""
        for transfer in self.record.transfers.values():
            if transfer.unnamed_paise:
                self.hear(with_reversals(transfer, self._of(transfer)))

    def take_back(self) -> None:
        """Somebody takes a share back in the dashboard; nobody here has asked for it."""
        for transfer in self.gateway.values():
            if transfer.live_paise >= 250 and transfer.status not in (*ON_ITS_WAY, TransferStatus.FAILED):
                self._do(TakeBack(transfer.transfer_id, 250))
                return

    def _of(self, transfer: Transfer) -> list[GatewayReversal]:
        return [each for each in self.reversals if each.transfer_id == transfer.transfer_id]

    def _do(self, step: Step) -> list[GatewayReversal]:
        if isinstance(step, Pay):
            name = f"trf_{len(self.gateway):04d}"
            self.gateway[name] = Transfer(
                transfer_id=name,
                account_id=step.account_id,
                amount_paise=step.amount_paise,
                currency="INR",
                status=TransferStatus.PENDING,
                observed_at=0,
                fee_paise=step.amount_paise // 400,
                tax_paise=step.amount_paise // 4_000,
            )
        elif isinstance(step, TakeBack):
            known = self.gateway[step.transfer_id]
            reversed_paise = known.reversed_paise + step.amount_paise
            assert known.status in (TransferStatus.PROCESSED, TransferStatus.PARTIALLY_REVERSED)
            assert step.amount_paise >= 100
            assert reversed_paise <= known.amount_paise
            whole = reversed_paise == known.amount_paise
            status = TransferStatus.REVERSED if whole else TransferStatus.PARTIALLY_REVERSED
            self.gateway[step.transfer_id] = known.model_copy(
                update={"reversed_paise": reversed_paise, "status": status}
            )
            self.reversals.append(
                GatewayReversal(
                    id=f"rvrsl_{len(self.reversals):04d}",
                    transfer_id=step.transfer_id,
                    amount=step.amount_paise,
                    currency="INR",
                )
            )
            return self.reversals[-1:]
        return []

    def end(self, status: TransferStatus) -> None:
        """What is on its way arrives or fails."""
        for name, transfer in self.gateway.items():
            if transfer.status in ON_ITS_WAY:
                self.gateway[name] = transfer.model_copy(update={"status": status})

    def fetch(self) -> None:
        self.seconds += 1
        for transfer in self.gateway.values():
            self.hear(transfer.model_copy(update={"observed_at": self.seconds}))

    def hear(self, transfer: Transfer) -> None:
        self.record = hear_transfer(self.record, transfer)
        entries = [
            entry
            for each in self.record.transfers.values()
            for entry in transfer_entries_due(each, self.record.journal, DAY)
        ]
        journal = (*self.record.journal, *(entry.entry_id for entry in entries))
        self.record = self.record.model_copy(update={"journal": journal})
        self.entries.extend(entries)

    def forgive(self) -> None:
        failed = [n for n, each in self.gateway.items() if each.status is TransferStatus.FAILED]
        self.record = self.record.model_copy(update={"forgiven": tuple(failed)})

    def check(self) -> None:
        split = self.record.split
        assert split is not None
        assert split.captured_paise == split.fee.total_paise + sum(part.amount_paise for part in split.parts)
        assert split.reversed_paise == sum(amounts_taken(self.returns, CAPTURED).values()) <= CAPTURED
        assert len(set(self.record.journal)) == len(self.record.journal) == len(self.entries)
        books = trial_balance(self.entries)
        assert books.balances
        for part in split.parts:
            owed = -books.balances_paise.get(f"linked_account_payable:{part.account_id}", 0)
            assert owed == outstanding_paise(self.record)[part.account_id]
            has = sum(e.live_paise for e in self.gateway.values() if e.account_id == part.account_id)
            assert 0 <= has <= part.amount_paise, "nobody ever has more than the part"
        expected = {
            each.entity_id: each.amount_paise
            for each in expectations_of(self.entries)
            if each.kind == "reversal"
        }
        named = {
            name: paise for each in self.record.transfers.values() for name, paise in each.reversals.items()
        }
        assert expected == named
        assert expected.items() <= {each.id: each.amount for each in self.reversals}.items()
        # The school's account pays refunds out of what was taken back, and has nothing else to do with it.
        assert books.balances_paise["school_payable:sch_1"] == CAPTURED - split.reversed_paise


NUMBERS = st.integers(0, 3)
OPERATIONS = st.one_of(
    st.tuples(st.just("ask"), NUMBERS),
    st.tuples(st.just("refuse"), NUMBERS),
    st.tuples(st.just("refund"), NUMBERS, st.sampled_from(RefundStatus)),
    st.tuples(st.just("total"), st.sampled_from([500, 9_000, 45_000])),
    st.tuples(st.just("dispute"), st.sampled_from(DisputeStatus)),
    st.tuples(st.just("work"), st.booleans()),
    st.tuples(st.just("end"), st.sampled_from([TransferStatus.PROCESSED, TransferStatus.FAILED])),
    st.tuples(st.just("fetch")),
    st.tuples(st.just("name")),
    st.tuples(st.just("take_back")),
    st.tuples(st.just("forgive")),
)


def do(standing: Standing, operation: tuple[object, ...]) -> None:
    name, *more = operation
    if name == "ask":
        standing.ask(int(str(more[0])), 3_000 * (int(str(more[0])) + 1) + 7)
    elif name == "work":
        standing.work(heard=bool(more[0]))
    else:
        getattr(standing, str(name))(*more)


@given(st.lists(OPERATIONS, max_size=25))
@settings(max_examples=300, deadline=None)
def test_sums_are_conserved_whatever_happens_in_whatever_order(
    operations: list[tuple[object, ...]],
) -> None:
    standing = Standing()
    for operation in operations:
        do(standing, operation)
        standing.check()
    # The weather is fine again, and a person has decided: everybody gets what they are to have.
    for _ in range(4):
        standing.end(TransferStatus.PROCESSED)
        standing.fetch()
        standing.forgive()
        standing.work()
        standing.name()
        standing.check()
    standing.end(TransferStatus.PROCESSED)
    standing.fetch()
    known = {name for each in standing.record.transfers.values() for name in each.reversals}
    assert known == {each.id for each in standing.reversals}, "every reversal has its name and is expected"
    assert steps(standing.record, NOW) == ()
    assert next_look(standing.record, NOW) is None
    for account_id, paise in outstanding_paise(standing.record).items():
        assert paise < 100
        small = all(each.live_paise < 100 for each in standing.record.transfers_to(account_id))
        assert paise > -100 or small


WORDS = st.builds(
    lambda status, at, back, names, hold, fee: Transfer(
        transfer_id="trf_1",
        account_id="acc_a",
        amount_paise=1_000,
        currency="INR",
        status=status,
        observed_at=at,
        reversed_paise=max(back, sum(names.values())),
        reversals=names,
        on_hold=hold,
        fee_paise=fee,
    ),
    st.sampled_from(TransferStatus),
    st.integers(0, 3),
    st.sampled_from([0, 100, 1_000]),
    st.sampled_from([{}, {"rvrsl_1": 100}, {"rvrsl_2": 300}, {"rvrsl_1": 100, "rvrsl_2": 300}]),
    st.booleans(),
    st.sampled_from([None, 3]),
)


@given(st.lists(WORDS, min_size=1, max_size=6), st.data())
def test_words_about_a_transfer_end_the_same_in_any_order(words: list[Transfer], data: st.DataObject) -> None:
    def merged(order: list[Transfer]) -> Transfer:
        known = None
        for word in order:
            known = merge_transfer(known, word)
        assert known is not None
        return known

    again = words + data.draw(st.lists(st.sampled_from(words), max_size=3))
    shuffled = data.draw(st.permutations(again))
    assert merged(shuffled) == merged(words)
    failed = merged(words).status is TransferStatus.FAILED
    assert merged(words).live_paise >= 0
    assert merged(words).unnamed_paise >= 0
    assert not failed or all(word.status.value in ("created", "pending", "failed") for word in words)


def test_a_silent_gateway_is_left_alone_and_asked_less_and_less_often() -> None:
    standing = Standing()
    assert next_look(standing.record, NOW) == NOW
    quiet = standing.record.model_copy(update={"quiet_until": iso(NOW + timedelta(minutes=2))})
    assert next_look(quiet, NOW) == NOW + timedelta(minutes=2)
    assert [pause(looks) // timedelta(minutes=1) for looks in (0, 1, 2, 7, 8, 500)] == [
        2,
        4,
        8,
        256,
        360,
        360,
    ]


def test_a_silence_about_nothing_is_still_looked_into() -> None:
    """What was asked for may land after a refund has made it superfluous."""
    standing = Standing()
    standing.total(CAPTURED)
    quiet = standing.record.model_copy(update={"quiet_until": iso(NOW + timedelta(minutes=2))})
    assert steps(quiet, NOW) == ()
    assert next_look(quiet, NOW) == NOW + timedelta(minutes=2)
    assert next_look(quiet, NOW + timedelta(minutes=2)) is None
