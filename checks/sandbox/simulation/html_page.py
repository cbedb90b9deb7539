"""A page for a person: no script, nothing from elsewhere, and the browser is told so."""

from html import escape

from werkzeug.wrappers import Response

from checks.sandbox.simulation.http_exchange import HTML, text_answer


def html_page(title: str, body: str, style: str, *, status: int = 200, forms: bool = False) -> Response:
    """The page. `title` is plain text; `body` and `style` are ready, so what is put in was escaped before.

    `forms` allows the page to send its forms back to the simulator.
    """
    response = text_answer(
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{escape(title)}</title>'
        f'<meta name="viewport" content="width=device-width,initial-scale=1"><style>{style}</style></head>'
        f"<body><main>{body}</main></body></html>",
        status,
        HTML,
    )
    form_action = "'self'" if forms else "'none'"
    response.headers["Content-Security-Policy"] = (
        f"default-src 'none'; style-src 'unsafe-inline'; form-action {form_action};"
        " base-uri 'none'; frame-ancestors 'none'"
    )
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers["Referrer-Policy"] = "no-referrer"
    return response
