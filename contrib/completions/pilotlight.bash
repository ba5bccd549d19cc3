# bash completion for pilotlight. Regions and groups are asked of the daemon, when there is one.

_pilotlight_names()
{
    # "regions":["a","b"], "group":"x" and "endpoints":{"x":{"type":…},…} of `pilotlight status --json`
    local status
    status=$(pilotlight status --json 2>/dev/null) || return
    if [[ $1 == regions ]]; then
        sed -n 's/.*"regions":\[\([^]]*\)\].*/\1/p' <<<"$status" | tr -d '"' | tr ',' ' '
    elif [[ $1 == endpoints ]]; then
        grep -o '"[^"]*":{"type":' <<<"$status" | cut -d'"' -f2
    elif [[ $1 == steps ]]; then
        sed -n 's/.*"transition":{\(.*\)},"history":.*/\1/p' <<<"$status" |
            grep -o '"[^"]*":{"status":"[a-z_]*","attempt":' | cut -d'"' -f2
    else
        grep -o '"group":"[^"]*"' <<<"$status" | sed 's/.*:"//; s/"$//' | sort -u
    fi
}

_pilotlight()
{
    local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD - 1]} command= i
    local commands="status failover switchover abort wait retry skip approve plan ready readopt explain connections history reload flush ca help"
    local options="--config --socket --json --help --version"
    local moves="--group --reason --no-wait --timeout --dry-run --yes --force"

    for ((i = 1; i < COMP_CWORD; i++)); do
        case ${COMP_WORDS[i]} in
        -c | --config | --socket | --group | --reason | --timeout | --request) ((i++)) ;;
        -*) ;;
        *)
            command=${COMP_WORDS[i]}
            break
            ;;
        esac
    done

    # bash splits at "=": "--force", "=", "WORD".
    [[ $word == "=" ]] && word=
    [[ $before == "=" ]] && before=${COMP_WORDS[COMP_CWORD - 2]}
    COMPREPLY=()
    case $before in
    -c | --config | --socket)
        mapfile -t COMPREPLY < <(compgen -f -- "$word")
        return
        ;;
    --group)
        mapfile -t COMPREPLY < <(compgen -W "$(_pilotlight_names groups)" -- "$word")
        return
        ;;
    --force)
        if [[ ${COMP_WORDS[COMP_CWORD]} == "=" || ${COMP_WORDS[COMP_CWORD - 1]} == "=" ]]; then
            mapfile -t COMPREPLY < <(compgen -W \
                "lag flap latch acks undecided dns-only irreversible" -- "$word")
            return
        fi
        ;;
    --reason | --timeout | --request) return ;;
    esac

    if [[ $word == -* ]]; then
        case $command in
        status) options+=" --watch" ;;
        failover) options+=" $moves --switch-only --local" ;;
        switchover) options+=" $moves" ;;
        abort) options+=" --reason --timeout --force" ;;
        wait) options+=" --timeout --request" ;;
        plan) options+=" --iam" ;;
        readopt) options+=" --no-wait --timeout --dry-run --yes" ;;
        retry | skip | approve) options+=" --reason --no-wait --timeout" ;;
        esac
        mapfile -t COMPREPLY < <(compgen -W "$options" -- "$word")
        return
    fi
    case $command in
    "" | help) mapfile -t COMPREPLY < <(compgen -W "$commands" -- "$word") ;;
    failover | switchover | plan | ready | readopt)
        mapfile -t COMPREPLY < <(compgen -W "$(_pilotlight_names regions)" -- "$word")
        ;;
    retry | skip | approve)
        mapfile -t COMPREPLY < <(compgen -W "$(_pilotlight_names steps)" -- "$word")
        ;;
    connections)
        [[ $before == connections ]] && mapfile -t COMPREPLY < <(compgen -W \
            "$(_pilotlight_names endpoints)" -- "$word")
        ;;
    explain)
        [[ $before == explain ]] || mapfile -t COMPREPLY < <(compgen -W \
            "A AAAA CNAME HTTPS MX NS PTR SOA SRV TXT" -- "$word")
        ;;
    esac
}

complete -F _pilotlight pilotlight
