"""Why a number is not used any more, as it is recorded: Chinese, whoever records it."""


def disabling_reason(why: str, more: str) -> str:
    """Return the reason that was chosen, with what was added to it."""
    return "：".join(one for one in (why, more) if one)
