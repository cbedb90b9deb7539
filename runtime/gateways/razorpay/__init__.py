"""Razorpay: a typed client, the shapes of its answers, and its signatures."""
