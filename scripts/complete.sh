# shellcheck shell=bash
# SPDX-License-Identifier: AGPL-3.0-or-later
# Completion of ./inv for bash and zsh: tasks and flags from invoke, names of overlays, kernels, boards and steps from
# the checkout's folders. Put into ~/.bashrc or ~/.zshrc:    . <checkout>/scripts/complete.sh

if [ -n "${ZSH_VERSION:-}" ]; then
    autoload -U +X bashcompinit && bashcompinit
fi

_pynqtorch_names() { # $1: kind of recipe, in $root
    local file
    for file in "$root/recipes/$1"/*.yaml; do
        file=${file##*/}
        echo "${file%.yaml}"
    done
}

_pynqtorch() {
    local command=${COMP_WORDS[0]} word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD - 1]}
    local root task='' names='' i
    case $command in
        */*) root=${command%/*} ;;
        *) root=. ;;
    esac
    for ((i = 1; i < COMP_CWORD; i++)); do
        case ${COMP_WORDS[i]} in
            -*) ;;
            *)
                task=${COMP_WORDS[i]}
                break
                ;;
        esac
    done
    case $before:$task:$word in
        --board:*) names=$(_pynqtorch_names boards) ;;
        --flow:*) names='auto vendor open' ;;
        *:*:-*) names=$("$command" --complete -- inv "${COMP_WORDS[@]:1:COMP_CWORD-1}" -- 2>/dev/null) ;;
        *::*) names=$("$command" --complete -- inv 2>/dev/null) ;;
        *:build:* | *:build-overlay:* | *:overlay.export:*) names=$(_pynqtorch_names overlays) ;;
        *:build-hls:* | *:recipe.export:*) names=$(_pynqtorch_names kernels) ;;
        *:explain:*) names=$(cd "$root/out/steps" 2>/dev/null && echo *) ;;
    esac
    COMPREPLY=()
    while IFS= read -r i; do
        COMPREPLY+=("$i")
    done < <(compgen -W "$names" -- "$word")
}

complete -o default -F _pynqtorch ./inv inv
