"""``transliconet --completion bash``: a script by which a shell completes commands, options and
keys. zsh reads it too, after ``bashcompinit``.
"""

from transliconet.cli.conf_files import CONF, groups_of, options_of, read

SCRIPT = """# completion of transliconet for bash, and for zsh after bashcompinit
_transliconet() {{
  local line="${{COMP_LINE:0:COMP_POINT}}" current="${{COMP_WORDS[COMP_CWORD]}}" words
  local word="${{line##* }}"  # as it was typed: bash also breaks words at =
  [ "$current" = "=" ] && current=""
  if [ "$COMP_CWORD" -eq 1 ]; then
    words="{commands} --help --version"
  else
    case "${{COMP_WORDS[1]}}" in
{cases}
    esac
  fi
  COMPREPLY=($(compgen -W "$words" -- "$word"))
  local before="${{word%"$current"}}"
  COMPREPLY=("${{COMPREPLY[@]#"$before"}}")
  [[ "${{COMPREPLY[0]}}" == *= ]] && compopt -o nospace 2> /dev/null
}}
complete -o default -F _transliconet transliconet"""


def completion_script(commands: list[str]) -> str:
    """The script for these commands."""
    cases = [f'      {name}) words="{" ".join(words_of(name))}" ;;' for name in commands]
    return SCRIPT.format(commands=" ".join(commands), cases="\n".join(cases))


def words_of(command: str) -> list[str]:
    """What may follow a command: ``group=option``, and ``key=`` of all its options."""
    root = read(CONF / f"{command}.yaml")
    words = {f"{option.key}=" for option in root.options}
    for group in groups_of(root):
        for name in options_of(group):
            words.add(f"{group}={name}")
            conf = read(CONF / group / f"{name}.yaml")
            if not conf.sets_all:
                words.update(f"{group}.{option.key}=" for option in conf.options)
    return [*sorted(words), "--help"]
