"""The client for one Razorpay account: every resource the platform uses, typed."""

from runtime.gateways.razorpay.customers import Customers
from runtime.gateways.razorpay.links import PaymentLinks
from runtime.gateways.razorpay.orders import Orders
from runtime.gateways.razorpay.payments import Payments
from runtime.gateways.razorpay.settlements import Settlements
from runtime.gateways.razorpay.transfers import Transfers


class RazorpayClient(Orders, Payments, Customers, PaymentLinks, Transfers, Settlements):
    """Calls to Razorpay, each within its deadline.

    Every method raises ValueError before the call for an argument that Razorpay would refuse, and
    otherwise one of the four errors of :mod:`runtime.gateways.errors`. Reads are repeated within the
    deadline; writes only after a definite "nothing happened". Arguments of the constructor are those
    of :class:`~runtime.gateways.razorpay.api.RazorpayApi`.
    """
