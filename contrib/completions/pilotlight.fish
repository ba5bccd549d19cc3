# fish completion for pilotlight. Regions and groups are asked of the daemon, when there is one.

function __pilotlight_regions
    pilotlight status --json 2>/dev/null | string match -r '"regions":\[([^]]*)\]' |
        tail -n 1 | string replace -a '"' '' | string split ,
end

function __pilotlight_groups
    pilotlight status --json 2>/dev/null | string match -ra '"group":"[^"]*"' |
        string replace -r '.*:"(.*)"' '$1' | sort -u
end

function __pilotlight_endpoints
    pilotlight status --json 2>/dev/null | string match -ra '"[^"]*":\{"type":' |
        string replace -r '"(.*)":.*' '$1'
end

function __pilotlight_steps
    pilotlight status --json 2>/dev/null | string match -r '"transition":\{.*\},"history":' |
        string match -ra '"[^"]*":\{"status":"[a-z_]*","attempt":' |
        string replace -r '"(.*)":\{.*' '$1'
end

set -l commands status failover switchover abort wait retry skip approve plan ready readopt explain connections history reload flush ca help
set -l none "not __fish_seen_subcommand_from $commands"
set -l moves "__fish_seen_subcommand_from failover switchover"
set -l goes_on "__fish_seen_subcommand_from retry skip approve"
set -l words lag flap latch acks undecided dns-only irreversible

complete -c pilotlight -f
complete -c pilotlight -n $none -a status -d 'what is active, healthy and under way'
complete -c pilotlight -n $none -a failover -d 'the primary region is lost: move to another'
complete -c pilotlight -n $none -a switchover -d 'planned move, both regions well'
complete -c pilotlight -n $none -a abort -d 'back to where the running transition started'
complete -c pilotlight -n $none -a wait -d 'return when the transition has ended or stopped'
complete -c pilotlight -n $none -a retry -d 'again with what stopped the transition'
complete -c pilotlight -n $none -a skip -d 'go on without a step'
complete -c pilotlight -n $none -a approve -d "go on with a step that waits for a person's word"
complete -c pilotlight -n $none -a plan -d 'what a failover would do now, step by step'
complete -c pilotlight -n $none -a readopt -d 'a returned old primary becomes a replica'
complete -c pilotlight -n $none -a ready -d 'is the standby fit to take over'
complete -c pilotlight -n $none -a explain -d 'how a name would be answered now, and why'
complete -c pilotlight -n $none -a connections -d 'relayed connections: open, held, since when, bytes'
complete -c pilotlight -n $none -a history -d 'past transitions'
complete -c pilotlight -n $none -a reload -d 'read the configuration again'
complete -c pilotlight -n $none -a flush -d 'drop cached answers'
complete -c pilotlight -n $none -a ca -d "the gateway's CA certificate"
complete -c pilotlight -n $none -a help -d 'help, or that of a command'
complete -c pilotlight -n '__fish_seen_subcommand_from help' -a "$commands"
complete -c pilotlight -n '__fish_seen_subcommand_from connections' -a '(__pilotlight_endpoints)'
complete -c pilotlight -n $goes_on -a '(__pilotlight_steps)'
complete -c pilotlight -n "$moves plan ready readopt" -a '(__pilotlight_regions)'

complete -c pilotlight -s c -l config -rF -d 'configuration file'
complete -c pilotlight -l socket -rF -d 'control socket'
complete -c pilotlight -l json -d 'one JSON document on standard output'
complete -c pilotlight -s h -l help -d help
complete -c pilotlight -l version -d 'the version'

complete -c pilotlight -n '__fish_seen_subcommand_from status' -l watch -d 'draw again after each change'
complete -c pilotlight -n $moves -l group -x -a '(__pilotlight_groups)' -d 'only this group'
complete -c pilotlight -n "$moves abort retry skip approve" -l reason -x -d 'why, for the record'
complete -c pilotlight -n '__fish_seen_subcommand_from failover' -l switch-only -d 'switch at once, without the runbook'
complete -c pilotlight -n '__fish_seen_subcommand_from failover' -l local -d 'this host only'
complete -c pilotlight -n "$moves retry skip approve readopt" -l no-wait -d 'return as soon as it has begun'
complete -c pilotlight -n "$moves abort wait retry skip approve readopt" -l timeout -x -d 'wait no longer'
complete -c pilotlight -n "$moves readopt" -l dry-run -d 'say what would happen'
complete -c pilotlight -n "$moves readopt" -l yes -d 'do not ask'
complete -c pilotlight -n '__fish_seen_subcommand_from plan' -l iam -d 'the least policy for it'
complete -c pilotlight -n "$moves abort" -l force -d 'override refusals'
for word in $words
    complete -c pilotlight -n "$moves abort" -a "--force=$word" -d "override: $word"
end
complete -c pilotlight -n '__fish_seen_subcommand_from wait' -l request -x -d 'what became of this change'
