"""`avtool doctor`: the diagnosis of a machine."""

from avtool.cli.command import command, verb_app
from avtool.cli.session import Session
from avtool.core.errors import ExitCode

app = verb_app("doctor", "avtool doctor", "avtool doctor --json")


@command(app)
def doctor(session: Session) -> int:
    """Check this machine: versions, device, folders, and what is missing."""
    from avtool.jobs.doctor import diagnose

    results = diagnose()
    rows = [["ok" if check.ok else "problem", check.name, check.value] for check in results]
    session.table(["", "what", "found"], rows)
    session.emit({"checks": results})
    problems = [check for check in results if not check.ok]
    for check in problems:
        session.reporter.warn(f"{check.name}: {check.value}; {check.hint}")
    return ExitCode.MISSING if problems else ExitCode.DONE
