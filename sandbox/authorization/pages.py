"""The consent page and the error page. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from html import escape

from ..world.population import Member
from .authorization_request import DEFAULT_SCOPE, AuthorizationRequest
from .errors import OAuthError

HTML = "text/html; charset=utf-8"

_PAGE = """\
<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<style>
:root {{ color-scheme: light dark; }}
body {{ font: 1rem/1.5 system-ui, sans-serif; max-width: 34rem; margin: 3rem auto; padding: 0 1rem; }}
fieldset {{ border: 1px solid; border-radius: .5rem; margin: 1rem 0; overflow-wrap: anywhere; }}
label {{ display: block; }}
select, button {{ font: inherit; padding: .5rem 1rem; max-width: 100%; }}
footer {{ opacity: .8; margin-top: 2rem; }}
</style>
</head>
<body>
<main>
{content}
</main>
<footer>A mock Calendly on this machine. The accounts are not real, and no data leaves this machine.</footer>
</body>
</html>
"""

_CONSENT = """\
<h1>Allow {name}?</h1>
<p>The {kind} app <strong>{name}</strong> requests access to Calendly. \
You will be redirected to <code>{redirect_uri}</code>.</p>
<form method="post" action="/oauth/authorize">
{repeated}
<p><label for="user">Sign in as</label> <select id="user" name="user">
{users}
</select></p>
<fieldset>
<legend>This app will be able to:</legend>
{scopes}
</fieldset>
<p><button type="submit" name="decision" value="allow">Allow</button>
<button type="submit" name="decision" value="deny">Deny</button></p>
</form>"""

_ERROR = """\
<h1>This app can't sign you in</h1>
<p>{description}</p>
<p><code>{error}</code></p>"""


def consent(
    request: AuthorizationRequest,
    repeated: Mapping[str, str],
    members: Iterable[Member],
    chosen: Member | None,
) -> bytes:
    """Return the consent page; `repeated` are the parameters of the request, sent back with the decision."""
    content = _CONSENT.format(
        name=escape(request.app.name),
        kind=request.app.kind,
        redirect_uri=escape(request.redirect_uri),
        repeated="\n".join(
            f'<input type="hidden" name="{escape(name)}" value="{escape(value)}">'
            for name, value in repeated.items()
        ),
        users="\n".join(_option(member, is_chosen=member is chosen) for member in members),
        scopes=_scopes(request.scopes),
    )
    return _page(f"Allow {request.app.name}?", content)


def error(problem: OAuthError) -> bytes:
    """Return the page for an error that must not redirect to the app."""
    content = _ERROR.format(description=escape(problem.description), error=escape(problem.error))
    return _page("This app can't sign you in", content)


def _page(title: str, content: str) -> bytes:
    return _PAGE.format(title=escape(title), content=content).encode()


def _option(member: Member, *, is_chosen: bool) -> str:
    user = member.user
    label = f"{user['name']} ({user['email']}), {member.role}"
    return f'<option value="{escape(member.uuid)}"{" selected" if is_chosen else ""}>{escape(label)}</option>'


def _scopes(scopes: Sequence[str]) -> str:
    if scopes == (DEFAULT_SCOPE,):
        return "<p>do everything that you can do (default)</p>"
    if not scopes:
        return "<p>do nothing: it requests no scopes</p>"
    return "\n".join(
        f'<label><input type="checkbox" name="granted" value="{escape(scope)}" checked> '
        f"{escape(_description(scope))} <code>{escape(scope)}</code></label>"
        for scope in scopes
    )


def _description(scope: str) -> str:
    family, _, right = scope.partition(":")
    return f"{right} {family.replace('_', ' ')}"
