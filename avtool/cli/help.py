"""Help pages: options in sections, examples at the end, `-h` as well as `--help`."""

from typing import Any

from typer.core import TyperCommand, TyperGroup

CONTEXT = {"help_option_names": ["-h", "--help"]}
"""Context settings of every command."""


class HelpCommand(TyperCommand):
    """A command whose help lists its options by section and ends with its examples."""

    def format_options(self, ctx: Any, formatter: Any) -> None:
        _write_options(self, ctx, formatter)

    def format_epilog(self, ctx: Any, formatter: Any) -> None:  # noqa: ARG002
        _write_examples(self.epilog, formatter)


class HelpGroup(TyperGroup):
    """A group of subcommands whose help ends with its examples."""

    def format_epilog(self, ctx: Any, formatter: Any) -> None:  # noqa: ARG002
        _write_examples(self.epilog, formatter)


class DefaultGroup(HelpGroup):
    """A group with a subcommand whose name may be dropped: `avtool caption film.mkv`.

    Its help page is that of the subcommand, followed by the others. A file that is called like a subcommand
    is given as `./NAME`.
    """

    default = ""

    @classmethod
    def of(cls, name: str) -> "type[DefaultGroup]":
        """The group whose default subcommand has this name."""
        return type("DefaultGroup", (cls,), {"default": name})

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        if not args or (args[0] not in self.commands and args[0] not in CONTEXT["help_option_names"]):
            args = [self.default, *args]
        return super().parse_args(ctx, args)

    def format_usage(self, ctx: Any, formatter: Any) -> None:
        self.commands[self.default].format_usage(ctx, formatter)

    def format_options(self, ctx: Any, formatter: Any) -> None:
        self.commands[self.default].format_options(ctx, formatter)
        self.format_commands(ctx, formatter)


def _write_options(command: TyperCommand, ctx: Any, formatter: Any) -> None:
    """Arguments, then the command's own options, then those of each named section."""
    sections: dict[str, list[tuple[str, str]]] = {"Arguments": [], "Options": []}
    for parameter in command.get_params(ctx):
        if (row := parameter.get_help_record(ctx)) is not None:
            is_argument = parameter.param_type_name == "argument"
            section = getattr(parameter, "rich_help_panel", None)
            sections.setdefault("Arguments" if is_argument else section or "Options", []).append(row)
    for title, rows in sections.items():
        if rows:
            with formatter.section(title):
                formatter.write_dl(rows)


def _write_examples(examples: str | None, formatter: Any) -> None:
    """Writes command lines as they are, a line each, so that they can be copied."""
    if examples:
        with formatter.section("Examples"):
            for line in examples.splitlines():
                formatter.write(f"  {line}\n")
